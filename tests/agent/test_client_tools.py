"""Tools of the caller's client: who is asked, for what, and what comes of each answer, refusal and silence."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from agent.call.transport import Console
from agent.errors import ClientToolError, ClientToolProblem
from agent.room.client_tool_rules import LONGEST_REASON, MOST_BYTES, answer_of, failure, offered, request_payload
from agent.room.client_tools import ClientTools
from tests.agent.people import PeopledRoom, Reach, human

METHOD = "app.open_order"
OFFERS = {"earshot.client_tools": f"earshot.location, {METHOD}"}
Code = rtc.RpcError.ErrorCode


class AnsweringReach(Reach):
    """A client that answers as the test wants, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, object]] = []
        self.is_asked = asyncio.Event()
        self.answer: str | rtc.RpcError | None = '{"opened": true}'

    async def perform_rpc(self, *, destination_identity: str, **question: object) -> str:
        self.asked.append({"destination_identity": destination_identity, **question})
        self.is_asked.set()
        if self.answer is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(self.answer, rtc.RpcError):
            raise self.answer
        assert self.answer is not None
        return self.answer


class Asked:
    """A room with a caller whose client offers tools, and the agent's side of them."""

    def __init__(self) -> None:
        room = PeopledRoom()
        self.reach = room.reach = AnsweringReach()
        self.caller: rtc.RemoteParticipant | None = human("caller", attributes=OFFERS)
        self.offered: list[set[str]] = []
        """What the model was told that the caller's client offers."""
        self.tools = ClientTools(room, lambda: self.caller, lambda methods: self.offered.append(set(methods)))
        self.room = room

    def sets(self, identity: str, attribute: str, value: str) -> None:
        """A participant sets an attribute of theirs, as LiveKit's room tells it."""
        is_callers = self.caller is not None and self.caller.identity == identity
        before = self.caller.attributes if self.caller is not None and is_callers else {}
        who = human(identity, attributes=before | {attribute: value})
        if is_callers:
            self.caller = who
        self.room.emit("participant_attributes_changed", {attribute: value}, who)

    async def problem(self, method: str = METHOD, *, timeout_s: float = 10, **arguments: object) -> ClientToolProblem:
        """The reason why there was no answer."""
        with pytest.raises(ClientToolError) as refused:
            await self.tools.ask(method, arguments, timeout_s)
        assert refused.value.message, "the model is told something"
        return refused.value.problem


async def test_the_caller_alone_is_asked_and_the_answer_is_returned() -> None:
    room = Asked()
    assert await room.tools.ask(METHOD, {"number": 7}, 10) == {"opened": True}
    [question] = room.reach.asked
    assert (question["destination_identity"], question["method"], question["payload"]) == ("caller", METHOD, '{"number":7}')


async def test_what_a_client_does_not_offer_is_not_asked_for() -> None:
    """Nor is a client without the attribute, such as a telephone, nor anybody while there is no caller."""
    room = Asked()
    assert await room.problem("app.delete_all") is ClientToolProblem.NOT_OFFERED
    room.caller = human("caller", kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP)
    assert await room.problem() is ClientToolProblem.NOT_OFFERED
    room.caller = None
    assert await room.problem() is ClientToolProblem.NO_CALLER
    assert room.reach.asked == []


async def test_the_model_is_told_what_the_callers_client_offers() -> None:
    room = Asked()
    room.caller = None
    room.tools.look()
    assert room.offered == [], "nobody is there"
    room.caller = human("caller")
    room.tools.look()
    room.sets("caller", "earshot.client_tools", f"earshot.location,{METHOD}")
    room.sets("caller", "mood", "good")
    room.sets("another", "earshot.client_tools", "app.delete_all")
    caller, room.caller = room.caller, None
    room.tools.look()
    room.caller = caller
    room.tools.look()
    assert room.offered == [{"earshot.location", METHOD}], "a caller who is gone for a moment takes nothing with them"
    room.caller = human("somebody else")
    room.tools.look()
    assert room.offered[1:] == [set()]


async def test_a_client_that_changes_its_offer_for_ever_is_told_of_a_bounded_number_of_times() -> None:
    room = Asked()
    for number in range(1000):
        room.sets("caller", "earshot.client_tools", f"app.number_{number}")
    assert len(room.offered) <= 50


async def test_the_console_has_no_client() -> None:
    with pytest.raises(ClientToolError) as refused:
        await Console(lambda: None).ask_client(METHOD, None, 10)
    assert refused.value.problem is ClientToolProblem.NOT_OFFERED


