"""The agent state `thinking` from the end of the caller's turn on, for all clients of LiveKit.

LiveKit's session with a realtime model says `listening` until the answer is heard, and `thinking` only while a tool runs
(docs/facts.md L270). The state is told as the session itself tells it, by its event `agent_state_changed`: LiveKit's RoomIO
writes the attribute `lk.agent.state` by that event, so that the attribute has one writer.
"""

import asyncio
import contextlib
import math
import time

from livekit.agents import AgentSession, AgentStateChangedEvent, UserInputTranscribedEvent

from agent.call.answer_wait import AnswerWait
from agent.voice.local_voice import LocalVoice


class ThinkingState:
    """Follows the session of one call from its beginning; `run` tells the state."""

    def __init__(self, session: AgentSession[None], local_voice: LocalVoice, wait: AnswerWait) -> None:
        self._session = session
        self._local_voice = local_voice
        self._wait = wait
        self._changed = asyncio.Event()
        self._is_told = False
        """True if `thinking` was told here, and LiveKit has told no other state since."""
        self._is_telling = False
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_caller_words)

    @property
    def waits(self) -> bool:
        """Whether the caller waits for an answer."""
        return self._wait.waits(time.monotonic())

    def caller_loud(self, *, is_loud: bool) -> None:
        """The caller's sound has become loud enough for speech, or quiet again."""
        self._wait.caller_loud(time.monotonic(), is_loud=is_loud)
        self._changed.set()

    def caller_finished(self) -> None:
        """The service says that the caller's turn is over."""
        self._wait.caller_finished(time.monotonic())
        self._changed.set()

    def caller_typed(self) -> None:
        """The caller has typed, or pressed keys."""
        self._wait.caller_typed(time.monotonic())
        self._changed.set()

    async def run(self) -> None:
        """Tell the state until cancelled."""
        while True:
            self._changed.clear()
            now = time.monotonic()
            self._tell(waits=self._wait.waits(now))
            at = self._wait.next_at(now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if at == math.inf else at - now):
                    await self._changed.wait()

    def _tell(self, *, waits: bool) -> None:
        """Tell what differs from LiveKit's own state. The states `thinking` and `speaking` of its own are left alone."""
        if waits == self._is_told or self._session.agent_state != "listening":
            return
        begins = AgentStateChangedEvent(old_state="listening", new_state="thinking")
        ends = AgentStateChangedEvent(old_state="thinking", new_state="listening")
        self._is_telling = True
        self._session.emit("agent_state_changed", begins if waits else ends)
        self._is_telling = False
        self._is_told = waits

    def _on_agent_state(self, change: AgentStateChangedEvent) -> None:
        if self._is_telling:
            return
        self._is_told = False
        if change.new_state == "speaking" and not self._local_voice.says(self._session.current_speech):
            self._wait.agent_speaks(begins=True)
        elif change.old_state == "speaking":
            self._wait.agent_speaks(begins=False)
        self._changed.set()  # told by `run`, after LiveKit has written its own state

    def _on_caller_words(self, words: UserInputTranscribedEvent) -> None:
        if words.transcript:
            self._wait.caller_said(time.monotonic())
            self._changed.set()
