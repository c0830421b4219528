"""A whole call, run by test_offline.py inside a network namespace without a way out. Prints `heard` if all went well."""

import asyncio
import socket
import sys
import tempfile
from pathlib import Path

from caller import AgentSilent, AgentSound
from caller.caller import SAMPLE_RATE_HZ
from speech import synthesize
from tests.e2e.conftest import SCRIPT
from tests.e2e.stack import gemini, sfu, worker


def check_that_nothing_can_leave() -> None:
    """The outside is unreachable at once: not slow, not refused."""
    with socket.socket() as probe:
        try:
            probe.connect(("203.0.113.1", 443))
        except OSError as error:
            print(f"outside: {error.strerror}")
        else:
            sys.exit("there is a way out of this namespace")


async def call() -> None:
    """Greeting, question, answer."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            sfu() as server,
            gemini(Path(folder) / "gemini", SCRIPT) as model,
            worker(server, model),
            server.caller("offline") as caller,
        ):
            await caller.first(AgentSilent, within_s=20)
            await caller.say(synthesize("Hello?", sample_rate_hz=SAMPLE_RATE_HZ))
            mark = len(caller.log)
            await caller.first(AgentSound, since=mark, within_s=20)
            await caller.first(AgentSilent, since=mark, within_s=20)
    print("heard")


if __name__ == "__main__":
    check_that_nothing_can_leave()
    asyncio.run(call())
