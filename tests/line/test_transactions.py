"""SIP over a network that loses, repeats and delays: every request is told once, every final answer arrives or is given up."""

import math

from hypothesis import given
from hypothesis import strategies as st

from telephony.line import wire
from telephony.line.transactions import (
    GIVEN_UP_S,
    MOST_KEPT,
    MOST_KEPT_WITH_CALLS,
    Acknowledged,
    NewRequest,
    Transactions,
    Unacknowledged,
)
from telephony.line.wire import SipRequest
from tests.line.messages import SOURCE, invite, ok, request


def ack(status: int, number: int = 1) -> SipRequest:
    branch = "z9hG4bK1" if status >= 300 else "z9hG4bKack"
    return request(
        "ACK",
        Via=f"SIP/2.0/UDP 127.0.0.1:5070;branch={branch};rport",
        To="<sip:+15550002222@127.0.0.1>;tag=ours",
        CSeq=f"{number} ACK",
    )


def begun(transactions: Transactions) -> NewRequest:
    event = transactions.receive(invite(), SOURCE, 0.0)
    assert isinstance(event, NewRequest)
    return event


def answer(transactions: Transactions, new: NewRequest, status: int, now: float = 0.0) -> None:
    transactions.answer(new, wire.answer(new.request, status, "ours", new.source), now)


def sent(transactions: Transactions) -> list[int]:
    """The statuses, or for requests 0, of what went out; empties the outbox."""
    statuses = []
    for datagram in transactions.outbox:
        message = wire.read(datagram.data)
        statuses.append(0 if isinstance(message, SipRequest) else message.status_code)
    transactions.outbox.clear()
    return statuses


def run_until(transactions: Transactions, end: float) -> list[tuple[float, object]]:
    """Let time pass; everything that was told, with when."""
    told: list[tuple[float, object]] = []
    while (now := transactions.next_at) <= end:
        told += [(now, event) for event in transactions.due(now)]
    return told


def test_an_invite_that_comes_again_is_one_call_and_gets_the_same_answer() -> None:
    transactions = Transactions()
    new = begun(transactions)
    assert transactions.receive(invite(), SOURCE, 0.1) is None
    assert sent(transactions) == []
    answer(transactions, new, 180)
    assert [transactions.receive(invite(), SOURCE, 0.5) for _ in range(2)] == [None, None]
    assert sent(transactions) == [180, 180, 180]


def test_a_200_is_sent_until_its_ack_and_then_the_call_is_told_once() -> None:
    transactions = Transactions()
    new = begun(transactions)
    answer(transactions, new, 200)
    run_until(transactions, 3.6)
    assert sent(transactions) == [200, 200, 200, 200]  # after 0.5, 1.5 and 3.5 s
    event = transactions.receive(ack(200), SOURCE, 3.7)
    assert isinstance(event, Acknowledged)
    assert event.key == new.key
    assert transactions.receive(ack(200), SOURCE, 3.8) is None
    assert run_until(transactions, 60) == []
    assert sent(transactions) == []
    assert len(transactions) == 0


def test_a_200_without_ack_is_given_up_after_32_seconds() -> None:
    transactions = Transactions()
    new = begun(transactions)
    answer(transactions, new, 200)
    assert run_until(transactions, 100) == [(GIVEN_UP_S, Unacknowledged(new.key))]
    assert len(sent(transactions)) > 8
    assert len(transactions) == 0


def test_a_refusal_after_ringing_is_sent_until_its_ack_and_nobody_is_told() -> None:
    """The phone has stopped to repeat its INVITE when it heard 180."""
    transactions = Transactions()
    new = begun(transactions)
    answer(transactions, new, 180)
    answer(transactions, new, 480)
    run_until(transactions, 1.6)
    assert sent(transactions) == [180, 480, 480, 480]
    assert transactions.receive(ack(480), SOURCE, 1.7) is None
    assert run_until(transactions, 100) == []
    assert sent(transactions) == []
    assert len(transactions) == 0


def test_a_refusal_that_is_the_first_answer_is_one_packet_for_each_invite() -> None:
    """A forged INVITE makes no more than that go to the address that it names."""
    transactions = Transactions()
    answer(transactions, begun(transactions), 404)
    assert [transactions.receive(invite(), SOURCE, at) for at in (0.5, 1.5)] == [None, None]
    assert sent(transactions) == [404, 404, 404]
    assert run_until(transactions, 100) == []
    assert sent(transactions) == []
    assert len(transactions) == 0


def test_a_request_that_is_ignored_leaves_nothing_behind() -> None:
    transactions = Transactions()
    transactions.ignore(begun(transactions))
    assert (sent(transactions), len(transactions), transactions.next_at) == ([], 0, math.inf)


def test_a_second_final_answer_is_not_sent() -> None:
    transactions = Transactions()
    new = begun(transactions)
    answer(transactions, new, 487)
    answer(transactions, new, 200)
    assert sent(transactions) == [487]


