"""The latencies of a call, by who speaks when."""

import math

import numpy as np
import pytest

from records.latency import Response, greeting_latency_s, responses
from records.voice_spans import Span, VoiceSpans

RATE_HZ = 24_000


def tone(duration_s: float, level: int = 3000) -> np.ndarray:
    return np.full(round(duration_s * RATE_HZ), level, dtype=np.int16)


def silence(duration_s: float) -> np.ndarray:
    return tone(duration_s, 0)


def spans(*parts: np.ndarray, pieces: int = 1) -> list[tuple[float, float]]:
    sound, voice = np.concatenate(parts), VoiceSpans()
    at = 0
    for piece in np.array_split(sound, pieces):
        voice.hear(piece, RATE_HZ, at / RATE_HZ)
        at += len(piece)
    voice.passed(at / RATE_HZ)
    return [(span.start_s, span.end_s) for span in voice.spans]


@pytest.mark.parametrize("pieces", [1, 7, 93])
def test_voice_has_pauses_and_ends_where_it_was_loud_last(pieces: int) -> None:
    found = spans(silence(0.5), tone(1), silence(0.3), tone(0.5), silence(0.6), tone(0.2), silence(1), pieces=pieces)
    assert found == [pytest.approx((0.5, 2.3), abs=0.011), pytest.approx((2.9, 3.1), abs=0.011)]


def test_a_click_and_a_hiss_are_no_voice() -> None:
    assert spans(silence(0.5), tone(0.04), silence(0.5), tone(2, level=100)) == []


def test_voice_that_goes_on_has_no_end_yet() -> None:
    [(start_s, end_s)] = spans(silence(0.1), tone(1))
    assert start_s == pytest.approx(0.1)
    assert end_s == math.inf


def test_voice_ends_when_no_more_sound_comes() -> None:
    voice = VoiceSpans()
    voice.hear(tone(1), RATE_HZ, 5.0)
    voice.passed(6.3)
    assert voice.spans[-1].end_s == math.inf
    voice.passed(6.5)
    assert (voice.spans[0].start_s, voice.spans[0].end_s) == pytest.approx((5.0, 6.0))
    voice.hear(tone(1), RATE_HZ, 9.0)
    assert [span.start_s for span in voice.spans] == pytest.approx([5.0, 9.0])


@pytest.mark.parametrize(
    ("caller", "agent", "found"),
    [
        pytest.param([(1, 2)], [(2.5, 4)], [(2, 2.5)], id="an answer"),
        pytest.param([(1, 2), (2.6, 3)], [(3.5, 5)], [(3, 3.5)], id="a pause in a sentence"),
        pytest.param([(1, 2)], [(0, 3), (5, 6)], [], id="words while the agent speaks, which goes on"),
        pytest.param([(1, 2)], [(0, 1.2), (2.5, 4)], [(2, 2.5)], id="an interruption"),
        pytest.param([(1, 2), (2.7, 4)], [(2.5, 2.9), (4.5, 6)], [(2, 2.5), (4, 4.5)], id="an interruption of the first sound"),
        pytest.param([(1, 2)], [], [], id="no answer"),
        pytest.param([(1, math.inf)], [(0, 1.2)], [], id="the caller speaks"),
        pytest.param([(1, 2)], [(2.5, 3), (3.6, 5)], [(2, 2.5)], id="a pause of the agent's"),
        pytest.param([], [(1, 2)], [], id="a greeting"),
    ],
)
def test_the_end_of_the_callers_speech_belongs_to_the_next_beginning_of_the_agents(
    caller: list[tuple[float, float]], agent: list[tuple[float, float]], found: list[tuple[float, float]]
) -> None:
    replied = responses([Span(*span) for span in caller], [Span(*span) for span in agent])
    assert replied == [Response(*pair) for pair in found]


@pytest.mark.parametrize(
    ("caller", "agent", "latency_s"),
    [
        pytest.param([], [(3, 5)], 2.5, id="a greeting"),
        pytest.param([(1, 2)], [(3, 5)], None, id="the caller began"),
        pytest.param([(2.9, 4)], [(3, 5)], 2.5, id="both at once"),
        pytest.param([], [(0, 0.2)], None, id="before the caller came"),
        pytest.param([], [], None, id="silence"),
    ],
)
def test_a_greeting_is_what_the_agent_says_first(
    caller: list[tuple[float, float]], agent: list[tuple[float, float]], latency_s: float | None
) -> None:
    assert greeting_latency_s(0.5, [Span(*span) for span in caller], [Span(*span) for span in agent]) == latency_s
