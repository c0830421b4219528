"""A Firefox without a window, spoken to over WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/)."""

import asyncio
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from demo.parts import Program, running
from tests.ports import free_port

# a fake microphone that may be used without a question, and no requests to Mozilla; nothing of WebRTC is set
PREFERENCES = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
}
_ANSWER_S = 40
_BECOMES = """new Promise((found) => {
  const look = () => {
    const value = %s;
    if (%s.includes(value)) found(value);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  look();
})"""
"""A promise that is looked at whenever the document changes."""


class Firefox:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._tab = ""

    async def begin(self) -> None:
        """Begin the session; before anything else."""
        await self._ask("session.new", capabilities={})
        tree = await self._ask("browsingContext.getTree")
        self._tab = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        await self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise. It counts as a click of the user's."""
        target = {"context": self._tab}
        told = await self._ask("script.evaluate", expression=expression, target=target, awaitPromise=True, userActivation=True)
        assert told["type"] == "success", told
        return told["result"].get("value")

    async def becomes(self, expression: str, *values: object, within_s: float = 30.0) -> Any:
        """Wait until the expression, which is about the document, has one of the values; returns it.

        Raises:
            TimeoutError: it never had.
        """
        async with asyncio.timeout(within_s):
            return await self.evaluate(_BECOMES % (expression, json.dumps(values)))

    async def _ask(self, method: str, **parameters: object) -> Any:
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(_ANSWER_S):
            while (told := json.loads(await self._socket.recv())).get("id") != number:
                pass
        assert told["type"] == "success", told
        return told["result"]


@asynccontextmanager
async def firefox() -> AsyncIterator[Firefox]:
    """The system's Firefox with a fresh profile."""
    found = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    assert found, "This test needs a Firefox: `sh scripts/packages` says which package."
    port = free_port()
    with tempfile.TemporaryDirectory() as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("".join(lines))
        argv = [found, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", str(port)]
        # root has no sandbox in a container
        environment = os.environ | {"MOZ_DISABLE_CONTENT_SANDBOX": "1", "HOME": profile}
        program = Program("firefox", argv, environment, re.compile("WebDriver BiDi listening"), show=lambda _: None)
        async with running(program) as part:
            await part.ready()
            async with connect(f"ws://127.0.0.1:{port}/session", max_size=None) as socket:
                browser = Firefox(socket)
                await browser.begin()
                yield browser
