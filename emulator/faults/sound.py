"""Faults of the model's voice and of its hearing."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from emulator.faults.channel import Frame, audio_s, content, says_something
from emulator.faults.fault import Fault, TurnFault, without
from emulator.messages import Audio, ClientMessage, Json

_QUIET_RMS = 180.0
_ALL_SESSIONS = ""
"""Stands for a handle where a fault remembers something of all sessions."""
_NOISE = np.tile(np.repeat(np.array([8000, -8000], dtype=np.int16), 10), 10).tobytes()


class TranscriptNoAudio(TurnFault):
    name = "transcript_no_audio"
    what = "sends a turn's transcript without its sound, and its usage without response tokens"
    evidence = "R S10"

    def sends(self, message: Json) -> Iterable[Frame]:
        if audio_s(message) and self.spoils():
            silent = without(message, "modelTurn")
            return (silent,) if silent["serverContent"] else ()
        if self.spoiling and "usageMetadata" in message:
            counts = {key: value for key, value in message["usageMetadata"].items() if not key.startswith(("response", "cand"))}
            return ({**message, "usageMetadata": counts},)
        return (message,)


class ControlText(TurnFault):
    name = "control_text"
    what = "sends `<ctrl46>` as the transcript of a turn, and no sound"
    evidence = "U"

    def sends(self, message: Json) -> Iterable[Frame]:
        if not says_something(message) or not (self.spoiling or audio_s(message)):
            return (message,)
        first = not self.spoiling
        if not self.spoils():
            return (message,)
        return ({"serverContent": {"outputTranscription": {"text": "<ctrl46>"}}},) if first else ()


@dataclass(kw_only=True, eq=False)
class MidStall(TurnFault):
    name = "mid_stall_7s"
    what = "stops for `seconds` in mid-sentence, when `after_s` seconds of sound have been sent"
    evidence = "U S11b"

    seconds: float = 7.0
    after_s: float = 0.5

    sent_s = 0.0
    sent_turn = 0

    def sends(self, message: Json) -> Iterable[Frame]:
        if not (sound_s := audio_s(message)):
            return (message,)
        if self.sent_turn != self.channel.turn:
            self.sent_s, self.sent_turn = 0.0, self.channel.turn
        self.sent_s += sound_s
        if self.sent_s > self.after_s and not self.spoiling and self.spoils():
            self.frozen_until = self.channel.now + self.seconds
        return (message,)


@dataclass(kw_only=True, eq=False)
class SlowerThanRealtime(TurnFault):
    name = "slower_than_realtime"
    what = "sends a turn's sound at `speed` times the pace at which it plays"
    evidence = "U livekit/agents#3604"

    speed: float = field(default=0.8, metadata={"least": 0.01, "most": 2.0})

    next_at = -math.inf

    def sends(self, message: Json) -> Iterable[Frame]:
        if (sound_s := audio_s(message)) and self.spoils():
            self.next_at = max(self.next_at, self.channel.now) + sound_s / self.speed
            self.frozen_until = self.next_at - sound_s / _PACE
        return (message,)


_PACE = 4.0
"""The pace of the service without the fault: the pause after a chunk is part of the slower pace."""


class BurstAudio(TurnFault):
    name = "burst_audio"
    what = "sends all of a turn's sound at once; turnComplete stays where it was"
    evidence = "G"

    ahead_s = 0.0

    def sends(self, message: Json) -> Iterable[Frame]:
        if audio_s(message) and not self.spoiling and self.spoils():
            self.hastens, self.ahead_s = True, self.channel.ahead_s
        elif self.hastens and content(message).get("generationComplete"):
            self.hastens = False
            self.frozen_until = self.channel.now + self.channel.ahead_s - self.ahead_s
        return (message,)


@dataclass(kw_only=True, eq=False)
class LateAudio(TurnFault):
    name = "late_audio"
    what = "sends the last audio of a turn after its generationComplete"
    evidence = "C S3"

    kept: Json | None = field(init=False, default=None)

    def sends(self, message: Json) -> Iterable[Frame]:
        said = content(message)
        if not (audio_s(message) or {"generationComplete", "interrupted"} & said.keys()):
            return (message,)
        late = () if self.kept is None else (self.kept,)
        self.kept = None
        if audio_s(message) and self.turn in {0, self.channel.turn} and self.tally.left:
            self.kept = message
            return late
        if content(message).get("generationComplete") and late and self.spoils():
            return (message, *late)
        return (message,) if content(message).get("interrupted") else (*late, message)


class AudioDeafKey(Fault):
    name = "audio_deaf_key"
    what = "hears nothing of the microphone, on a whole connection"
    evidence = "U S19h"

    deaf = False

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if not isinstance(message, Audio):
            return message
        self.deaf = self.deaf or (self.may_go_deaf() and not _is_quiet(message.pcm) and self.happens())
        return replace(message, pcm=bytes(len(message.pcm))) if self.deaf else message

    def may_go_deaf(self) -> bool:
        return True


class VadDeaf(AudioDeafKey):
    name = "vad_deaf"
    what = "hears the caller's first stretch of speech on a connection and none after it"
    evidence = "R S20"

    spoke = False
    spoken = False

    def caller_begins(self) -> None:
        self.spoke = True

    def caller_ends(self) -> None:
        self.spoken = self.spoke

    def may_go_deaf(self) -> bool:
        return self.spoken


@dataclass(kw_only=True, eq=False)
class Deaf(AudioDeafKey):
    name = "deaf"
    what = (
        "takes the caller's sound and, from the next speech on, shows no more than it `keeps`: sound: nothing at all; text: it "
        "answers what is typed; transcript: it transcribes and never speaks; voice: it answers and transcribes nothing; "
        "`lasts`: on this socket, in this session, or always"
    )

    keeps: Literal["sound", "text", "transcript", "voice"] = "sound"
    lasts: Literal["socket", "session", "always"] = "socket"

    def begins(self) -> None:
        remembered = {"socket": None, "session": self.channel.resumed_handle, "always": _ALL_SESSIONS}[self.lasts]
        self.deaf = self.tally.recall(remembered) is not None

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        silenced = super().receives(message)
        self._remember()
        return silenced if self.keeps in {"sound", "text"} else message

    def sends(self, message: Json) -> Iterable[Frame]:
        self._remember()
        if not self.deaf or self.keeps == "text" or not {"serverContent", "voiceActivity", "toolCall"} & message.keys():
            return (message,)
        heard = "voiceActivity" in message or "inputTranscription" in content(message)
        if self.keeps == "transcript":
            return (message,) if heard else ()
        return (message,) if self.keeps == "voice" and not heard else ()

    def _remember(self) -> None:
        """Note that the session of a deaf socket is deaf, and that all are."""
        if self.deaf and self.channel.handle is not None:
            self.tally.remember(self.channel.handle, "deaf")
        if self.deaf:
            self.tally.remember(_ALL_SESSIONS, "deaf")


@dataclass(kw_only=True, eq=False)
class NoEndOfSpeech(Fault):
    name = "no_end_of_speech"
    what = "takes the silence after the caller's speech for noise, for `seconds`: the turn doesn't end"
    evidence = "U S19d"

    seconds: float = 30.0

    noisy_until = -math.inf

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if not isinstance(message, Audio) or not _is_quiet(message.pcm):
            return message
        noisy = self.channel.now < self.noisy_until
        if not noisy and self.channel.caller_speaking and self.noisy_until < 0 and self.happens():
            self.noisy_until = self.channel.now + self.seconds
            noisy = True
        return replace(message, pcm=_noise(len(message.pcm))) if noisy else message


def _noise(size: int) -> bytes:
    return (_NOISE * (size // len(_NOISE) + 1))[:size]


def _is_quiet(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return not samples.size or float(np.sqrt(np.mean(samples**2))) < _QUIET_RMS
