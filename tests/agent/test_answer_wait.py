"""From when until when the caller waits for an answer, and the state that the room is told meanwhile."""

import asyncio

import pytest
from livekit.agents import AgentSession, AgentStateChangedEvent, UserInputTranscribedEvent
from livekit.agents.voice.events import AgentState

from agent.call.answer_wait import (
    LONGEST_OPTIONAL_S,
    LONGEST_S,
    PAUSE_S,
    SHORTEST_SPEECH_S,
    UNCONFIRMED_S,
    AnswerWait,
)
from agent.call.thinking_state import ThinkingState
from agent.voice.local_voice import LocalVoice

SILENCE_S = 0.5
QUIET_AT = 2.0 + PAUSE_S
"""The time at which the link takes a caller for quiet who has spoken from 0 to 2 seconds."""
TURN_OVER_AT = 2.0 + SILENCE_S


def spoken(*, may_stay_silent: bool = False) -> AnswerWait:
    """A caller who has spoken from 0 to 2 seconds."""
    wait = AnswerWait(turn_silence_s=SILENCE_S, may_stay_silent=may_stay_silent)
    wait.caller_loud(0.0, is_loud=True)
    wait.caller_loud(QUIET_AT, is_loud=False)
    return wait


def test_the_wait_begins_with_the_silence_that_ends_a_turn_and_ends_with_the_answer() -> None:
    wait = spoken()
    assert wait.next_at(QUIET_AT) == pytest.approx(TURN_OVER_AT)
    assert not wait.waits(TURN_OVER_AT - 0.01)
    assert wait.waits(TURN_OVER_AT + 0.01)
    wait.agent_speaks(begins=True)
    assert not wait.waits(TURN_OVER_AT + 0.5)
    wait.caller_said(TURN_OVER_AT + 0.6)
    wait.agent_speaks(begins=False)
    assert not wait.waits(TURN_OVER_AT + 1), "words that come after the beginning of their answer are late"


def test_it_begins_at_once_if_the_service_says_that_the_turn_is_over() -> None:
    wait = spoken()
    wait.caller_finished(QUIET_AT)
    assert wait.waits(QUIET_AT)


def test_a_sound_without_words_is_waited_for_shortly() -> None:
    wait = spoken()
    assert wait.next_at(TURN_OVER_AT + 0.01) == pytest.approx(TURN_OVER_AT + UNCONFIRMED_S)
    wait.caller_said(TURN_OVER_AT + 1)
    assert wait.waits(TURN_OVER_AT + LONGEST_S - 0.1)
    assert not wait.waits(TURN_OVER_AT + LONGEST_S + 1)


@pytest.mark.parametrize("has_words", [False, True])
def test_a_cough_is_no_turn_unless_words_come_of_it(*, has_words: bool) -> None:
    wait = AnswerWait(turn_silence_s=SILENCE_S)
    wait.caller_loud(0.0, is_loud=True)
    if has_words:
        wait.caller_said(0.1)
    wait.caller_loud(SHORTEST_SPEECH_S / 2 + PAUSE_S, is_loud=False)
    assert wait.waits(1.0) == has_words


def test_whoever_speaks_on_waits_for_nothing() -> None:
    wait = spoken()
    wait.caller_loud(TURN_OVER_AT + 0.2, is_loud=True)
    assert not wait.waits(TURN_OVER_AT + 0.3)


def test_a_sound_that_does_not_interrupt_the_agent_is_no_turn() -> None:
    wait = AnswerWait(turn_silence_s=SILENCE_S)
    wait.agent_speaks(begins=True)
    wait.caller_loud(0.0, is_loud=True)
    wait.caller_loud(QUIET_AT, is_loud=False)
    wait.agent_speaks(begins=False)
    assert not wait.waits(TURN_OVER_AT + 0.1)


def test_who_interrupts_the_agent_waits_for_the_next_answer() -> None:
    wait = AnswerWait(turn_silence_s=SILENCE_S)
    wait.agent_speaks(begins=True)
    wait.caller_loud(0.0, is_loud=True)
    wait.agent_speaks(begins=False)
    wait.caller_loud(QUIET_AT, is_loud=False)
    assert wait.waits(TURN_OVER_AT + 0.1)


def test_a_model_that_may_stay_silent_is_waited_for_shortly() -> None:
    wait = spoken(may_stay_silent=True)
    wait.caller_said(TURN_OVER_AT)
    assert wait.waits(TURN_OVER_AT + LONGEST_OPTIONAL_S - 0.1)
    assert not wait.waits(TURN_OVER_AT + LONGEST_OPTIONAL_S + 0.1)


class Room:
    """Keeps the states that a room is told, as LiveKit's RoomIO tells them."""

    def __init__(self, session: AgentSession[None]) -> None:
        self.states: list[str] = []
        self._changed = asyncio.Event()
        session.on("agent_state_changed", self._on_state)

    def _on_state(self, change: AgentStateChangedEvent) -> None:
        self.states.append(change.new_state)
        self._changed.set()

    async def until(self, *states: str) -> None:
        async with asyncio.timeout(5):
            while self.states != [*states]:
                self._changed.clear()
                await self._changed.wait()


class Listening(AgentSession[None]):
    """A session that listens, and isn't connected to anything."""

    @property
    def agent_state(self) -> AgentState:
        return "listening"


async def test_the_room_is_told_by_the_sessions_own_event() -> None:
    session = Listening()
    state = ThinkingState(session, LocalVoice(session, "en"), AnswerWait(turn_silence_s=SILENCE_S))
    room = Room(session)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(state.run())
        state.caller_typed()
        await room.until("thinking")
        state.caller_loud(is_loud=True)
        await room.until("thinking", "listening")
        state.caller_finished()
        await room.until("thinking", "listening", "thinking")
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript="Hello", is_final=False))
        session.emit("agent_state_changed", AgentStateChangedEvent(old_state="listening", new_state="speaking"))
        session.emit("agent_state_changed", AgentStateChangedEvent(old_state="speaking", new_state="listening"))
        await room.until("thinking", "listening", "thinking", "speaking", "listening")
        running.cancel()
