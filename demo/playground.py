"""A token for LiveKit's playground and other clients without a token endpoint, signed with the demo's own pair.

The token server isn't asked: a token of its own would be short-lived, and would take one of TOKEN_MOST_CALLS places.
"""

import secrets

import jwt

LIFE_S = 3600


def token(api_key: str, api_secret: str, agent_name: str, now_s: float) -> str:
    """A LiveKit token for a room of its own, with the agent's dispatch (LiveKit's docs: access tokens).

    Args:
        api_key: The pair's first half.
        api_secret: The pair's second half.
        agent_name: Which agent comes.
        now_s: The time in seconds since 1970; the token lives `LIFE_S` from then on.
    """
    video = {"roomJoin": True, "room": f"demo-{secrets.token_urlsafe(6)}", "canUpdateOwnMetadata": True}
    claims = {
        "iss": api_key,
        "sub": f"caller-{secrets.token_urlsafe(6)}",
        "nbf": int(now_s) - 10,
        "exp": int(now_s) + LIFE_S,
        "video": video,
        "roomConfig": {"agents": [{"agentName": agent_name}]},
    }
    return jwt.encode(claims, api_secret, algorithm="HS256")
