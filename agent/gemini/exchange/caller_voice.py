"""Whether the caller is speaking, as far as loudness tells. Pure.

Only the link's own decisions stand on it: what is worth sending again, whether an interruption can be true, whether the service
should have noticed something. Who speaks in the conversation, Gemini decides (docs/facts.md G5).
"""

import enum

_LEAST = 120.0
"""Mean of 16 bit samples' sizes, about -47 dBFS: quieter is silence in any room."""
_EVERY = 8
"""One sample in so many is looked at: enough to tell loud from quiet, and four times as cheap as all."""
_OVER_FLOOR = 3.5
_MOST_FLOOR = 500.0
"""Louder than this is no noise to be used to, however long it lasts."""
_ONSET_S = 0.06
_PAUSE_S = 0.4
_LATELY_S = 1.0


def loudness(pcm: bytes) -> float:
    """The mean size of 16 bit mono samples; 0 for none."""
    samples = memoryview(pcm).cast("h")[::_EVERY]
    return sum(map(abs, samples)) / len(samples) if len(samples) else 0.0


class Microphone(enum.Enum):
    """The state of the caller's microphone."""

    CLOSED = enum.auto()
    """No sound comes at all."""
    SILENT = enum.auto()
    SPEAKING = enum.auto()


class CallerVoice:
    """Follows the caller's sound chunk by chunk; the room's own noise is learnt, so that a fan is not a voice."""

    def __init__(self) -> None:
        self.microphone = Microphone.CLOSED
        self._is_marked = False
        """The client marks the speech's end: until then a pause is none."""
        self.last_frame_at = float("-inf")
        self._floor = _LEAST / _OVER_FLOOR
        self._loud_s = 0.0
        self.began_at = float("-inf")
        """The last stretch of speech."""
        self.last_at = float("-inf")
        """The last loud moment."""
        self.spoke_s = 0.0
        """The length of the last stretch of speech without its pauses, in seconds."""

    def hear(self, level: float, duration_s: float, now: float) -> bool:
        """The next chunk. Returns whether it is loud."""
        self.last_frame_at = now
        self.learn(level, duration_s)
        loud = level > max(_LEAST, self._floor * _OVER_FLOOR)
        if loud:
            self._loud_s += duration_s
            if self.microphone is Microphone.SPEAKING:
                self.spoke_s += duration_s
                self.last_at = now
            elif self._loud_s >= _ONSET_S:
                self.microphone, self.began_at, self.spoke_s = Microphone.SPEAKING, now - self._loud_s, self._loud_s
                self.last_at = now
        elif now - self.last_at > _PAUSE_S and not self._is_marked:
            self.microphone, self._loud_s = Microphone.SILENT, 0.0
        if self.microphone is Microphone.CLOSED:
            self.microphone = Microphone.SILENT
        return loud

    def learn(self, level: float, duration_s: float) -> None:
        """The room's own noise is learnt from a chunk: soon when it is quiet, slowly when it is loud."""
        if level < self._floor:
            self._floor += (level - self._floor) * min(5 * duration_s, 1.0)
        else:
            self._floor = min(self._floor * (1 + 0.15 * duration_s) + 0.5 * duration_s, _MOST_FLOOR)

    @property
    def speaking(self) -> bool:
        """The caller speaks, or has done so until just now."""
        return self.microphone is Microphone.SPEAKING

    @property
    def may_speak(self) -> bool:
        """Something was loud just now, if only for a moment: it may be the beginning of a word."""
        return self._loud_s > 0

    def began_lately(self, now: float) -> bool:
        """The caller speaks, and has not done so for long."""
        return self.speaking and now - self.began_at < _LATELY_S

    def begin(self, now: float) -> None:
        """The caller speaks until `hush`, as the client says, whether it is loud or not."""
        self.microphone, self._is_marked = Microphone.SPEAKING, True
        self.began_at, self.spoke_s = now, 0.0

    def hush(self) -> None:
        """The microphone is closed."""
        self.microphone, self._is_marked, self._loud_s = Microphone.CLOSED, False, 0.0
