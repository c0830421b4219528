"""The caller's sound that waits for a session: all of it, or the newest."""

import asyncio

from livekit import rtc

from agent.room.frame_queue import MOST_FRAMES, FrameQueue


def frame(number: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(number.to_bytes(2, "little") * 320, 16000, 1, 320)


def number_of(sound: rtc.AudioFrame) -> int:
    return int(sound.data[0])


async def test_while_nobody_reads_the_newest_sound_is_kept() -> None:
    frames = FrameQueue()
    frames.keep_newest()
    async with asyncio.timeout(1):
        for number in range(MOST_FRAMES + 30):
            await frames.put(frame(number))
        frames.pass_on(0.1)
        assert [number_of(await frames.get()) for _ in range(5)] == list(range(MOST_FRAMES + 25, MOST_FRAMES + 30))
    await frames.put(frame(7))
    assert number_of(await frames.get()) == 7, "nothing else was left"


async def test_less_sound_than_is_asked_for_is_kept_whole() -> None:
    frames = FrameQueue()
    frames.keep_newest()
    await frames.put(frame(1))
    await frames.put(frame(2))
    frames.pass_on(9.0)
    assert [number_of(await frames.get()), number_of(await frames.get())] == [1, 2]


async def test_with_a_reader_no_frame_is_dropped_for_another() -> None:
    frames = FrameQueue()
    for number in range(MOST_FRAMES):
        await frames.put(frame(number))
    waiting = asyncio.create_task(frames.put(frame(999)))
    await asyncio.sleep(0)
    assert not waiting.done()
    frames.put_if_room(frame(998))
    assert number_of(await frames.get()) == 0
    await waiting
