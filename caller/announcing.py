"""Tells an emulator of Gemini what the caller is about to say, since it hears that somebody speaks and not what."""

import aiohttp

_ANSWER_S = 2.0


class Announcer:
    """Announces words to an emulator's control endpoint (emulator/README.md), for the session that was opened last.

    Where nothing answers, nothing is announced: with Gemini itself there is no such endpoint.

    Args:
        url: of the control endpoint, such as http://127.0.0.1:7884.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._is_there = True

    async def announce(self, words: str) -> None:
        """Announce the caller's next spoken turn."""
        if not self._is_there:
            return
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http:
                async with http.get(f"{self._url}/sessions") as answer:
                    held = [session["handle"] for session in await answer.json() if session["held"]]
                if held:
                    async with http.post(f"{self._url}/hears", json={"text": words, "session": held[-1]}):
                        pass
        except (aiohttp.ClientError, TimeoutError, ValueError, TypeError, KeyError):
            self._is_there = False  # another program, or none: what is said is heard as speech alone
