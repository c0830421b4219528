"""The published method by which recorded latencies are checked, on made sound."""

import ast
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests import published_latencies
from tests.published_latencies import response_latencies_s
from tests.test_architecture import OWN

RATE_HZ = 24_000
CHUNK_S = 0.01
SPEECH, HUM, QUIET = 6000, 500, 250
"""Amplitudes of a tone: a voice, a hum that is audible and begins no turn, and what the method doesn't hear."""

Sound = tuple[float, float, int]
"""From when to when, in seconds, and how loud."""


def recording(folder: Path, human: Sequence[Sound], agent: Sequence[Sound], length_s: float = 30) -> Path:
    """A stereo recording with these sounds."""
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * 300 * at_s)
    both = np.zeros((len(at_s), 2), dtype=np.int16)
    for channel, sounds in enumerate((human, agent)):
        for start_s, end_s, amplitude in sounds:
            heard = (at_s >= start_s) & (at_s < end_s)
            both[heard, channel] = (amplitude * tone[heard]).astype(np.int16)
    path = folder / "call.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(both.tobytes())
    return path


@pytest.mark.parametrize("latency_s", [0.125, 0.412, 1.506, 4.3])
def test_a_latency_is_measured_to_a_chunk(tmp_path: Path, latency_s: float) -> None:
    path = recording(tmp_path, [(5.003, 6.507, SPEECH)], [(1, 2, SPEECH), (6.507 + latency_s, 13, SPEECH)])
    assert response_latencies_s(path) == pytest.approx([latency_s], abs=2 * CHUNK_S)


QUESTION, ANSWER = (5.0, 6.0, SPEECH), (7.0, 9.0, SPEECH)


@pytest.mark.parametrize(
    ("human", "agent", "found"),
    [
        ([QUESTION], [ANSWER], [1.0]),
        ([QUESTION, (16.0, 17.0, SPEECH)], [ANSWER, (17.5, 19.0, SPEECH)], [1.0, 0.5]),
        ([(3.0, 4.0, SPEECH), (5.5, 6.0, SPEECH)], [ANSWER], [1.0]),  # a pause within a turn
        ([QUESTION, (6.4, 6.41, SPEECH)], [ANSWER], [0.59]),  # within a turn any loud chunk counts
        ([QUESTION, (6.4, 6.6, HUM)], [ANSWER], [0.4]),
        ([QUESTION, (6.4, 6.6, QUIET)], [ANSWER], [1.0]),
        ([(2.0, 3.0, SPEECH), (6.0, 6.2, SPEECH)], [ANSWER], [4.0]),  # a cough is no turn
        ([QUESTION], [(6.5, 6.51, SPEECH), ANSWER], [1.0]),  # a click is no answer
        ([QUESTION], [(6.2, 6.6, HUM), ANSWER], [1.0]),
        ([(5.0, 7.5, SPEECH)], [ANSWER], []),  # the human still speaks
        ([QUESTION, (7.3, 9.0, SPEECH)], [ANSWER], []),  # the human goes on
        ([QUESTION], [(17.0, 19.0, SPEECH)], []),  # nobody waits for that
        ([QUESTION], [(1.0, 2.0, SPEECH)], []),
        ([], [ANSWER], []),
    ],
)
def test_the_methods_thresholds_decide_what_a_turn_and_an_answer_is(
    tmp_path: Path, human: list[Sound], agent: list[Sound], found: list[float]
) -> None:
    assert response_latencies_s(recording(tmp_path, human, agent)) == pytest.approx(found, abs=2 * CHUNK_S)


def test_the_check_shares_no_code_with_what_it_checks() -> None:
    tree = ast.parse(Path(published_latencies.__file__).read_text())
    roots = {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    roots |= {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not roots & OWN
