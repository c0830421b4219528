"""The sound and messages on their way to Gemini, and those that may have to go again; it alone knows what was sent. Pure.

The caller's sound, in chunks, and messages stand in one line, in the order in which they came. An item stays there until the
model is known to have understood it. When a socket has died, `rewind` puts what isn't known to be understood in front again,
and `take` hands it out up to four times as fast as it was spoken, before what came since.

With push-to-talk, the end of an activity has its place between the sound (`put_end`). After it, sound can wait (`hold_sound`).

Prompts and results of tools have a line of their own. It goes first, and nothing of it is repeated.

Bounds: sound older than 30 s goes, the oldest first; what had not been sent yet is counted as lost. Of messages, which come
from people who type and from the worker itself, and of ends of activities, a thousand may wait; then the oldest message goes,
or the oldest end if there is no message.
"""

import itertools
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from agent.gemini import wire
from agent.gemini.snapshot import SavedMessage

LONGEST_S = 30.0
MOST_MESSAGES = 1000
_MOST_ITEMS = 100_000
"""Never reached: 30 s of the shortest chunks, and the messages."""
REPLAY_SPEED = 4.0
_SHORTEST_WORD_S = 0.2
_SOON_S = 0.2
"""Sound that waits for longer than this goes out at the pace of a replay, not in one burst."""
_LATE_S = 0.1
"""A replay catches up with a timer that was late by so much."""
_ONSET_S = 0.3
"""The silence before the caller's voice that is kept: words begin softly."""


@dataclass(slots=True)
class Item:
    """Sound, or a message, on its way to Gemini."""

    payload: bytes
    """Sound: PCM. A message: its bytes on the wire."""
    duration_s: float = 0.0
    """0 for messages."""
    loud: bool = False
    """Whether the sound is loud enough to be the caller's voice."""
    asks: bool = False
    """A message that wants an answer, or a result that is to be spoken about."""
    text: str = ""
    """The caller's words in a message; empty for what the worker or the application wrote."""
    ends_activity: bool = False
    """No message, but the end of an activity that the client marks."""
    begins_at: int = 0
    """Sound: the number of bytes of sound that were put into the outbox before it."""


