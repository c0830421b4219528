"""The agent hangs up: the call ends once what it says next has been heard, unless the caller goes on."""

import asyncio
from collections.abc import Callable

from livekit.agents import AgentSession, SpeechCreatedEvent, UserInputTranscribedEvent
from livekit.agents.voice import SpeechHandle

from agent.voice.playout import SOUND_IN_FLIGHT_S


class Goodbye:
    """At most one at a time. `on_heard` is called once it was heard, or took longer than `within_s`."""

    def __init__(self, session: AgentSession[None], *, within_s: float) -> None:
        self.on_heard: Callable[[], None] | None = None
        self._session = session
        self._within_s = within_s
        self._timer: asyncio.TimerHandle | None = None
        self._speech: SpeechHandle | None = None
        self._callers_turn: str | None = None
        session.on("speech_created", self._on_speech)
        session.on("user_input_transcribed", self._on_caller_words)

    @property
    def pending(self) -> bool:
        return self._timer is not None

    def begin(self) -> None:
        """What the agent says next is the goodbye. Asked for twice, it is still one."""
        if not self.pending:
            self._end_in(self._within_s)

    def cancel(self) -> None:
        """The caller has something to add: the call goes on."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._speech = None

    def _end_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ended)

    def _ended(self) -> None:
        if self.on_heard is not None:
            self.on_heard()

    def _on_speech(self, created: SpeechCreatedEvent) -> None:
        if (
            self.pending and self._speech is None and created.source != "say"
        ):  # the worker's own voice, agent/voice/local_voice.py
            self._speech = created.speech_handle
            self._speech.add_done_callback(self._on_spoken)

    def _on_spoken(self, speech: SpeechHandle) -> None:
        if speech is not self._speech:
            return
        if speech.interrupted:
            self.cancel()
        else:
            self._end_in(SOUND_IN_FLIGHT_S)

    def _on_caller_words(self, words: UserInputTranscribedEvent) -> None:
        if words.item_id is None or words.item_id == self._callers_turn:
            return  # more of the turn in which the caller said goodbye
        self._callers_turn = words.item_id
        if self._speech is None:
            self.cancel()
