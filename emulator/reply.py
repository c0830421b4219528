"""A spoken answer as messages with their times. Pure.

Audio goes out several times faster than it plays. Where words and sound share messages, the words ride on the chunk in which
they are spoken (docs/facts.md G3).
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from emulator.messages import Json
from emulator.profile import SpeakingProfile
from emulator.voice import RATE_HZ

BYTES_PER_S = RATE_HZ * 2
_WORDS_PER_CAPTION = 3


@dataclass(frozen=True)
class Chunk:
    """A stretch of an answer, sent `sent_s` seconds after the answer's first message."""

    sent_s: float
    audio: bytes
    text: str


def chunks(text: str, audio: bytes, profile: SpeakingProfile) -> Iterator[Chunk]:
    """Cut an answer into chunks, the first one short."""
    captions = _captions(text)
    position = 0
    while position < len(audio):
        size_ms = profile.chunk_ms if position else profile.first_chunk_ms
        end = min(position + size_ms * BYTES_PER_S // 1000, len(audio))
        words = "".join(caption for share, caption in captions if position <= share * len(audio) < end)
        yield Chunk(position / BYTES_PER_S / profile.pace, audio[position:end], words)
        position = end


def chunk_messages(chunk: Chunk, profile: SpeakingProfile, *, transcribed: bool) -> list[Json]:
    """The messages of one chunk, in order."""
    sound: dict[str, object] = {"modelTurn": model_turn([{"inlineData": _inline(chunk.audio, profile)}], profile)}
    words: dict[str, object] = {"outputTranscription": {"text": chunk.text}} if chunk.text and transcribed else {}
    empty: list[Json] = [{}] if profile.keepalives else []
    if profile.order == "bundled":
        return [*empty, {"serverContent": sound | words}]
    spoken: list[Json] = [{"serverContent": words}] if words and profile.order == "interleaved" else []
    return [*empty, *spoken, {"serverContent": sound}]


def words_before_sound(text: str, profile: SpeakingProfile, *, transcribed: bool) -> list[Json]:
    """The messages with all of the words, where the model sends them before the sound; else none."""
    if profile.order != "words_first" or not transcribed:
        return []
    texts = [{"text": caption} for _, caption in _captions(text)]
    return [{"serverContent": {"outputTranscription": each}} for each in ({}, *texts, {"finished": True})]


def model_turn(parts: list[Json], profile: SpeakingProfile) -> Json:
    """A modelTurn of these parts."""
    return {"role": "model", "parts": parts} if profile.role else {"parts": parts}


def _inline(audio: bytes, profile: SpeakingProfile) -> Json:
    return {"mimeType": profile.audio_mime, "data": base64.b64encode(audio).decode()}


def _captions(text: str) -> list[tuple[float, str]]:
    words = text.split()
    captions = []
    for index in range(0, len(words), _WORDS_PER_CAPTION):
        part = " ".join(words[index : index + _WORDS_PER_CAPTION])
        captions.append((index / len(words), f" {part}" if index else part))
    return captions
