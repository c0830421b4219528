"""What the model has seen: the pictures that the emulator was sent, by its control endpoint."""

from typing import Any

import aiohttp


class Seen:
    """Asks the emulator's control endpoint."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def picture(self) -> bytes:
        async with self._client.get("/picture") as response:
            assert response.status == 200, await response.text()
            return await response.read()

    async def pictures(self) -> int:
        """The number of pictures that it was sent."""
        async with self._client.get("/sessions") as response:
            sessions: list[dict[str, Any]] = await response.json()
        return sum(int(session["pictures"]["count"]) for session in sessions)