class Outbox:
    """The outbox of one conversation. `pause_s`: silence that surely ends a turn."""

    def __init__(self, *, pause_s: float) -> None:
        self._pause_s = pause_s
        """Of a longer silence, no more is sent again."""
        self._items: deque[Item] = deque(maxlen=_MOST_ITEMS)
        self._waiting = 0
        """The number of items at the end of `_items` that haven't been sent: the others have."""
        self._sound_s = 0.0
        self.sound_bytes = 0
        """The number of bytes of sound that were put into it so far."""
        self._loud = 0
        self.message_changes = 0
        """The number of messages that were put into it, and of those that have left it, together."""
        self._urgent: deque[Item] = deque(maxlen=MOST_MESSAGES)
        self._next_at: float | None = None
        """The time at which the next sound may go out, at the pace of a replay. None: sound goes out as it comes."""
        self._held_until = -math.inf
        """No sound goes out before then."""
        self._quiet_s = 0.0
        """The length of the waiting silence at the end: of a long one, the pause and the `_ONSET_S` before a word are kept."""
        self.lost_s = 0.0
        """Sound louder than silence that was thrown away before it could be sent, in seconds."""

    @property
    def is_empty(self) -> bool:
        """Nothing waits: what comes may go out at once."""
        return not (self._waiting or self._urgent)

    @property
    def asks_something(self) -> bool:
        """True if more than silence and noise waits: the model will have something to answer."""
        return self.waiting_speech_s >= _SHORTEST_WORD_S or self.asks_in_writing

    @property
    def waiting_speech_s(self) -> float:
        """The caller's speech that hasn't been sent, in seconds."""
        return sum(item.duration_s for item in self._unsent if item.loud)

    @property
    def asks_in_writing(self) -> bool:
        """A message that wants an answer waits."""
        return any(item.asks for item in self._unsent)

    @property
    def starts_a_turn(self) -> bool:
        """A prompt, a result that is to be spoken about, or a message that wants an answer waits."""
        return any(item.asks for item in self._urgent) or self.asks_in_writing

    @property
    def _unsent(self) -> Iterator[Item]:
        return itertools.islice(reversed(self._items), self._waiting)

    @property
    def holds_voice(self) -> bool:
        """True if more than noise and silence isn't known to be understood."""
        return self._loud > 0

    @property
    def next_at(self) -> float | None:
        """The time at which `take` will have something. None: nothing waits."""
        if self.is_empty:
            return None
        at = 0.0 if self._next_at is None or self._urgent else self._next_at
        is_held = at < self._held_until and not self._urgent and self._items[-self._waiting].duration_s > 0
        return self._held_until if is_held else at

    def put_sound(self, pcm: bytes, duration_s: float, *, loud: bool, may_send: bool = False) -> bool:
        """A chunk of the caller's. Returns whether it is to go out at once: if it may, and nothing waits before it."""
        sent = may_send and not (self._waiting or self._urgent)
        self._items.append(Item(pcm, duration_s, loud, begins_at=self.sound_bytes))
        self.sound_bytes += len(pcm)
        self._waiting += not sent
        if self._next_at is None and self._waiting * duration_s > _SOON_S:
            self._next_at = 0.0
        self._sound_s += duration_s
        self._loud += loud
        longest_s = LONGEST_S if self._loud or self._waiting else _ONSET_S
        self._quiet_s = 0.0 if loud or sent else self._quiet_s + duration_s
        if self._quiet_s > self._pause_s + _ONSET_S:
            self._shorten_silence()
        while self._sound_s > longest_s:
            self._drop_oldest_sound()
        return sent

    def put_message(self, payload: bytes, *, asks: bool, text: str = "") -> None:
        """In its place between the sound."""
        self._put(Item(payload, asks=asks, text=text))

    def keeps(self, payload: bytes) -> bool:
        """Whether this message waits, or may have to go again."""
        return any(item.payload == payload for item in self._items)

    @property
    def messages(self) -> tuple[SavedMessage, ...]:
        """The messages that the model isn't known to have understood, in order, without those about the microphone."""
        items = (item for item in self._items if not item.duration_s and not item.ends_activity)
        kept = (item for item in items if item.payload != wire.AUDIO_STREAM_END)
        return tuple(SavedMessage(item.payload.decode(), item.asks, item.text) for item in kept)

    @property
    def understood_until(self) -> int:
        """The model has understood the sound before that byte of all that was put into the outbox."""
        return next((item.begins_at for item in self._items if item.duration_s), self.sound_bytes)

    def put_end(self) -> None:
        """The end of an activity, in its place between the sound and the messages; it counts among the messages."""
        self._put(Item(b"", ends_activity=True))

    def discard_sound(self) -> None:
        """Forget the sound after the last end of an activity, as far as it wasn't sent. It doesn't count as lost."""
        unsent = [self._items.pop() for _ in range(self._waiting)][::-1]
        ends = [position for position, item in enumerate(unsent) if item.ends_activity]
        first = ends[-1] + 1 if ends else 0
        discarded = [item for item in unsent[first:] if item.duration_s]
        kept = [*unsent[:first], *(item for item in unsent[first:] if not item.duration_s)]
        for item in discarded:
            self._forget(item)
        self._items.extend(kept)
        self._waiting = len(kept)

    def hold_sound(self, until: float) -> None:
        """Send no sound before that time."""
        self._held_until = until

    def _put(self, item: Item) -> None:
        messages = [position for position, each in enumerate(self._items) if not each.duration_s]
        if len(messages) >= MOST_MESSAGES:
            self._drop(next((each for each in messages if not self._items[each].ends_activity), messages[0]))
        self._items.append(item)
        self._waiting += 1
        self.message_changes += 1

    def put_prompt(self, payload: bytes) -> None:
        """Before all that waits: what the model must know before it hears more. It is sent once, or forgotten."""
        self._urgent.append(Item(payload, asks=True))

    def forget_prompts(self) -> None:
        """Prompts and results that have not gone out yet were for another session."""
        self._urgent.clear()

    def put_results(self, payload: bytes, *, asks: bool) -> None:
        """Before the prompts: a model that waits for results may do nothing else (docs/facts.md G9)."""
        self._urgent.appendleft(Item(payload, asks=asks))

    def acknowledge(self, *, but_last_s: float = 0.0, but_open_activity: bool = False) -> str:
        """The model has understood what was sent. Returns what the caller typed.

        Args:
            but_last_s: not so many of the last seconds of sound.
            but_open_activity: not the sound since the last end of an activity.
        """
        cut, kept_s = len(self._items) - self._waiting, 0.0
        while cut and kept_s < but_last_s:
            cut -= 1
            kept_s += self._items[cut].duration_s
        written = " ".join(item.text for item in itertools.islice(self._items, cut) if item.text)
        sent = [self._items.popleft() for _ in range(cut)]
        ends = [position for position, item in enumerate(sent) if item.ends_activity]
        open_from = (ends[-1] + 1 if ends else 0) if but_open_activity else cut
        kept = [item for item in sent[open_from:] if item.duration_s]
        for item in [*sent[:open_from], *(item for item in sent[open_from:] if not item.duration_s)]:
            self._forget(item)
        self._items.extendleft(reversed(kept))
        return written

    def rewind(self) -> float:
        """Nothing that isn't known to be understood counts as sent any more. Returns how many seconds of sound go again.

        Silence is not worth repeating, but for the pauses that end a turn, and the `_ONSET_S` before a word.
        """
        kept: deque[Item] = deque(maxlen=_MOST_ITEMS)
        again_s, quiet_s, before_s = 0.0, self._pause_s, self._silence_before_voice()
        sent = len(self._items) - self._waiting
        for position, (item, voice_in_s) in enumerate(zip(self._items, before_s, strict=True)):
            if item.duration_s and not item.loud:
                quiet_s += item.duration_s
                if quiet_s > self._pause_s and voice_in_s > _ONSET_S:
                    continue
            elif item.loud:
                quiet_s = 0.0
            again_s += item.duration_s * (position < sent)
            kept.append(item)
        self._items, self._waiting, self._next_at = kept, len(kept), 0.0
        self._sound_s = sum(item.duration_s for item in kept)
        return again_s

    def take(self, now: float) -> Item | None:
        """The next to send. None: nothing waits, or not yet (`next_at`)."""
        if self._urgent:
            return self._urgent.popleft()
        if not self._waiting:
            self._next_at = None
            return None
        item = self._first_waiting()
        if item.duration_s and now < self._held_until:
            return None
        if item.duration_s and self._next_at is not None:
            if now < self._next_at:
                return None
            self._next_at = max(self._next_at, now - _LATE_S) + item.duration_s / REPLAY_SPEED
        self._waiting -= 1
        return item

    def _first_waiting(self) -> Item:
        """The first that waits. An end with sound right behind it is none: what was said before it would not be answered."""
        while (item := self._items[-self._waiting]).ends_activity and self._waiting > 1:
            if not self._items[1 - self._waiting].duration_s:
                break
            self._drop(len(self._items) - self._waiting)
        return item

    def _silence_before_voice(self) -> list[float]:
        """For each item, how long after it the caller's voice is heard."""
        found, ahead_s = [], float("inf")
        for item in reversed(self._items):
            ahead_s = 0.0 if item.loud else ahead_s + item.duration_s
            found.append(ahead_s)
        return found[::-1]

    def _shorten_silence(self) -> None:
        """Take away a chunk of the waiting silence at the end: neither of the pause nor of the `_ONSET_S` before a word."""
        after_s = 0.0
        for position in range(len(self._items) - 1, len(self._items) - 1 - self._waiting, -1):
            item = self._items[position]
            if item.duration_s and after_s >= _ONSET_S:
                return self._drop(position)
            after_s += item.duration_s
        return None

    def _drop_oldest_sound(self) -> None:
        if self._items[0].duration_s and self._waiting < len(self._items):
            self._forget(self._items.popleft())
        else:
            self._drop(next(position for position, item in enumerate(self._items) if item.duration_s))

    def _drop(self, position: int) -> None:
        item, is_unsent = self._items[position], position >= len(self._items) - self._waiting
        del self._items[position]
        self._forget(item)
        if is_unsent:
            self._waiting -= 1
            self.lost_s += item.duration_s * item.loud

    def _forget(self, item: Item) -> None:
        self._sound_s -= item.duration_s
        self._loud -= item.loud
        self.message_changes += not item.duration_s
