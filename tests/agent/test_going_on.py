"""The parts of a call that goes on in another process: each takes over its state and behaves as if it had been there."""

import asyncio
from dataclasses import replace

import pytest

from agent.assistant import Assistant
from agent.call.call_cost import CallCost
from agent.call.call_ending import CallEnding
from agent.call.ending_events import CallerListens, HangUpRequested, LimitReached
from agent.call.ending_machine import EndingMachine
from agent.call.endings import Ending
from agent.call.greeter import Greeter
from agent.call.limits import CallTimer, CallTimes
from agent.call.record import CallLosses, CallRecord
from agent.gemini import ModelPrices, TokenUsage, shipped_prices
from agent.persona import load
from agent.room.caller_choice import CallerChoice, Claim, Hold
from agent.settings import Settings
from agent.tools.call_control import NoCall
from tests.agent.listeners import LIMITS

PRICES: ModelPrices = shipped_prices()["gemini-3.8-live"]
USAGE = TokenUsage({"text": 1000}, {"audio": 2000})


def test_the_longest_length_of_a_call_counts_from_its_first_beginning() -> None:
    timer = CallTimer(LIMITS, 0)
    timer.caller_joined(10)
    successor = CallTimer(LIMITS, 5000)
    successor.go_on(replace(timer.times(70), lasted_s=71, with_caller_s=61), 5000)
    successor.caller_joined(5000)
    assert {ending: at for at, ending in successor.deadlines()}[Ending.TOO_LONG] == 5000 - 61 + LIMITS.longest_call_s
    assert successor.times(5001) == CallTimes(72, 62)


def test_a_reply_that_was_owed_is_waited_for_anew() -> None:
    timer = CallTimer(LIMITS, 0)
    timer.caller_joined(0)
    timer.reply_requested(50)
    successor = CallTimer(LIMITS, 100)
    successor.go_on(timer.times(60), 100)
    successor.caller_joined(100)
    assert successor.ending(100 + LIMITS.answer_s - 1) is None
    assert successor.ending(100 + LIMITS.answer_s) is Ending.NO_ANSWER


def test_a_call_costs_what_both_processes_have_come_to() -> None:
    first = CallRecord("room", "assistant", cost=CallCost(PRICES, 1.0))
    first.turn_ended(interrupted=True, response_s=0.9)
    first.tool_started("local_time")
    first.tool_failed()
    first.cost.add(USAGE)
    second = CallRecord("room", "assistant", cost=CallCost(PRICES, 1.0))
    second.go_on(first.saved(CallLosses()))
    assert second.figures() == first.figures()
    assert second.cost.add(USAGE).total_usd == pytest.approx(2 * PRICES.cost_usd(USAGE))


class Spoken:
    """Counts greetings."""

    def __init__(self) -> None:
        self.count = 0

    async def greet(self) -> None:
        self.count += 1


@pytest.mark.parametrize(("greeted", "greetings"), [((), 1), (("caller",), 0), (("somebody else",), 1)])
async def test_who_has_heard_a_greeting_hears_none_from_the_next_process(greeted: tuple[str, ...], greetings: int) -> None:
    spoken = Spoken()
    greeter = Greeter(spoken.greet)
    greeter.go_on(greeted)
    greeter.caller_came("caller")
    running = asyncio.create_task(greeter.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert spoken.count == greetings
    running.cancel()
    await asyncio.wait({running})


def test_the_caller_of_the_killed_process_keeps_the_call_though_others_may_speak() -> None:
    choice = CallerChoice()
    choice.update("caller", Claim.LISTENS)
    choice.go_on("caller")
    choice.update("somebody else", Claim.MICROPHONE)
    assert (choice.caller, choice.hold) == ("caller", Hold.ENGAGED)


def test_who_is_not_there_any_more_is_not_the_caller() -> None:
    choice = CallerChoice()
    choice.go_on("caller")
    choice.update("somebody else", Claim.MICROPHONE)
    assert choice.caller == "somebody else"


def ending(shut_down: list[str]) -> CallEnding:
    return CallEnding(EndingMachine(CallTimer(LIMITS, 0), goodbye_s=15), shut_down.append)


@pytest.mark.parametrize(
    ("event", "hangs_up", "goodbye"),
    [
        (HangUpRequested(), True, None),
        (LimitReached(Ending.TOO_LONG), False, Ending.TOO_LONG),
        (LimitReached(Ending.TOO_LONG, link_is_down=True), False, None),
        (None, False, None),
    ],
)
async def test_a_goodbye_that_was_pending_is_said_by_the_next_process(
    event: HangUpRequested | LimitReached | None, hangs_up: bool, goodbye: Ending | None
) -> None:
    first, second = ending([]), ending([])
    first.tell(CallerListens())
    if event is not None:
        first.tell(event)
    assert (first.hangs_up, first.goodbye) == (hangs_up, goodbye)
    second.go_on(hangs_up=first.hangs_up, goodbye=first.goodbye)
    assert (second.hangs_up, second.goodbye) == (hangs_up, goodbye)


def test_an_agent_that_keeps_nothing_has_no_state() -> None:
    agent = Assistant(load("assistant", Settings().personas_dir), NoCall())
    assert agent.checkpoint_state() == {}
    agent.restore_state({"of": "another version"})
