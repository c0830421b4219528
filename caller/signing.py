"""Signs the caller's own token, for a LiveKit whose API key and secret are known: no token server is needed then."""

from livekit import api

from caller.tokens import Grant


def sign_token(
    url: str,
    pair: tuple[str, str],
    *,
    room: str,
    identity: str,
    agent_name: str | None = None,
    agent_metadata: str | None = None,
) -> Grant:
    """Sign a token that joins one room, for six hours.

    Args:
        url: LiveKit, `ws://` or `wss://`.
        pair: LiveKit's API key and secret.
        room: the room's name.
        identity: the caller's identity.
        agent_name: the agent that LiveKit is to send into the room. Agents without a name come by themselves.
        agent_metadata: the metadata of that dispatch.
    """
    token = api.AccessToken(*pair).with_identity(identity).with_grants(api.VideoGrants(room_join=True, room=room))
    if agent_name is not None:
        dispatch = api.RoomAgentDispatch(agent_name=agent_name, metadata=agent_metadata or "")
        token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return Grant(url, token.to_jwt())
