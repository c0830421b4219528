"""A room with people in it, as the SDK's own objects, without a server."""

from collections.abc import Callable, Mapping

from livekit import rtc
from livekit.rtc._proto import participant_pb2


def human(
    identity: str,
    *,
    may_speak: bool = True,
    kind: rtc.ParticipantKind.ValueType = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    attributes: Mapping[str, str] | None = None,
) -> rtc.RemoteParticipant:
    """A participant who has no track yet."""
    owned = participant_pb2.OwnedParticipant()
    owned.info.identity, owned.info.sid = identity, f"PA_{identity}"
    owned.info.kind = kind
    owned.info.permission.can_publish = may_speak
    owned.info.attributes.update(attributes or {})
    return rtc.RemoteParticipant(owned)


class Reach:
    """Answers RPCs in the place of the room's participants: `errors` says with which code, by identity."""

    def __init__(self) -> None:
        self.errors: dict[str, rtc.RpcError.ErrorCode] = {}
        self.on_asked: Callable[[], object] = lambda: None
        self.methods: dict[str, Callable[[rtc.RpcInvocationData], str]] = {}
        """The methods that the room's own participant answers."""

    def register_rpc_method(self, name: str, handler: Callable[[rtc.RpcInvocationData], str]) -> None:
        self.methods[name] = handler

    async def perform_rpc(self, *, destination_identity: str, **_: object) -> str:
        self.on_asked()
        code = self.errors.get(destination_identity, rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD)
        raise rtc.RpcError(code, "")


class PeopledRoom(rtc.Room):
    """Connected; `come` and `go` tell as LiveKit's room does."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, rtc.RemoteParticipant] = {}
        self.reach = Reach()
        self.state = rtc.ConnectionState.CONN_CONNECTED

    @property
    def remote_participants(self) -> dict[str, rtc.RemoteParticipant]:
        return self.people

    @property
    def connection_state(self) -> rtc.ConnectionState.ValueType:
        return self.state

    @property
    def local_participant(self) -> Reach:  # type: ignore[override]
        return self.reach

    def come(self, *identities: str) -> None:
        for identity in identities:
            self.people[identity] = human(identity)
            self.emit("participant_connected", self.people[identity])

    def go(self, identity: str) -> None:
        self.emit("participant_disconnected", self.people.pop(identity))
