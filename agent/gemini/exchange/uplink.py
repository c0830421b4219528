"""Everything that goes to the model: the caller's sound, messages, results of tools, and the link's own prompts. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.gemini import audio, wire
from agent.gemini.actions import Action, Send
from agent.gemini.capabilities import Capabilities
from agent.gemini.events import Line
from agent.gemini.exchange import activity
from agent.gemini.exchange.button import Button, Chunk
from agent.gemini.exchange.caller_voice import CallerVoice, Microphone, loudness
from agent.gemini.exchange.outbox import Outbox
from agent.gemini.exchange.prompts import Prompts
from agent.gemini.exchange.states import Answered, BrokenOff, PlayingOut, Quiet, State
from agent.gemini.exchange.tool_call import Delivery
from agent.gemini.limits import LinkLimits
from agent.gemini.messages import Received
from agent.gemini.snapshot import SavedMessage
from agent.gemini.turn_rules import TurnRules

BARGE_IN_S = 0.3
"""The caller's voice for so long is taken for words, and over the agent's sound for a barge-in."""
_UNDERSTOOD_WITHIN_S = 3.0
"""After the end of speech a service shows well within this that it has understood it (docs/facts.md G4)."""
_JUDGED_AFTER_S = 1.0
"""The service takes speech for a barge-in within this time, or never (docs/facts.md G4)."""

_SILENCE = (wire.audio(bytes(audio.INPUT_BYTES_PER_S)),) * 4
"""Four seconds: a model that translates says the last words when it hears silence, and at no `audioStreamEnd` (G81)."""


@dataclass(slots=True)
class Sending:
    """What is to be sent, and what that is to the model."""

    actions: list[Action] = field(default_factory=list)
    begins_activity: bool = False
    """`activityStart` is among it."""
    ends_speech: bool = False
    """The end of an activity with speech in it is among it: the model is to answer."""


class Uplink:
    """The sending half of an exchange."""

    def __init__(self, capabilities: Capabilities, limits: LinkLimits, rules: TurnRules) -> None:
        self.rules = rules
        self._whole_transcripts = capabilities.whole_transcripts
        self.voice = CallerVoice()
        self.outbox = Outbox(pause_s=limits.pause_s)
        self.prompts = Prompts(capabilities)
        self._frames_stop_s = limits.frames_stop_s
        self._after_sound = _SILENCE if capabilities.translates else (wire.AUDIO_STREAM_END,)
        """The messages that stand for a closed microphone."""
        self.button: Button | None = None
        """None: the service detects the caller's activity, and all sound is sent."""
        self._activity: activity.ActivityState = activity.NoActivity()
        self._keep_sound: Callable[[bytes], None] | None = None
        """Writes the sound that is put into the outbox where another process finds it. None: nobody does."""

    @property
    def lost_s(self) -> float:
        """The caller's sound that was thrown away before it could be sent, in seconds."""
        return self.outbox.lost_s

    # What is put into it

    def sound_in(self, pcm: bytes, now: float, *, may_send: bool) -> bool:
        """A chunk of the caller's sound. Returns whether it is to be sent at once; else it waits its turn."""
        duration_s = len(pcm) / audio.INPUT_BYTES_PER_S
        if self.button is not None:
            self._sound_by_button(self.button, Chunk(pcm, duration_s, now))
            return False
        is_loud = self.voice.hear(loudness(pcm), duration_s, now)
        if self._keep_sound is not None:
            self._keep_sound(pcm)
        return self.outbox.put_sound(pcm, duration_s, loud=is_loud, may_send=may_send)

    def _sound_by_button(self, button: Button, chunk: Chunk) -> None:
        if not button.is_held:
            self.voice.learn(loudness(chunk.pcm), chunk.duration_s)
        is_first = button.is_held and not button.has_sound
        for each in button.sound_in(chunk):
            if is_first:
                self.voice.begin(each.at)
                is_first = False
            is_loud = self.voice.hear(loudness(each.pcm), each.duration_s, each.at)
            if self._keep_sound is not None:
                self._keep_sound(each.pcm)
            self.outbox.put_sound(each.pcm, each.duration_s, loud=is_loud)

    def keep_sound(self, write: Callable[[bytes], None]) -> None:
        """Have all sound that is put into the outbox from now on written by this, too."""
        self._keep_sound = write

    def saved(self) -> tuple[tuple[SavedMessage, ...], tuple[Line, ...]]:
        """For another process: the messages that the model may not have understood, and the words since its last handle."""
        return self.outbox.messages, self.prompts.uncovered

    def begin_from(self, messages: Sequence[SavedMessage], uncovered: Sequence[Line], sound: bytes, now: float) -> None:
        """Go on with what another process has saved. The sound came before the messages, and ends now."""
        self.prompts.begin_from(uncovered)
        chunk = audio.INPUT_BYTES_PER_S // 50
        for start in range(0, len(sound) - len(sound) % 2, chunk):
            at = now - (len(sound) - start - chunk) / audio.INPUT_BYTES_PER_S
            self.sound_in(sound[start : start + chunk], min(at, now), may_send=False)
        for message in messages:
            self.outbox.put_message(message.payload.encode(), asks=message.asks, text=message.text)

    def configured(self, *, marks_activity: bool) -> bool:
        """Send the sound of marked activities alone, or all sound again. Returns whether this is a change.

        A change has a connection of its own.
        """
        if marks_activity == (self.button is not None):
            return False
        if self.button is not None:
            self.mark_activity(-math.inf, begins=False)
        elif self.outbox.holds_voice:
            self.outbox.put_end()  # what was said before is a turn
        self.voice.hush()
        self.button = Button() if marks_activity else None
        return True

    def mark_activity(self, now: float, *, begins: bool) -> None:
        """The button is pressed or let go. Nothing is sent before sound comes."""
        if self.button is None:
            return
        if begins:
            self.button.press(now)
        elif self.button.release():
            self.voice.hush()
            self.outbox.put_end()

    @property
    def is_in_speech(self) -> bool:
        """The button is held, and what has come since has speech in it, sent or not."""
        if self.button is None or not (self.button.is_held and self.button.has_sound):
            return False
        sent_s = self._activity.speech_s if isinstance(self._activity, activity.ActivityOpen) else 0.0
        return sent_s + self.outbox.waiting_speech_s >= BARGE_IN_S

    def discard_sound(self) -> None:
        """Forget the sound of an activity that isn't over, as far as it wasn't sent."""
        if self.button is not None:
            self.button.forget_sound(has_sent=isinstance(self._activity, activity.ActivityOpen))
            self.outbox.discard_sound()
            if not self.button.has_sound:
                self.voice.hush()

    def activity_end_reported(self) -> None:
        """The service has heard the end of an activity: the next one may begin."""
        self._activity = activity.end_reported(self._activity)
        if isinstance(self._activity, activity.NoActivity):
            self.outbox.hold_sound(-math.inf)

    def microphone_closed(self) -> None:
        """No sound will come for a while: what the caller said last is a turn (docs/facts.md G5)."""
        if self.button is not None:
            self.button.forget_pre_roll()  # the turn ends with the button, however long nothing comes
        elif self.voice.microphone is not Microphone.CLOSED:
            self.voice.hush()
            for payload in self._after_sound:
                self.outbox.put_message(payload, asks=False)

    def message(self, payload: bytes, *, text: str, typed: str, wants_answer: bool) -> None:
        """A message of somebody else's, in its place between the sound. `typed`: what of its text the caller has typed."""
        self.outbox.put_message(payload, asks=wants_answer, text=typed)
        self.prompts.sent(text)

    def results(self, delivery: Delivery) -> None:
        """Results of tools, before all else: by their calls' ids, or in words."""
        if delivery.responses:
            self.outbox.put_results(wire.tool_responses(delivery.responses), asks=not delivery.is_silent)
        if delivery.told:
            self.outbox.put_prompt(self.prompts.tell_results(delivery.told))

    def tell_first(self, payload: bytes, lines: Sequence[Line]) -> None:
        """Tell a new session what was said before it. `lines`: the same in words, should it be lost."""
        self.outbox.put_prompt(payload)
        self.prompts.begin_with(lines)

    def remind(self, state: State, results: Sequence[str]) -> None:
        """Ask the model for what it owes."""
        self.outbox.put_prompt(self.prompts.remind(state, results))

    def opened(self, state: State, history: Sequence[Line], results: Sequence[str], *, tool_runs: bool) -> bool:
        """A connection was opened: what it must know goes first. Returns whether the model was reminded of what it owes."""
        if not self.prompts.knows_all(history):
            self.outbox.forget_prompts()  # they name calls of a session that isn't there any more
        is_asked = tool_runs or self.outbox.asks_something
        goes_on = self._goes_on_by_itself(state)
        prompt, is_reminded = self.prompts.after_loss(state, history, results, is_asked=is_asked, goes_on_by_itself=goes_on)
        if prompt is not None:
            self.outbox.put_prompt(prompt)
        return is_reminded

    def caller_understood(self, received: Received, now: float) -> None:
        """A message that may show that all was understood: the end of the caller's voice, or the transcript of a whole turn."""
        if received.caller_ends or (received.caller_words and self._whole_transcripts):
            self.acknowledge(now)

    def acknowledge(self, now: float, *, but_speech: bool = False) -> None:
        """The model has understood all that was sent; but of what the caller is just saying, it may not have.

        `but_speech`: nor what the caller has just said, of which it may have noticed the beginning alone.
        """
        if self.button is not None:
            is_open = isinstance(self._activity, activity.ActivityOpen)
            written = self.outbox.acknowledge(but_open_activity=is_open)
        else:
            may_be_unheard = self.voice.began_lately(now) if self.rules.interruptible else self.voice.speaking
            may_be_unheard |= but_speech and now - self.voice.last_at < _UNDERSTOOD_WITHIN_S
            lately_s = now - self.voice.began_at + BARGE_IN_S if may_be_unheard else 0.0
            written = self.outbox.acknowledge(but_last_s=lately_s)
        self.prompts.said(written, by_caller=True)

    def _goes_on_by_itself(self, state: State) -> bool:
        """Something waits that the model will answer by itself.

        Speech of well before the answer broke off doesn't count: the service has had its time to take that for a barge-in.
        Nor does any speech over an answer that it doesn't interrupt.
        """
        is_heard = not isinstance(state, BrokenOff) or (
            self.rules.interruptible and self.voice.last_at > state.since - _JUDGED_AFTER_S
        )
        return self.outbox.asks_in_writing or (self.outbox.asks_something and is_heard)

    def rewind(self) -> float:
        """A new connection begins with what isn't known to be understood. Returns how many seconds of sound go again."""
        self._activity = activity.opened(self._activity)
        self.outbox.hold_sound(-math.inf)
        return self.outbox.rewind()

    def covered(self) -> None:
        """The service has sent a handle, which covers what was said so far."""
        self.prompts.covered()

    def judged(self, received: Received, state: State, *, precedes_answer: bool) -> Received:
        """This message without an echo of the link's own texts, and whether its words were said over an answer, or before it.

        `precedes_answer`: the caller has said nothing since the last answer began.
        """
        if not received.caller_words:
            return received
        if self.prompts.is_echo(received.caller_words):
            return received.without_caller()
        if precedes_answer and isinstance(state, Quiet | PlayingOut) and not self._whole_transcripts:
            return received.said_before_answer()
        return received.said_over_answer() if self.is_said_over(state) else received

    def is_said_over(self, state: State) -> bool:
        """The caller has spoken during an answer that their voice doesn't interrupt: the model answers that next."""
        return not self.rules.interruptible and isinstance(state, Answered) and self.voice.last_at > state.answer.began_at

    # What comes out of it

    def take(self, now: float) -> Sending:
        """The waiting items that are to be sent now."""
        sending = Sending()
        while (item := self.outbox.take(now)) is not None:
            if item.ends_activity:
                self._end(sending, now)
            elif item.duration_s:
                if self.button is not None:
                    self._begin(sending, item.duration_s if item.loud else 0.0)
                sending.actions.append(Send(wire.audio(item.payload)))
            else:
                sending.actions.append(Send(item.payload))
        return sending

    def _begin(self, sending: Sending, speech_s: float) -> None:
        if not isinstance(self._activity, activity.ActivityOpen):
            sending.actions.append(Send(wire.ACTIVITY_START))
            sending.begins_activity = True
        self._activity = activity.sound_sent(self._activity, speech_s)

    def _end(self, sending: Sending, now: float) -> None:
        before, self._activity = self._activity, activity.end_sent(self._activity)
        if isinstance(before, activity.ActivityOpen):
            sending.actions.append(Send(wire.ACTIVITY_END))
            sending.ends_speech |= before.speech_s >= BARGE_IN_S
            self.outbox.hold_sound(now + activity.MERGES_WITHIN_S)

    @property
    def send_at(self) -> float:
        """The time at which `take` will have something; infinity for never."""
        at = self.outbox.next_at
        return math.inf if at is None else at

    # What the caller does

    @property
    def talks_over(self) -> bool:
        """The caller has spoken for long enough to mean it."""
        return self.voice.speaking and (self.button is not None or self.voice.spoke_s >= BARGE_IN_S)

    @property
    def frames_stop_at(self) -> float:
        """The time at which the microphone is taken for closed, if no more frames come."""
        if self.voice.microphone is Microphone.CLOSED or self.button is not None:
            return math.inf
        return self.voice.last_frame_at + self._frames_stop_s
