"""Measures a call's latencies as its recording goes on: by the sound that arrives, and by the sound that is played. Pure.

The rule is records/latency.py's. Only the last minute of who spoke when is kept.
"""

import math
from dataclasses import dataclass

import numpy as np

from records.latency import greeting_latency_s, responses
from records.stereo_wav import LEFT
from records.voice_spans import Span, VoiceSpans

_KEPT_S = 60.0
"""An answer that comes later than that is none."""


@dataclass(frozen=True)
class SavedLatencies:
    """The latencies of a call as another process takes them over, in seconds."""

    responses_s: tuple[float, ...] = ()
    greeting_s: float | None = None


class HeardLatencies:
    """The latencies of one call. All times are seconds since it began."""

    def __init__(self) -> None:
        self._caller, self._agent = VoiceSpans(), VoiceSpans()
        self._settled_s: list[float] = []
        """The response latencies that are older than the spans."""
        self._came_s: float | None = None
        self._greeting_s: float | None = None
        self._may_greet = True

    def go_on(self, saved: SavedLatencies) -> None:
        """This is a call that another process has begun, and has greeted."""
        self._settled_s, self._greeting_s, self._may_greet = [*saved.responses_s], saved.greeting_s, False

    def came(self, at_s: float) -> None:
        """A participant is the caller. The first one counts."""
        self._came_s = at_s if self._came_s is None else self._came_s

    def hear(self, channel: int, pcm: bytes, rate_hz: int, start_s: float) -> None:
        """Take sound of a channel of the recording: mono, 16 bits, in order."""
        voice = self._caller if channel == LEFT else self._agent
        voice.hear(np.frombuffer(pcm, dtype=np.int16), rate_hz, start_s)

    def passed(self, now_s: float) -> None:
        """Take note of the time: `hear` was given all sound until then."""
        for voice in (self._caller, self._agent):
            voice.passed(now_s)
        self._measure_greeting()
        oldest_s = now_s - _KEPT_S
        found = responses(self._caller.spans, self._agent.spans)
        self._settled_s += [each.latency_s for each in found if each.asked_s < oldest_s]
        for voice in (self._caller, self._agent):
            voice.spans = _since(oldest_s, voice.spans)

    @property
    def measured(self) -> SavedLatencies:
        """The latencies so far."""
        found = responses(self._caller.spans, self._agent.spans)
        settled_s = (*self._settled_s, *(each.latency_s for each in found))
        return SavedLatencies(tuple(round(each, 3) for each in settled_s), self._greeting_s)

    def _measure_greeting(self) -> None:
        if self._came_s is None or not self._may_greet:
            return
        caller, agent = self._caller.spans, self._agent.spans
        found = greeting_latency_s(self._came_s, caller, agent)
        self._greeting_s = None if found is None else round(found, 3)
        self._may_greet = not agent and not any(span.end_s < math.inf for span in caller)


def _since(oldest_s: float, spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.end_s >= oldest_s]
