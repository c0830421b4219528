"""A session's conversation with a model that translates, on one connection. It does no I/O and takes `now` in seconds.

Evidence: docs/facts.md G80 to G82. Rules:

1. For each chunk of sound that is received one goes out: what is translated by then, or silence. So nothing comes while the
   client sends nothing, and the last words come when silence is sent after them.
2. The translation begins `lag_s` after the speech, and goes on while the caller speaks. No turn ends, nothing is interrupted.
3. The caller's words come in pieces, one in `piece_s`, and the translation's with their sound.

Speech with a rule of the script that says what it `hears`, and calls nothing, is translated to what it `says`. Any other
speech is "translated" to itself: the caller's own sound, with one word a second, a number, and in the target language the
number with the language's tag.
Left out: echoTargetLanguage, since the emulator hears that somebody speaks and not what.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import soxr

from emulator import closes, messages
from emulator.agenda import Agenda
from emulator.answers import Answers, Rule, Situation
from emulator.closes import Close
from emulator.hearing import RATE_HZ as HEARD_RATE_HZ
from emulator.hearing import Samples
from emulator.messages import Json
from emulator.profile import Profile
from emulator.reply import Chunk, chunk_messages, chunks
from emulator.sessions import Memory
from emulator.speaking import Synthesizer
from emulator.usage import compress
from emulator.voice import RATE_HZ as VOICE_RATE_HZ

_HANDLES_EVERY_S = 1.2
_LOUD_RMS = 180.0
_PAUSE_CHUNKS = 4
"""After so many chunks of silence the caller's next word begins another stretch of speech."""
_WORDS_IN_PIECE = 3
_EMPTY_EVERY = 8
"""During silence a message without words comes for every so many chunks: about every two seconds."""
_MOST_EARLY_MESSAGES = 500
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Due:
    """Something to be said when that number of chunks has been received, or later if something else is still being said."""

    chunk: int
    says: str
    sound: bytes = b""
    """The sound of `says`, mono PCM16 at 24 kHz; without it the voice makes it."""