def test_what_is_answered_once_leaves_nothing_behind() -> None:
    transactions = Transactions()
    for _ in range(3):
        new = begun(transactions)
        transactions.answer_once(new, wire.answer(new.request, 407, "ours", SOURCE))
    assert sent(transactions) == [407, 407, 407]
    assert len(transactions) == 0
    assert transactions.receive(ack(407), SOURCE, 1.0) is None


def test_a_bye_of_ours_is_sent_until_it_is_answered() -> None:
    transactions = Transactions()
    bye = wire.in_dialog(wire.dialog(invite(), "ours"), "BYE", ("127.0.0.1", 5060))
    transactions.ask(bye, SOURCE, 0.0)
    run_until(transactions, 1.6)
    assert sent(transactions) == [0, 0, 0]
    assert transactions.unconfirmed
    for at in (1.7, 1.8):
        assert transactions.receive(ok(bye), SOURCE, at) is None
        assert not transactions.unconfirmed
    assert run_until(transactions, 100) == []
    assert sent(transactions) == []


def test_a_bye_that_is_never_answered_ends_too() -> None:
    transactions = Transactions()
    bye = wire.in_dialog(wire.dialog(invite(), "ours"), "BYE", ("127.0.0.1", 5060))
    transactions.ask(bye, SOURCE, 0.0)
    assert run_until(transactions, 100) == []
    assert len(transactions) == 0
    assert 8 < len(sent(transactions)) < 14
    assert transactions.next_at == math.inf


def test_a_provisional_answer_to_our_request_slows_it_down() -> None:
    transactions = Transactions()
    bye = wire.in_dialog(wire.dialog(invite(), "ours"), "BYE", ("127.0.0.1", 5060))
    transactions.ask(bye, SOURCE, 0.0)
    assert transactions.receive(ok(bye, 100), SOURCE, 0.1) is None
    run_until(transactions, 4.0)
    assert sent(transactions) == [0]


def test_memory_is_bounded() -> None:
    transactions = Transactions()
    told = 0
    for number in range(MOST_KEPT + 100):
        flood = invite(Via=f"SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{number}")
        told += transactions.receive(flood, SOURCE, 0.0) is not None
    assert told == len(transactions) == MOST_KEPT


def test_requests_of_a_running_call_find_room_in_full_memory_and_are_bounded_too() -> None:
    transactions = Transactions()
    for number in range(2 * MOST_KEPT_WITH_CALLS):
        flood = invite(Via=f"SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{number}")
        transactions.receive(flood, SOURCE, 0.0)
        if number == MOST_KEPT:
            assert transactions.receive(request("BYE"), SOURCE, 0.0) is None
            assert transactions.receive(request("BYE"), SOURCE, 0.0, of_call=True) is not None
        if number > MOST_KEPT:
            transactions.receive(flood, SOURCE, 0.0, of_call=True)
    assert len(transactions) == MOST_KEPT_WITH_CALLS


def test_options_are_answered_each_time_and_not_kept() -> None:
    transactions = Transactions()
    for _ in range(3):
        new = transactions.receive(request("OPTIONS"), SOURCE, 0.0)
        assert isinstance(new, NewRequest)
        transactions.answer_once(new, wire.answer(new.request, 200, "ours", SOURCE))
    assert sent(transactions) == [200, 200, 200]
    assert len(transactions) == 0


def test_without_a_branch_the_old_way_tells_requests_apart() -> None:
    transactions = Transactions()
    old = {"Via": "SIP/2.0/UDP 127.0.0.1:5070"}
    assert transactions.receive(invite(**old), SOURCE, 0.0) is not None
    assert transactions.receive(invite(**old), SOURCE, 0.1) is None
    assert transactions.receive(invite(**old, **{"Call-ID": "other"}), SOURCE, 0.2) is not None


PACKETS = st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "wait", "180", "200", "480"])


@given(st.lists(PACKETS, max_size=40), st.lists(st.floats(0, 8), max_size=40))
def test_in_any_order_requests_are_told_once_and_memory_empties(steps: list[str], waits: list[float]) -> None:
    transactions, now, told = Transactions(), 0.0, list[object]()
    new: NewRequest | None = None
    for index, step in enumerate(steps):
        match step:
            case "wait":
                now += waits[index] if index < len(waits) else 1.0
                told += transactions.due(now)
            case "180" | "200" | "480":
                if new is not None:
                    answer(transactions, new, int(step), now)
            case "ACK":
                told.append(transactions.receive(ack(200), SOURCE, now))
                told.append(transactions.receive(ack(480), SOURCE, now))
            case method:
                event = transactions.receive(invite() if method == "INVITE" else request(method), SOURCE, now)
                if isinstance(event, NewRequest) and method == "INVITE":
                    new = event
                elif isinstance(event, NewRequest):
                    answer(transactions, event, 200, now)
    if new is not None:
        answer(transactions, new, 480, now)
    run_until(transactions, now + 200)
    assert len(transactions) == 0
    assert sum(isinstance(event, Acknowledged | Unacknowledged) for event in told) <= max(steps.count("INVITE"), 1)