@pytest.mark.parametrize("after", [None, human("another", attributes=OFFERS)], ids=["gone", "somebody else"])
async def test_a_caller_who_leaves_ends_the_wait(after: rtc.RemoteParticipant | None) -> None:
    room = Asked()
    room.reach.answer = None
    asking = asyncio.create_task(room.problem(timeout_s=60))
    await room.reach.is_asked.wait()
    room.tools.look()
    assert not asking.done(), "the caller is still there"
    room.caller = after
    room.tools.look()
    room.tools.look()
    assert await asyncio.wait_for(asking, 5) is ClientToolProblem.CALLER_LEFT


async def test_a_client_that_does_not_answer_in_time() -> None:
    room = Asked()
    room.reach.answer = None
    assert await room.problem(timeout_s=0.01) is ClientToolProblem.TIMEOUT


async def test_a_tool_that_is_cancelled_is_cancelled() -> None:
    room = Asked()
    room.reach.answer = None
    asking = asyncio.create_task(room.tools.ask(METHOD, None, 60))
    await room.reach.is_asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    room.caller = None
    room.tools.look()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (Code.UNSUPPORTED_METHOD, ClientToolProblem.NOT_OFFERED),
        (Code.RECIPIENT_DISCONNECTED, ClientToolProblem.CALLER_LEFT),
        (Code.RESPONSE_TIMEOUT, ClientToolProblem.TIMEOUT),
        (Code.CONNECTION_TIMEOUT, ClientToolProblem.UNREACHABLE),
        (Code.SEND_FAILED, ClientToolProblem.UNREACHABLE),
        (Code.RESPONSE_PAYLOAD_TOO_LARGE, ClientToolProblem.TOO_LARGE),
        (Code.APPLICATION_ERROR, ClientToolProblem.REFUSED),
        (2003, ClientToolProblem.REFUSED),
    ],
)
async def test_each_code_is_a_problem(code: int, problem: ClientToolProblem) -> None:
    room = Asked()
    room.reach.answer = rtc.RpcError(code, "by the test")
    assert await room.problem() is problem


def test_a_clients_own_words_are_told_bounded_and_in_one_line() -> None:
    told = failure(METHOD, rtc.RpcError(2003, "the caller\nsaid no")).message
    assert told == f"The caller's client didn't do {METHOD}: the caller said no."
    assert len(failure(METHOD, rtc.RpcError(2003, "no " * 1000)).message) < LONGEST_REASON + 80
    assert "gave no reason" in failure(METHOD, rtc.RpcError(Code.APPLICATION_ERROR, "Application error")).message


@pytest.mark.parametrize(
    ("attribute", "methods"),
    [("", set()), ("a.b", {"a.b"}), (" a.b ,, c ", {"a.b", "c"}), (None, set())],
)
def test_the_attribute_lists_methods_with_commas(attribute: str | None, methods: set[str]) -> None:
    assert offered({} if attribute is None else {"earshot.client_tools": attribute}) == methods


@pytest.mark.parametrize(
    ("payload", "answer"),
    [("", None), ("  ", None), ("null", None), ('{"a": [1]}', {"a": [1]}), ("3", 3), ("done", "done"), ("NaN", "NaN")],
)
def test_an_answer_is_json_or_else_a_text(payload: str, answer: object) -> None:
    assert answer_of(METHOD, payload) == answer


@given(st.text())
def test_whatever_a_client_answers_is_a_value(payload: str) -> None:
    answer_of(METHOD, payload)


def test_what_is_too_large_for_an_rpc_is_said() -> None:
    """Of the arguments before they are sent, since LiveKit would say so only afterwards."""
    with pytest.raises(ClientToolError, match="15,360") as refused:
        request_payload(METHOD, {"text": "x" * MOST_BYTES}, 10)
    assert refused.value.problem is ClientToolProblem.TOO_LARGE
    with pytest.raises(ClientToolError, match="15 KiB"):
        answer_of(METHOD, "\N{EURO SIGN}" * (MOST_BYTES // 2))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_arguments_that_json_has_no_number_for_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match=f"the arguments of {METHOD} are no JSON: a number in them isn't finite; pass None"):
        request_payload(METHOD, {"near": [{"km": number}]}, 10)


@pytest.mark.parametrize("timeout_s", [0, -1, float("inf"), float("nan"), "10", None])
def test_a_time_that_is_none_is_refused(timeout_s: Any) -> None:
    with pytest.raises(ValueError, match="write a number of seconds above 0"):
        request_payload(METHOD, None, timeout_s)