class Translation:
    """A session's conversation on one connection, from the accepted setup on."""

    def __init__(self, profile: Profile, setup: messages.Setup, answers: Answers, memory: Memory, voice: Synthesizer) -> None:
        self._profile, self._setup = profile, setup
        self._answers, self._memory, self._voice = answers, memory, voice
        self._agenda = Agenda()
        self._outbox: list[Json] = []
        self._early: list[messages.ClientMessage] = []
        """Messages that wait for setupComplete; more than `_MOST_EARLY_MESSAGES` close the socket."""
        self._handle_sent_at = 0.0
        self._received = bytearray()
        """Sound at 16 kHz that is no whole chunk yet."""
        self._chunk = 0
        """The number of chunks that were received."""
        self._speech_chunks = 0
        """Chunks of speech in this stretch of it."""
        self._quiet_chunks = _PAUSE_CHUNKS
        self._rule = Rule()
        self._hears: deque[str] = deque(maxlen=_MOST_EARLY_MESSAGES)
        """Words of the script that the caller is saying."""
        self._due: deque[Due] = deque(maxlen=_MOST_EARLY_MESSAGES)
        self._saying: deque[Chunk] = deque(maxlen=_MOST_EARLY_MESSAGES)
        self.close: Close | None = None

    @property
    def next_at(self) -> float | None:
        """The time at which `advance` has something to do, if nothing is received before."""
        return self._agenda.next_at

    @property
    def caller_speaking(self) -> bool:
        return self._quiet_chunks < _PAUSE_CHUNKS

    @property
    def turn_open(self) -> bool:
        """Whether something translated is being said."""
        return bool(self._saying)

    def begin(self, now: float, *, resumed: bool) -> None:
        """Begin at `now`, when the setup was received."""
        wait_s = self._profile.connection.resume_s if resumed else self._profile.connection.setup_s
        self._agenda.at(now + wait_s, "setup", self._set_up)
        self._agenda.at(now + wait_s + 0.013, "handle", self._send_handle)

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        self._agenda.run(now)

    def take(self) -> list[Json]:
        """The messages that must be sent now, in order."""
        sent, self._outbox = self._outbox, []
        return sent

    def interrupt(self, now: float) -> None:
        """Nothing interrupts a translation."""

    def receive(self, message: messages.ClientMessage, now: float) -> None:
        """Take a client's message. What the service would close the socket over sets `close`."""
        self.advance(now)
        if isinstance(message, messages.Setup) or len(self._early) > _MOST_EARLY_MESSAGES:
            self.close = closes.INVALID_ARGUMENT
        elif self._agenda.holds("setup"):
            self._early.append(message)
        elif isinstance(message, messages.Audio):
            self._hear(message)
        elif not isinstance(message, messages.AudioStreamEnd):
            self.close = closes.INVALID_ARGUMENT  # documented: sound alone is taken; guessed: that all else closes
        if now - self._handle_sent_at >= _HANDLES_EVERY_S and not self._agenda.holds("setup"):
            self._send_handle(now)

    def _set_up(self, now: float) -> None:
        self._outbox.append({"setupComplete": {"sessionId": self._memory.handle} if self._profile.vertex else {}})
        early, self._early = self._early, []
        for message in early:
            self.receive(message, now)

    def _send_handle(self, now: float) -> None:
        self._handle_sent_at = now
        handle = self._memory.give_handle(self._profile)
        self._outbox.append({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    # What is heard

    def _hear(self, sound: messages.Audio) -> None:
        samples = np.frombuffer(sound.pcm, dtype="<i2")
        if sound.rate_hz != HEARD_RATE_HZ:
            samples = soxr.resample(samples, sound.rate_hz, HEARD_RATE_HZ).astype("<i2")
        self._received += samples.tobytes()
        size = HEARD_RATE_HZ * 2 * self._profile.speaking.chunk_ms // 1000
        while len(self._received) >= size:
            chunk = np.frombuffer(bytes(self._received[:size]), dtype="<i2")
            del self._received[:size]
            self._hear_chunk(chunk)

    def _hear_chunk(self, chunk: Samples) -> None:
        self._chunk += 1
        chunk_s = self._profile.speaking.chunk_ms / 1000
        own = soxr.resample(chunk, HEARD_RATE_HZ, VOICE_RATE_HZ).astype("<i2").tobytes()
        is_loud = float(np.sqrt(np.mean(chunk.astype(np.float32) ** 2))) >= _LOUD_RMS
        if is_loud:
            if not self.caller_speaking:
                self._begin_speech()
            self._quiet_chunks = 0
            self._speech_chunks += 1
            self._memory.add(audio_s=chunk_s)
            per_piece = round(self._profile.translation.piece_s / chunk_s)
            words = self._heard_piece() if self._speech_chunks % per_piece == 1 else ""
            if not self._rule.hears:
                self._say(words, own)
        else:
            self._quiet_chunks = min(self._quiet_chunks + 1, _PAUSE_CHUNKS)
            if self._quiet_chunks == _PAUSE_CHUNKS - 1:
                self._send_heard(" ".join(self._hears))
                self._hears.clear()
        self._speak()
        if not compress(self._profile, self._memory, self._setup.compression):
            self.close = closes.INVALID_ARGUMENT

    def _begin_speech(self) -> None:
        """The caller begins: the script's next turn, or words that were announced, or nobody knows what."""
        announced = self._memory.announced.popleft() if self._memory.announced else ""
        if announced:
            self._rule = Rule(hears=announced, says=f"{self._setup.target_language}: {announced}")
        else:
            rule = self._answers.answer(Situation(None, self._memory.spoken_turns, {}, self._memory.notes))
            self._rule = Rule() if rule.calls else rule  # what it says is about results, which a translator has none of
        self._memory.count_spoken_turn()
        self._speech_chunks = 0
        self._hears = deque(self._rule.hears.split(), maxlen=_MOST_EARLY_MESSAGES)
        if self._rule.hears and self._rule.says:
            self._say(self._rule.says, self._rule.plays)

    def _heard_piece(self) -> str:
        """Send the caller's next words. Returns the translation of those that are in no script."""
        if self._rule.hears:
            taken = [self._hears.popleft() for _ in range(min(_WORDS_IN_PIECE, len(self._hears)))]
            self._send_heard(" ".join(taken))
            return ""
        second = self._speech_chunks * self._profile.speaking.chunk_ms // 1000 + 1
        word = _NUMBERS[second] if second < len(_NUMBERS) else str(second)
        self._send_heard(word)
        return f"{self._setup.target_language}-{word}"

    def _send_heard(self, words: str) -> None:
        if words and self._setup.input_transcription:
            self._outbox.append({"serverContent": {"inputTranscription": {"text": f" {words}"}}})

    # What is said

    def _say(self, words: str, sound: bytes) -> None:
        if not self._setup.target_language:
            return  # reported: without a target language silence comes
        lag = round(self._profile.translation.lag_s * 1000 / self._profile.speaking.chunk_ms)
        if not sound:
            self._voice.prepare(words, self._setup.voice, self._setup.target_language)
        self._due.append(Due(self._chunk + lag, words, sound))

    def _speak(self) -> None:
        """One chunk goes out."""
        style = self._profile.speaking
        while not self._saying and self._due and self._due[0].chunk <= self._chunk:
            due = self._due.popleft()
            sound = due.sound or self._voice.speak(due.says, self._setup.voice, self._setup.target_language)
            self._saying.extend(chunks(due.says, sound, style))
        if self._saying:
            chunk = self._saying.popleft()
            chunk = replace(chunk, text=f" {chunk.text.strip()}" if chunk.text else "")
            self._memory.add(audio_s=len(chunk.audio) / VOICE_RATE_HZ / 2)
            self._outbox += chunk_messages(chunk, style, transcribed=self._setup.output_transcription)
            return
        if self._chunk % _EMPTY_EVERY == 0 and self._setup.output_transcription:
            self._outbox.append({"serverContent": {"outputTranscription": {}}})
        silence = bytes(VOICE_RATE_HZ * 2 * style.chunk_ms // 1000)
        self._outbox += chunk_messages(Chunk(0.0, silence, ""), style, transcribed=False)
