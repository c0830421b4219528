"""Calls of the demo's agent from its page in Firefox, run by test_firefox.py in a network of its own."""

import asyncio
import os
import re
import sys

from demo.parts import Program, running
from tests.e2e.firefox import Firefox, firefox
from tests.lights import PERSONAS
from tests.ports import free_ports

_STATE = "document.body.dataset.state"
_REASON = "document.getElementById('failure').textContent"
_PLAYED_S = "Math.max(0, ...[...document.querySelectorAll('audio')].map((audio) => audio.currentTime))"


async def begin(browser: Firefox, button: str, *states: str) -> None:
    """Press a button, and wait until the call has one of the states."""
    await browser.evaluate(f"document.getElementById('{button}').click()")
    state = await browser.becomes(_STATE, *states, "failed", "ended", within_s=40)
    assert state in states, await browser.evaluate(_REASON)


async def hang_up(browser: Firefox) -> None:
    await browser.evaluate("document.getElementById('call').click()")
    await browser.becomes(_STATE, "ended")


async def main() -> None:
    base = free_ports()
    nothing = dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL"), "")
    environment = os.environ | nothing | {"PORT_BASE": str(base), "PERSONAS_DIR": str(PERSONAS)}
    program = Program("demo", [sys.executable, "-m", "demo"], environment, re.compile("^ready "), 120)
    async with running(program) as demo, firefox() as browser:
        await demo.ready()
        await browser.open(f"http://127.0.0.1:{base + 2}/")
        await browser.becomes(_STATE, "idle")
        await begin(browser, "type-instead", "speaking")
        await browser.becomes(_STATE, "listening")
        await browser.evaluate("document.getElementById('line').value = 'turn on the lights'")
        await browser.evaluate("document.getElementById('composer').requestSubmit()")
        await browser.becomes("document.querySelector('[data-name=lights] dd')?.textContent", "on")
        played = await browser.evaluate(_PLAYED_S)
        assert played > 1, f"{played} s of sound were played"
        await hang_up(browser)
        # Firefox's fake microphone is never silent, and may interrupt the greeting before it is heard
        await begin(browser, "call", "speaking", "listening")
        await hang_up(browser)


if __name__ == "__main__":
    asyncio.run(main())
