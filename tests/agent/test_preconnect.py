"""Sound from before the connection: whatever comes is read in bounds, or not at all."""

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.room.preconnect import LONGEST_S, decoded

RATE_HZ = 16000


def tone(seconds: float, rate_hz: int) -> np.ndarray:
    return (8000 * np.sin(np.arange(int(seconds * rate_hz)) * 2 * np.pi * 440 / rate_hz)).astype(np.int16)


async def length_s(sound: bytes, attributes: dict[str, str]) -> float:
    frames = await decoded(sound, attributes, sample_rate_hz=RATE_HZ)
    assert all((frame.sample_rate, frame.num_channels) == (RATE_HZ, 1) for frame in frames)
    return sum(frame.duration for frame in frames)


@pytest.mark.parametrize(("rate_hz", "channels"), [(16000, 1), (48000, 1), (44100, 2), (24000, 2)])
async def test_pcm_of_any_usual_rate_is_heard_whole_up_to_a_bound(rate_hz: int, channels: int) -> None:
    attributes = {"sampleRate": str(rate_hz), "channels": str(channels)}
    sound = np.repeat(tone(2, rate_hz), channels).tobytes()
    assert await length_s(sound, attributes) == pytest.approx(2, abs=0.1)
    assert await length_s(10 * sound, attributes) <= LONGEST_S + 0.1


@pytest.mark.parametrize("container", ["webm", "ogg"])
async def test_opus_in_a_container_is_heard(container: str) -> None:
    written = io.BytesIO()
    with av.open(written, "w", format=container) as output:
        stream = output.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(2, 48000).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert await length_s(written.getvalue(), {}) == pytest.approx(2, abs=0.2)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400), st.fixed_dictionaries({}, optional={"sampleRate": st.text(), "channels": st.text()}))
async def test_nothing_that_is_sent_raises(sound: bytes, attributes: dict[str, str]) -> None:
    assert await length_s(sound, attributes) <= LONGEST_S


@pytest.mark.parametrize("start", [b"\x1a\x45\xdf\xa3", b"OggS", b"\0\0\0\x18ftypM4A ", b"#EXTM3U\n", b"RIFF"])
async def test_a_container_that_is_none_is_passed_over(start: bytes) -> None:
    assert await length_s(start + bytes(200), {}) == 0
