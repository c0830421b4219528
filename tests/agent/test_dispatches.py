"""The jobs that a worker takes, by what their dispatch says."""

import pytest
from livekit.protocol.agent import Job
from livekit.protocol.models import ParticipantInfo, Room

import tickets
from agent.worker.dispatches import check_ticket

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
ENDED_S = 1_790_000_000


def job(created_at_s: int, **attributes: str) -> Job:
    return Job(room=Room(name="r", creation_time=created_at_s), attributes=attributes)


def ticket(room: str = "r", secret: str = SECRET) -> dict[str, str]:
    return {tickets.ATTRIBUTE: tickets.signed(tickets.Ticket(room, "alice", ENDED_S), secret)}


def test_a_dispatch_without_a_ticket_comes_from_a_key_holder() -> None:
    check_ticket(job(2**31), SECRET, 2.0**31)
    check_ticket(job(2**31, other="attribute"), SECRET, 2.0**31)


def test_a_dispatch_into_a_running_call_is_taken_however_old_its_token_is() -> None:
    check_ticket(job(ENDED_S - 60, **ticket()), SECRET, ENDED_S + 10_000.0)


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (job(ENDED_S + 600, **ticket()), "had expired 600 s before"),
        (job(0, **ticket()), "had expired 900 s before"),
        (job(ENDED_S - 60, **ticket("another room")), "for room 'another room'"),
        (job(ENDED_S - 60, **ticket(secret="x" * 40)), "signed with another LIVEKIT_API_SECRET"),
        (job(ENDED_S - 60, **{tickets.ATTRIBUTE: ""}), "can't be read"),
    ],
    ids=["kept token", "no creation time", "other room", "other secret", "empty"],
)
def test_any_other_ticket_is_refused(offered: Job, reason: str) -> None:
    with pytest.raises(tickets.TicketError, match=reason):
        check_ticket(offered, SECRET, ENDED_S + 900.0)


def test_milliseconds_are_taken_where_livekit_has_them() -> None:
    offered = Job(room=Room(name="r", creation_time=1, creation_time_ms=(ENDED_S + 11) * 1000), attributes=ticket())
    with pytest.raises(tickets.TicketError):
        check_ticket(offered, SECRET, 0)


def test_a_job_for_one_participant_is_for_the_one_of_the_ticket() -> None:
    for identity, taken in (("alice", True), ("mallory", False)):
        offered = Job(room=Room(name="r", creation_time=1), participant=ParticipantInfo(identity=identity), attributes=ticket())
        if taken:
            check_ticket(offered, SECRET, 0)
        else:
            with pytest.raises(tickets.TicketError, match="not for 'mallory'"):
                check_ticket(offered, SECRET, 0)
