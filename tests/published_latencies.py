"""The response latencies of a stereo recording, by the method that SignalWire's latency_checker publishes (docs/facts.md L451).

It is written anew from that description, with its thresholds, and shares no code with the programs that it checks. What it does
against crosstalk is left out: the two sides of a call are recorded apart.
"""

import wave
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_CHUNK_S = 0.01
_LOUD = 50.0
"""Mean of the squares of samples between -1 and 1, times a million; some -43 dBFS."""
_ONSET_PEAK = 5 * _LOUD
"""At least one chunk of a beginning is as loud as that."""
_ONSET_CHUNKS = 2
_SILENT_CHUNKS = 200
_SHORTEST_S = 0.3
"""Shorter speech is no turn and no answer."""
_RESUMES_S = 0.5
"""A human who goes on so soon after the answer has begun was in a pause."""
_TOUCHES_S = 0.005
_LONGEST_S = 10.0


@dataclass(frozen=True)
class Turn:
    """Speech without a pause of two seconds, in seconds of the recording."""

    start_s: float
    end_s: float

    @property
    def is_speech(self) -> bool:
        return self.end_s - self.start_s >= _SHORTEST_S


def response_latencies_s(recording: Path) -> list[float]:
    """The seconds from the end of each turn of the human, who is left, to the agent's first sound, which is right."""
    with wave.open(str(recording)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        rate_hz = file.getframerate()
        both = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2) / 32768
    chunk = round(_CHUNK_S * rate_hz)
    whole = both[: len(both) // chunk * chunk].reshape(-1, chunk, 2)
    human, agent = (whole**2).mean(axis=1).T * 1e6
    answers, begun = _turns(agent.tolist())
    turns, _ = _turns(human.tolist(), ends=begun)
    return _latencies([each for each in turns if each.is_speech], [each for each in answers if each.is_speech])


def _turns(energies: Sequence[float], ends: Collection[int] = ()) -> tuple[list[Turn], set[int]]:
    """The turns of one side, and the chunks in which they were noticed.

    Args:
        energies: The loudness of each chunk.
        ends: Chunks in which the other side has begun: a turn is over then.
    """
    turns, noticed = [], set()
    start: int | None = None
    last = onset = 0
    peak = 0.0
    for at, energy in enumerate(energies):
        if start is not None and (at in ends or at - last > _SILENT_CHUNKS):
            turns.append(Turn(start * _CHUNK_S, (last + 1) * _CHUNK_S))
            start, onset, peak = None, 0, 0.0
        if energy <= _LOUD:
            onset, peak = 0, 0.0
            continue
        last, onset, peak = at, onset + 1, max(peak, energy)
        if start is None and onset >= _ONSET_CHUNKS and peak >= _ONSET_PEAK:
            start = at - _ONSET_CHUNKS + 1
            noticed.add(at)
    if start is not None:
        turns.append(Turn(start * _CHUNK_S, (last + 1) * _CHUNK_S))
    return turns, noticed


def _latencies(turns: Sequence[Turn], answers: Sequence[Turn]) -> list[float]:
    found, answered_s = [], 0.0
    for answer in answers:
        at_s = answer.start_s
        if any(each.start_s <= at_s + _RESUMES_S and each.end_s + _TOUCHES_S >= at_s for each in turns):
            continue  # the human speaks at that moment, or goes on at once
        ends_s = [each.end_s for each in turns if answered_s < each.end_s < at_s]
        if ends_s:
            answered_s = max(ends_s)
            if at_s - answered_s < _LONGEST_S:
                found.append(at_s - answered_s)
    return found
