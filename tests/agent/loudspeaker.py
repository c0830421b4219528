"""What an agent says and shows in a session without a room."""

from livekit.agents.voice import io

from testing.loudspeaker import RATE_HZ, Loudspeaker

__all__ = ["RATE_HZ", "Loudspeaker", "Subtitles"]


class Subtitles(io.TextOutput):
    """Each caption, as far as it was shown."""

    def __init__(self) -> None:
        super().__init__(label="test", next_in_chain=None)
        self.shown: list[str] = []
        self._text = ""

    async def capture_text(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        if self._text:
            self.shown.append(self._text)
        self._text = ""
