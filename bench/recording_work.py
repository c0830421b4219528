"""What recording does by itself: an hour of both sides' sound, placed, measured and written as in a call, without a call.

The figures of whole calls differ by several percent from round to round; these don't. The ends of LiveKit's session aren't in
them, through which the sound passes.
"""

import functools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from agent.call.recorded_sound import RecordedSound
from agent.gemini import INPUT_RATE_HZ, OUTPUT_RATE_HZ
from records import CallFolder, RecordWriter
from records.writer import Sound

FRAME_S = 0.01
TURN_S = 3
"""Caller and agent speak by turns, for so long."""
WRITES_EVERY = 40
"""Frames between two writes, as in a call: 0.4 s."""
NAME = "20261129T073013Z-2b43623d"
WARM_S = 60


@dataclass(frozen=True)
class RecordingWork:
    """The work of recording so many seconds of a call."""

    seconds: int
    cpu_ms_per_s: float
    grown_mb: float
    """The growth of the process's private memory after the first minute."""

    def text(self) -> str:
        return (
            f"recording's own work: {self.cpu_ms_per_s:.2f} ms of CPU for each second of a call; private memory grew by "
            f"{self.grown_mb:.1f} MB from minute 1 to minute {self.seconds // 60}"
        )


def recording_work(seconds: int = 3600) -> RecordingWork:
    """Record so many seconds of sound, as fast as it goes."""
    me, began = psutil.Process(), time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        RecordWriter(CallFolder(Path(folder), NAME), on_failed=_failed, has_sound=True) as writer,
    ):
        sound = RecordedSound(lambda at: at, functools.partial(_put, writer))
        before_mb = 0.0
        for second in range(seconds):
            if second == WARM_S:
                before_mb = me.memory_full_info().uss / 2**20
            _hear(sound, second)
        grown_mb = me.memory_full_info().uss / 2**20 - before_mb
    cpu_s = time.process_time() - began  # with what the writer's thread had to write still
    return RecordingWork(seconds, 1000 * cpu_s / seconds, grown_mb)


def _put(writer: RecordWriter, sound: Sound) -> bool:
    """Have it written; a call would drop it when so much waits."""
    while not writer.put(sound):
        time.sleep(0.001)
    return True


def _failed(reason: str) -> None:
    raise RuntimeError(f"the sound can't be written: {reason}")


def _tone(rate_hz: int) -> bytes:
    samples = 6000 * np.sin(np.arange(round(FRAME_S * rate_hz)) / 5)
    return samples.astype(np.int16).tobytes()


_CALLER, _AGENT = _tone(INPUT_RATE_HZ), _tone(OUTPUT_RATE_HZ)


def _hear(sound: RecordedSound, second: int) -> None:
    """One second of a call: the caller's sound arrives, and in the agent's turns an answer is played."""
    turn, of_turn = divmod(second, TURN_S)
    agent_speaks = turn % 2 == 1
    if agent_speaks and of_turn == 0:
        sound.heard.started(float(second))
    for index in range(round(1 / FRAME_S)):
        now = second + (index + 1) * FRAME_S
        sound.arrived.arrived(bytes(len(_CALLER)) if agent_speaks else _CALLER, now)
        if agent_speaks:
            sound.heard.captured(_AGENT, now)
        if index % WRITES_EVERY == WRITES_EVERY - 1:
            sound.take(now, is_silent=agent_speaks)
    if agent_speaks and of_turn == TURN_S - 1:
        sound.heard.flushed()
        sound.agent_heard(sound.heard.finished(float(TURN_S)))
