"""Makes the lines of a call's transcript of words, and of when they were heard. Pure.

All times are `time.monotonic()`, in seconds. The agent's words come as they are heard (agent/voice/captions.py), and belong to
the sound that plays then. The caller's come when their turn is over, and belong to the sound since their last ones.
"""

from collections import deque
from dataclasses import dataclass

from configuration import valid_text

MOST_STRETCHES = 100
"""Stretches of the caller's voice without any words, such as coughs; then the oldest is forgotten."""
_AT_ONCE_S = 0.5
"""The caller who interrupts is heard at most so long before the agent's sound ends, or after."""
_LONGEST_PAUSE_S = 8.0
"""A longer pause between two stretches of the caller's voice parts two turns."""


@dataclass(frozen=True)
class SpokenLine:
    """One line. Times are `time.monotonic()`."""

    by_caller: bool
    text: str
    start: float
    end: float
    interrupted: bool = False
    interrupts: bool = False
    typed: bool = False


class TranscriptLines:
    """Each method returns the lines that are whole now."""

    def __init__(self) -> None:
        self._text = ""
        self._text_start = self._text_end = 0.0
        """The times of the first and the last words of the agent's line."""
        self._is_text_over = True
        self._sound_start: float | None = None
        """The beginning of the agent's sound that plays; None: none does."""
        self._last_sound: tuple[float, float, bool] | None = None
        """The beginning and the end of the agent's last sound, and whether it was cut off, until its words are over."""
        self._cut_at: float | None = None
        self._stretches: deque[tuple[float, float | None]] = deque(maxlen=MOST_STRETCHES)
        """The beginnings and ends of the caller's voice since their last words."""
        self._said_until = float("-inf")
        """The end of the caller's last turn."""

    def agent_sound_starts(self, at: float) -> None:
        """The agent's voice is heard from now on."""
        self._sound_start, self._last_sound = at, None

    def agent_sound_ends(self, at: float, *, interrupted: bool) -> list[SpokenLine]:
        """The agent's voice has ended."""
        start = at if self._sound_start is None else self._sound_start
        self._sound_start, self._last_sound = None, (start, at, interrupted)
        if interrupted:
            self._cut_at = at
        return self._agent_line() if self._is_text_over else []

    def agent_text(self, text: str, now: float) -> None:
        """These words of the agent's are heard now."""
        if not self._text:
            self._text_start = now
        self._text += text
        self._text_end, self._is_text_over = now, False

    def agent_text_ends(self) -> list[SpokenLine]:
        """All of the agent's words have been heard, or the rest won't be."""
        self._is_text_over = True
        return self._agent_line() if self._sound_start is None else []

    def caller_voice(self, start: float, end: float | None) -> None:
        """The caller's voice has begun (without an end), or ended."""
        if self._stretches and self._stretches[-1][1] is None:
            self._stretches[-1] = (self._stretches[-1][0], end)
        else:
            self._stretches.append((start, end))

    def caller_said(self, text: str, until: float) -> list[SpokenLine]:
        """These are the words of the caller's turn, whose voice was heard until then if it has no end yet."""
        if not text.strip():
            return []
        start, end = self._turn(until)
        self._said_until = end
        cut = self._cut_at is not None and start - _AT_ONCE_S <= self._cut_at <= end + _AT_ONCE_S
        if cut:
            self._cut_at = None
        return [SpokenLine(by_caller=True, text=valid_text(text.strip()), start=start, end=end, interrupts=cut)]

    def caller_typed(self, text: str, now: float) -> list[SpokenLine]:
        """The caller has typed this, or pressed keys."""
        return [SpokenLine(by_caller=True, text=text, start=now, end=now, typed=True)]

    def over(self, now: float) -> list[SpokenLine]:
        """The call is over."""
        if self._sound_start is not None:
            return self.agent_sound_ends(now, interrupted=True) or self._agent_line()
        return self._agent_line()

    def _turn(self, until: float) -> tuple[float, float]:
        """The time of the caller's turn: all of their voice since the last one, after the last long pause."""
        ended = [(start, until if end is None else end) for start, end in self._stretches]
        stretches = [(max(start, self._said_until), end) for start, end in ended if end > self._said_until]
        self._stretches.clear()
        if not stretches:
            return until, until
        first = len(stretches) - 1
        while first > 0 and stretches[first][0] - stretches[first - 1][1] <= _LONGEST_PAUSE_S:
            first -= 1
        return stretches[first][0], stretches[-1][1]

    def _agent_line(self) -> list[SpokenLine]:
        text, self._text, last, self._last_sound = valid_text(self._text.strip()), "", self._last_sound, None
        if not text:
            return []
        start, end, interrupted = last or (self._text_start, self._text_end, False)
        return [SpokenLine(by_caller=False, text=text, start=start, end=end, interrupted=interrupted)]
