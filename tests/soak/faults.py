"""Faults at random moments: drawn by a seed, asked for over the emulator's control endpoint, counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp

Fault = dict[str, Any]

_CLEARED_AFTER = 400
"""The emulator takes a thousand at a time; what is cleared before it has happened shows in the table."""
_MOMENTS = ("start", "speech", "thinking", "audio", "turn_complete")


def _close(dice: random.Random) -> Fault:
    code = dice.choice((1006, 1008, 1011, 1011))
    reason = "The operation was aborted." if code == 1008 and dice.random() < 0.5 else ""
    return {"at": dice.choice(_MOMENTS), "after_s": round(dice.uniform(0, 1), 2), "code": code, "reason": reason}


def _moment(dice: random.Random) -> Fault:
    return {"at": dice.choice(_MOMENTS), "after_s": round(dice.uniform(0, 1), 2)}


def _go_away(dice: random.Random) -> Fault:
    return {**_moment(dice), "seconds": round(dice.uniform(1, 8), 1)}


def _silent_go_away(dice: random.Random) -> Fault:
    return {**_moment(dice), "seconds": round(dice.uniform(1, 3), 1)}


def _stall(dice: random.Random) -> Fault:
    return {**_moment(dice), "seconds": dice.choice((0, 5))}


def _as_it_is(_: random.Random) -> Fault:
    return {}


_DRAWN: dict[str, tuple[int, Callable[[random.Random], Fault]]] = {
    "goaway": (4, _go_away),
    "goaway_silent": (2, _silent_go_away),
    "close": (5, _close),
    "abrupt_1006": (4, _moment),
    "stalled_socket": (2, _stall),
    "setup_complete_never": (1, _as_it_is),
    "slow_handshake": (1, lambda dice: {"seconds": round(dice.uniform(1, 8), 1)}),
    "upgrade_refused": (2, lambda dice: {"times": dice.randint(1, 4)}),
    "resume_lock": (2, lambda dice: {"times": dice.randint(1, 3)}),
    "stale_handle": (2, _as_it_is),
    "phantom_interrupted": (2, lambda dice: {"after_s": round(dice.uniform(0, 1), 2)}),
    "never_turn_complete": (2, _as_it_is),
    "empty_turn": (2, _as_it_is),
    "mid_stall_7s": (2, lambda dice: {"seconds": round(dice.uniform(2, 9), 1)}),
    "tool_no_id": (1, _as_it_is),
    "tool_reissue": (1, _as_it_is),
    "tool_response_ignored": (1, _as_it_is),
    "tool_1008": (1, _as_it_is),
    "tool_1011": (1, _as_it_is),
}
NAMES = tuple(_DRAWN)


def draw(dice: random.Random, names: tuple[str, ...] = NAMES) -> Fault:
    """One fault with its parameters."""
    [name] = dice.choices(names, [_DRAWN[name][0] for name in names])
    return {"name": name, **_DRAWN[name][1](dice)}


class Mischief:
    """Asks a running emulator for fault after fault."""

    def __init__(self, control_url: str, seed: int, *, every_s: float, names: tuple[str, ...] = NAMES) -> None:
        self._url = control_url
        self._dice = random.Random(seed)
        self._every_s = every_s
        self._names = names
        self._since_cleared = 0
        self.asked: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        """How often, by name; complete once `make` has ended."""

    async def make(self, for_s: float) -> None:
        """Make it for so long; then all that hasn't happened is forgotten, and what is held up goes on."""
        async with aiohttp.ClientSession(self._url) as control:
            try:
                async with asyncio.timeout(for_s):
                    while True:
                        await asyncio.sleep(self._dice.expovariate(1 / self._every_s))
                        await self._ask(control)
            except TimeoutError:
                pass  # it is over
            await self._clear(control)

    async def _ask(self, control: aiohttp.ClientSession) -> None:
        if self._since_cleared >= _CLEARED_AFTER:
            await self._clear(control)
        fault = draw(self._dice, self._names)
        async with control.get("/faults") as response:
            if any(told["name"] == fault["name"] and not told["happened"] for told in await response.json()):
                return  # two of a kind would strike the same caller at the same moment
        async with control.post("/faults", json=fault) as response:
            if response.status != 201:
                raise RuntimeError(f"the emulator refuses a fault: {await response.text()}")
        self._since_cleared += 1

    async def _clear(self, control: aiohttp.ClientSession) -> None:
        async with control.get("/faults") as response:
            for told in await response.json():
                self.asked[told["name"]] += told["asked"]
                self.happened[told["name"]] += told["happened"]
        async with control.delete("/faults"):
            self._since_cleared = 0
