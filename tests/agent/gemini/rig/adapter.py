"""The only place where tests touch the link's pure core: what it is called, what goes in, what comes out, when it is due.

Tests take the words of its news and its limits from here too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.gemini import messages
from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from agent.gemini.handover import TICK_S, Handover
from agent.gemini.news import Cause, Kind, Line, LinkEvent
from agent.gemini.orders import Close, Deliver, Dial, LinkLimits, Ping, SetUp, Tell
from agent.gemini.tool_ledger import Response

__all__ = [  # noqa: RUF022 - one line for what acts, one for what is told
    "Core", "Action", "Close", "Deliver", "Dial", "Ping", "Send", "SetUp", "Tell", "LinkLimits", "Response",
    "Cause", "Kind", "Line", "LinkEvent",
]  # fmt: skip


@dataclass(frozen=True)
class Send:
    """Something for Gemini, now: the PCM of the caller's sound, or the bytes of a message."""

    payload: bytes
    is_sound: bool


Action = Dial | SetUp | Close | Ping | Deliver | Tell | Send


class Core:
    """The core of one link. Each method returns what is to be done, in order; `due` is to be called at `next_at`."""

    def __init__(self, model: str, limits: LinkLimits, history: Sequence[Line] = (), seed: int = 1) -> None:
        self.machine = Handover(CAPABILITIES.get(model, CAUTIOUS), limits, lambda: history, seed)
        """What a `Link` is given."""
        self.unreadable: list[str] = []
        """Fields of Gemini's messages that were skipped."""
        self._tick_at = math.inf

    @property
    def next_at(self) -> float | None:
        """When `due` is to be called; None: not by the clock."""
        outbox = self.machine.dialogue.outbox
        send_at = outbox.next_at if self.machine.may_send else None
        return min(self._tick_at, math.inf if send_at is None else send_at)

    def due(self, now: float) -> list[Action]:
        if now >= self._tick_at:
            self.machine.tick(now)
            self._tick_at = now + TICK_S
        return self._actions(now)

    @property
    def dropped_s(self) -> float:
        """Of the caller's sound, because nothing took it for too long."""
        return self.machine.dialogue.outbox.lost_s

    # The socket

    def start(self, now: float) -> list[Action]:
        self._tick_at = now + TICK_S
        self.machine.start(now)
        return self._actions(now)

    def upgraded(self, now: float) -> list[Action]:
        self.machine.upgraded(now)
        return self._actions(now)

    def failed(self, now: float, code: int | None = None, reason: str = "", cause: Cause | None = None) -> list[Action]:
        """The socket didn't come about, or is gone without our doing."""
        self.machine.failed(now, code=code, reason=reason, cause=cause)
        return self._actions(now)

    def closed(self, now: float) -> list[Action]:
        """The socket that `Close` was about is gone."""
        self.machine.gone(now)
        return self._actions(now)

    def stalled(self, now: float) -> list[Action]:
        """The socket's buffer is full."""
        self.machine.is_stalled = True
        return self._actions(now)

    def pong(self, now: float) -> list[Action]:
        self.machine.dialogue.watchdog.received(now)
        return self._actions(now)

    def received(self, frame: bytes, now: float) -> list[Action]:
        received = messages.read(frame)
        self.machine.received(received, now)
        self.unreadable += received.unreadable
        return self._actions(now)

    def replaced(self, now: float) -> list[Action]:
        """What a connection asks for has changed."""
        self.machine.replace(now)
        return self._actions(now)

    # For the model

    def sound(self, pcm: bytes, duration_s: float, now: float) -> list[Action]:
        at_once: list[Action] = [Send(pcm, is_sound=True)] if self.machine.sound(pcm, duration_s, now) else []
        return at_once + self._actions(now)

    def typed(self, payload: bytes, text: str, now: float) -> list[Action]:
        """A message that wants an answer."""
        self.machine.message(payload, now, text=text, wants_answer=True)
        return self._actions(now)

    def tool_responses(self, responses: Sequence[Response], now: float) -> list[Action]:
        self.machine.tool_responses(responses, now)
        return self._actions(now)

    def microphone_closed(self, now: float) -> list[Action]:
        self.machine.microphone_closed()
        return self._actions(now)

    def _actions(self, now: float) -> list[Action]:
        actions: list[Action] = [*self.machine.take()]
        while self.machine.may_send and (item := self.machine.dialogue.outbox.take(now)) is not None:
            actions.append(Send(item.payload, is_sound=item.duration_s > 0))
        return actions
