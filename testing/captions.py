"""The agent's answers in writing, as a caller reads them."""

import asyncio

from livekit.agents.voice import io


class Captions(io.TextOutput):
    """Keeps each answer when it is over; a test takes them out one by one."""

    def __init__(self) -> None:
        super().__init__(label="captions of a test", next_in_chain=None)
        self._answers: list[str] = []
        self._text = ""
        self._changed = asyncio.Event()

    async def capture_text(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        """LiveKit's word for: this answer is over."""
        if self._text.strip():
            self._answers.append(self._text.strip())
        self._text = ""
        self._changed.set()

    def forget(self) -> None:
        """Forget the answers that no test has taken."""
        self._answers.clear()

    async def until(self, words: str, within_s: float) -> str:
        """The first answer that contains the words; the ones before it are forgotten.

        Raises:
            AssertionError: there is none within that time.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for place, answer in enumerate(self._answers):
                        if words in answer:
                            del self._answers[: place + 1]
                            return answer
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            heard = self._answers + ([f"{self._text} ..."] if self._text else [])
            raise AssertionError(f"no answer with {words!r} within {within_s:g} s; the agent said: {heard}") from None
