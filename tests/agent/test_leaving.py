"""What becomes of a caller whose call's process ends: another worker has the call, or a telephone hears a goodbye."""

import pytest

from agent.call.call_lease import NoLease
from agent.call.endings import Ending
from agent.call.leaving import leave_caller
from agent.call.transport import Console
from agent.room.telephone import PhoneCall

PHONE = PhoneCall(number="+12125550147", answered=True)


class Room(Console):
    """A room with these humans; keeps what was done in it."""

    def __init__(self, *humans: str, phone_call: PhoneCall | None = None) -> None:
        super().__init__(lambda: None)
        self.humans, self.phone_call = set(humans), phone_call  # type: ignore[assignment]
        self.done: list[str] = []

    def identities(self) -> set[str]:
        return self.humans

    def fall_silent(self) -> None:
        self.done.append("silent")

    async def announce(self, samples: bytes) -> None:
        assert samples
        self.done.append("goodbye")


class Lease(NoLease):
    """A lease that another worker takes, or none does."""

    def __init__(self, *, is_taken: bool) -> None:
        self.is_taken = is_taken

    async def leave(self) -> bool:
        return self.is_taken


@pytest.mark.parametrize(
    ("ending", "room", "is_taken", "becomes", "done"),
    [
        (Ending.SHUT_DOWN, Room("caller"), True, Ending.TAKEN_OVER, ["silent"]),
        (Ending.SHUT_DOWN, Room("caller"), False, Ending.SHUT_DOWN, ["silent"]),
        (Ending.SHUT_DOWN, Room("phone", phone_call=PHONE), True, Ending.TAKEN_OVER, ["silent"]),
        (Ending.SHUT_DOWN, Room("phone", phone_call=PHONE), False, Ending.SHUT_DOWN, ["silent", "goodbye"]),
        (Ending.SHUT_DOWN, Room(), True, Ending.SHUT_DOWN, []),
        (Ending.HUNG_UP, Room("caller"), True, Ending.HUNG_UP, []),
        (Ending.TAKEN_OVER, Room("caller"), True, Ending.TAKEN_OVER, []),
    ],
    ids=["taken", "page", "telephone, taken", "telephone", "empty room", "hung up", "taken before"],
)
async def test_a_call_that_ends_with_its_worker(
    ending: Ending, room: Room, is_taken: bool, becomes: Ending, done: list[str]
) -> None:
    assert await leave_caller(ending, room, Lease(is_taken=is_taken), None) is becomes
    assert room.done == done
