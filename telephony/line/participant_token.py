"""The caller's LiveKit token and attributes, as livekit-server and livekit-sip would make them for the same call.

Not pure: rooms and calls get random names, and a token is signed with the time.
"""

import datetime
import secrets
import string
from dataclasses import dataclass, field

from livekit import api

from telephony.line import wire
from telephony.line.gate import Invited
from telephony.line.wire import SipRequest
from telephony.routing import RoutingResult

CALL_STATUS = "sip.callStatus"

_LIFE = datetime.timedelta(minutes=10)
_RANDOM_END = 12


@dataclass(frozen=True)
class JoinInfo:
    """The LiveKit URL and the token with which a call joins its room."""

    url: str
    token: str = field(repr=False)
    sample_rate_hz: int


@dataclass(frozen=True)
class TokenSigner:
    """Signs the tokens with which callers join their rooms."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    def join_info(self, invited: Invited, invite: SipRequest, identity: str, sample_rate_hz: int) -> JoinInfo:
        """The URL and the token for a call, under an identity that `new_identity` made.

        The dispatch of the agent rides in the token, so it happens when the room is joined.
        """
        where = invited.where
        assert where.rule is not None
        room = where.room
        if where.random_end:
            room += "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_RANDOM_END))
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(identity).with_name(where.name)
        token = token.with_kind("sip").with_ttl(_LIFE).with_attributes(attributes(invited, invite))
        token = token.with_metadata(where.rule.metadata).with_room_config(where.rule.room_config)
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_publish_data=True,
            can_subscribe=True,
            can_update_own_metadata=True,
        )
        return JoinInfo(self.url, token.with_grants(grants).to_jwt(), sample_rate_hz)


def new_identity(where: RoutingResult) -> str:
    """A new identity for a caller.

    It is livekit-server's (`sip_` and the number) in a room of the call's own. In a room that callers share it has a random
    end, because a second participant of the same identity would put the first one out. A hidden caller's is random altogether:
    livekit-server's is a hash of the number, and trying all numbers takes seconds.
    """
    assert where.rule is not None
    if where.rule.hide_phone_number:
        return f"sip_{secrets.token_hex(8)}"
    return where.identity if where.random_end else f"{where.identity}_{secrets.token_hex(4)}"


def attributes(invited: Invited, invite: SipRequest) -> dict[str, str]:
    """The participant's attributes, by livekit-sip's names."""
    return {
        **invited.where.attributes,
        CALL_STATUS: "ringing",
        "sip.callID": f"SCL_{secrets.token_hex(6)}",
        "sip.callIDFull": invite.call_id or "",
        "sip.callTag": wire.dialog_tags(invite)[0],
    }
