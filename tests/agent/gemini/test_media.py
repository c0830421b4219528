"""The caller's sound and pictures on their way to the model, whatever form they come in."""

import pytest
from livekit import rtc

from agent.gemini.actions import Send
from agent.gemini.audio_chunks import AudioChunks
from agent.gemini.capabilities import CAUTIOUS
from agent.gemini.core import LinkCore
from agent.gemini.limits import LinkLimits
from agent.gemini.messages import Received


def frame(samples: int, rate_hz: int = 16000, channels: int = 1) -> rtc.AudioFrame:
    pcm = b"".join(number.to_bytes(2, "little") * channels for number in range(samples))
    return rtc.AudioFrame(pcm, rate_hz, channels, samples)


def test_a_frame_of_a_call_is_a_chunk() -> None:
    chunks = AudioChunks(20)
    assert chunks.is_one(frame(320))
    assert not any(chunks.is_one(each) for each in (frame(160), frame(320, 48000), frame(320, channels=2)))


@pytest.mark.parametrize("sizes", [[100] * 16, [1600], [319, 1, 640]])
def test_frames_of_any_length_are_cut_without_a_gap(sizes: list[int]) -> None:
    chunks, stream, at = AudioChunks(20), bytes(frame(sum(sizes)).data), 0
    cut: list[bytes] = []
    for size in sizes:
        part = stream[2 * at : 2 * (at + size)]
        cut += chunks.cut(rtc.AudioFrame(part, 16000, 1, size))
        at += size
    assert {len(chunk) for chunk in cut} == {640}
    assert b"".join(cut) == stream[: len(cut) * 640]
    assert len(cut) == sum(sizes) // 320


def test_other_rates_are_resampled_even_when_they_change() -> None:
    chunks = AudioChunks(20)
    cut: list[bytes] = []
    for rate_hz in (48000, 8000, 16000):
        for _ in range(50):
            cut += chunks.cut(frame(rate_hz // 50, rate_hz))
    assert {len(chunk) for chunk in cut} == {640}
    assert 140 <= len(cut) <= 150, "three seconds, but for what the resamplers hold"


def test_of_several_channels_the_first_is_heard() -> None:
    assert list(AudioChunks(20).cut(frame(320, channels=2))) == [bytes(frame(320).data)]


def test_a_picture_is_sent_now_or_never() -> None:
    core = LinkCore(CAUTIOUS, LinkLimits(), history=list, seed=1)
    core.start(0.0)
    assert core.passing_message(b"picture") == []
    core.upgraded(1.0)
    opened = core.received(Received(raw={"setupComplete": {}}, setup_complete=True), 1.0)
    assert not any(isinstance(action, Send) for action in opened)
    assert core.passing_message(b"picture") == [Send(b"picture")]
    core.stalled(2.0, is_stalled=True)
    assert core.passing_message(b"picture") == []
