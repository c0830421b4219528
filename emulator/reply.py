"""One spoken answer as the messages that carry it, with their times. Pure.

Audio goes out several times faster than it plays; the words ride on the chunk in which they are spoken
(docs/facts.md G3).
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from emulator.messages import Json
from emulator.profiles import Profile
from emulator.voice import RATE_HZ

BYTES_PER_S = RATE_HZ * 2
_WORDS_PER_CAPTION = 3


@dataclass(frozen=True)
class Chunk:
    """A stretch of the answer; times in seconds from its first message."""

    sent_s: float
    audio: bytes
    text: str

    def message(self, *, transcribed: bool) -> Json:
        inline = {"mimeType": f"audio/pcm;rate={RATE_HZ}", "data": base64.b64encode(self.audio).decode()}
        content: dict[str, object] = {"modelTurn": {"role": "model", "parts": [{"inlineData": inline}]}}
        if self.text and transcribed:
            content["outputTranscription"] = {"text": self.text}
        return {"serverContent": content}


def chunks(text: str, audio: bytes, profile: Profile) -> Iterator[Chunk]:
    """Cut an answer into chunks, the first one short."""
    captions = _captions(text)
    position = 0
    while position < len(audio):
        size_ms = profile.chunk_ms if position else profile.first_chunk_ms
        end = min(position + size_ms * BYTES_PER_S // 1000, len(audio))
        words = "".join(caption for share, caption in captions if position <= share * len(audio) < end)
        yield Chunk(position / BYTES_PER_S / profile.pace, audio[position:end], words)
        position = end


def _captions(text: str) -> list[tuple[float, str]]:
    words = text.split()
    captions = []
    for index in range(0, len(words), _WORDS_PER_CAPTION):
        part = " ".join(words[index : index + _WORDS_PER_CAPTION])
        captions.append((index / len(words), f" {part}" if index else part))
    return captions
