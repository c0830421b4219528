"""The model's answers one after the other, and the caller's words between them, from the service's messages.

A generation begins with the first output: sound, words or a call. It ends with its turn, when the caller interrupts it, and
with a call of a function: LiveKit runs a function when it is the turn of the generation that called it, and tells the result
when that generation is over (docs/facts.md L32).
"""

import math
import time
from collections.abc import Callable, Sequence

from google.genai.types import FunctionResponseScheduling as Scheduling
from livekit.agents import llm

from agent.gemini.caller_transcript import CallerTranscript
from agent.gemini.chat_journal import ChatJournal
from agent.gemini.generation import Generation
from agent.gemini.messages import Json, Received
from agent.gemini.replies import Replies
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules

_CUT_S = 0.1
"""LiveKit ends a speech that was cut in tasks of its own, within so many seconds, and calls `interrupt` for it too."""

Emit = Callable[..., None]
"""Tells LiveKit of an event: its name, and what it is about."""


class Generations:
    """Tells LiveKit of each by `emit`, and writes what was said into the journal.

    Args:
        emit: tells LiveKit of an event.
        replies: the answers that the application has asked for.
        journal: the history of the conversation.
        rules: by which caller and model take turns.
        whole_transcripts: the caller's words come as one sentence; it is final when the model answers, or the next one comes.
        translates: both sides speak at once. A generation ends none that still plays, and the caller's words are final when the
            caller pauses.
    """

    def __init__(
        self,
        emit: Emit,
        replies: Replies,
        journal: ChatJournal,
        rules: TurnRules = DEFAULT_TURN_RULES,
        *,
        whole_transcripts: bool,
        translates: bool = False,
    ) -> None:
        self._emit = emit
        self._replies = replies
        self._journal = journal
        self._rules = rules
        self._whole_transcripts = whole_transcripts
        self._translates = translates
        self._transcript = CallerTranscript()
        self.last: Generation | None = None
        """The one that is open, or else was last."""
        self._stopped_id = ""
        self._cut_at = -math.inf
        """The time at which what plays was ended last, in seconds since the epoch."""
        self._has_called = False
        """True if the turn has called a function; output that follows belongs to it."""
        self._answers_results = False
        """True if the model was told results, and the caller has said nothing since: what still plays is to be heard first."""
        self._hears_over_answer = False
        """The caller's words that come are said over an answer, and no late words of what it answers."""
        self._hears_late = False
        """The caller's words that come were said before an answer that is over."""

    def add_sound(self, pcm: bytes) -> bool:
        """Sound and nothing else. False: no answer is open, so that it begins one."""
        generation = self._open
        if generation is None:
            return False
        if self._whole_transcripts:
            self._finish_transcript()
        generation.add_sound(pcm)
        return True

    def results_sent(self, responses: Sequence[Json]) -> None:
        """Results of functions go to the model."""
        self._answers_results = all(response.get("scheduling") != Scheduling.INTERRUPT.value for response in responses)

    def received(self, received: Received, calls: Sequence[llm.FunctionCall]) -> None:
        """A message, and the functions in it that are to be run."""
        now = time.time()
        self._answers_results &= not (received.caller_begins or received.caller_words or received.interrupted)
        was_open = self._open is not None
        if received.interrupted and not was_open:
            self._interrupt()  # what was said before may still be played
        generation = self._open
        if generation is None and (received.pcm or received.words or calls):
            generation = self._begin(now)
        if self._whole_transcripts and (received.pcm or calls or received.caller_words):
            self._finish_transcript()  # a sentence is final when the model answers, and when the next one comes
        if received.caller_words:
            self._hear(received, generation, now)
        if generation is not None:
            _fill(generation, received, calls, now)
        if received.caller_ends and self._translates:
            self._finish_transcript()
        if received.interrupted and was_open:
            self._interrupt()
            self._end(now)  # what follows is another turn
        elif calls:
            self._end(now)
            self._has_called = True
        if received.turn_complete:
            self._end(now)
            if not self._translates:
                self._finish_transcript()
        if received.turn_complete or (received.interrupted and was_open):
            self._has_called = False

    def _hear(self, received: Received, generation: Generation | None, now: float) -> None:
        """Words of the caller's, in their turn. `generation`: the answer that is open."""
        is_late = received.before_answer and generation is None
        if (received.over_answer, is_late) != (self._hears_over_answer, self._hears_late):
            self._finish_transcript()
            self._hears_over_answer, self._hears_late = received.over_answer, is_late
        is_new = self._whole_transcripts or self._translates or received.over_answer
        answer = self.last if is_late else generation
        began_at = now if answer is None or is_new else min(now, answer.created_at)
        self._emit("input_audio_transcription_completed", self._transcript.add(received.caller_words, began_at))

    def caller_begins(self) -> None:
        """The caller says by a button that they speak: what plays stops, before the service says so."""
        self._interrupt()

    def caller_ends(self) -> None:
        """The caller says by a button that they have spoken."""
        self._emit("input_speech_stopped", llm.InputSpeechStoppedEvent(user_transcription_enabled=False))

    def stop(self) -> bool:
        """The application stops the answer that is being given. False: none is, or something was cut just now anyway."""
        generation = self._open
        if generation is None or not generation.is_taken or time.time() - self._cut_at <= _CUT_S:
            return False
        self._stopped_id = generation.id
        return True

    def was_stopped(self, answer_id: str) -> bool:
        """That answer is the one that the application has stopped last."""
        return answer_id == self._stopped_id

    def agent_comes(self) -> None:
        """Another agent has taken the conversation: an answer that began between the two is for that one.

        LiveKit takes none while it changes agents (docs/facts.md L170).
        """
        generation = self.last
        if generation is not None and not (generation.is_taken or generation.user_initiated):
            self._emit("generation_created", generation.offered_again())

    def end(self) -> None:
        """Nothing more will come."""
        self._end(time.time())
        self._finish_transcript()  # also of a caller whom nobody has answered

    @property
    def _open(self) -> Generation | None:
        return None if self.last is None or self.last.is_over else self.last

    def _begin(self, now: float) -> Generation:
        if self._hears_late:
            self._finish_transcript()
        generation = self.last = Generation(now)
        self._journal.answer_begins(generation.id)
        event = generation.created_event(user_initiated=self._replies.is_pending)
        if event.user_initiated:
            self._replies.begin(event)
        elif self._rules.interruptible and not (self._has_called or self._translates or self._answers_results):
            # LiveKit would say one after the other: this ends what still plays. Not after a call: that would interrupt the
            # speech that owns it, and the function would never be run, or never spoken about (docs/facts.md L2). Nor where
            # nobody interrupts: the answer to what was said meanwhile begins when the one before has been heard. Nor for an
            # answer to results, which often comes while the words before the call still play.
            self._cut_what_plays()
        self._emit("generation_created", event)
        return generation

    def _interrupt(self) -> None:
        """The caller has interrupted what plays; what the application has asked for is not meant by that."""
        if not self._replies.is_pending:
            self._cut_what_plays()

    def _cut_what_plays(self) -> None:
        self._cut_at = time.time()
        self._emit("input_speech_started", llm.InputSpeechStartedEvent())

    def _end(self, now: float) -> None:
        generation = self._open
        if generation is None:
            return
        if not self._translates:
            self._emit("input_speech_stopped", llm.InputSpeechStoppedEvent(user_transcription_enabled=False))
            self._finish_transcript()
        if generation.text:
            self._journal.model_said(generation.text, generation.id)
        generation.end(now)

    def _finish_transcript(self) -> None:
        if (final := self._transcript.finish()) is not None:
            before = self.last.id if self._hears_late and self.last is not None else None
            self._journal.caller_said(final.transcript, final.item_id, before=before)
            self._emit("input_audio_transcription_completed", final)


def _fill(generation: Generation, received: Received, calls: Sequence[llm.FunctionCall], now: float) -> None:
    if received.words:
        generation.add_words(received.words)
    if received.pcm:
        generation.add_sound(received.pcm)
    for call in calls:
        generation.add_call(call)
    if received.generation_complete:
        generation.complete(now)
