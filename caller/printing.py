"""Prints a call as it unfolds, in the order of its times: lines for people, or one JSON object for each event."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from caller.call_lines import CallLines
from caller.event_order import EventOrder
from caller.events import Event


class EventPrinter:
    """Prints events; times count from the first one."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lines = CallLines()
        self._start_t: float | None = None

    def show(self, event: Event) -> None:
        """Print one event."""
        self._start_t = event.t if self._start_t is None else self._start_t
        passed_s = event.t - self._start_t
        if self._as_json:
            shown = json.dumps(event.as_json() | {"t": round(passed_s, 4)}, ensure_ascii=False)
        else:
            line = self._lines.line(event)
            if line is None:
                return
            shown = f"{passed_s:7.2f} s  {line}"
        print(shown, flush=True)  # noqa: T201  the program's output


@asynccontextmanager
async def printing(printer: EventPrinter) -> AsyncIterator[Callable[[Event], None]]:
    """Print the events that the yielded function is told, until the block is left; by then all are printed."""
    order, changed = EventOrder(), asyncio.Event()

    def tell(event: Event) -> None:
        order.put(event)
        changed.set()

    async def run() -> None:
        while True:
            for event in order.due(time.monotonic()):
                printer.show(event)
            wait_s = None if order.next_at is None else max(order.next_at - time.monotonic(), 0)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await changed.wait()
            changed.clear()

    running = asyncio.create_task(run(), name="printing")
    try:
        yield tell
    finally:
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()  # what went wrong with the output
        for event in order.rest():
            printer.show(event)
