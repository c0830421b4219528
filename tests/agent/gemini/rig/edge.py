"""What the link's edge would do: it carries out the core's actions, keeps its clock, and writes down what arrives where."""

import json
from typing import Any, NamedTuple

import numpy as np

from tests.agent.gemini.rig.adapter import (
    Action,
    Close,
    Core,
    Deliver,
    Dial,
    Knows,
    LinkEvent,
    Ping,
    Send,
    SetUp,
    Tell,
    Update,
    changed_fields,
)

FRAME_S = 0.02
LOUD = (3000 * np.sin(np.arange(320))).astype(np.int16)
_LOUD_MARK = 7
_SYLLABLE = 5
"""Frames; of a sentence, every second syllable is softer."""
_SOFTER = 3
_ROUNDING_S = 1e-6
_MOST_AT_ONCE = 50
"""So often a core may be due at one moment; more is a clock that stands."""


class Frame(NamedTuple):
    """20 ms of the caller's that can be told from all others."""

    number: int
    loud: bool

    @property
    def pcm(self) -> bytes:
        samples = LOUD.copy() if self.loud else np.zeros(320, dtype=np.int16)
        samples[:2] = self.number % 30000, _LOUD_MARK if self.loud else 0
        return samples.tobytes()

    @property
    def spoken_pcm(self) -> bytes:
        """The frame as a part of a sentence, whose loudness changes as that of syllables does."""
        samples = np.frombuffer(self.pcm, dtype=np.int16).copy()
        if self.number // _SYLLABLE % 2:
            samples[2:] //= _SOFTER
        return samples.tobytes()


def frame_of(pcm: bytes) -> Frame:
    number, mark = np.frombuffer(pcm, dtype=np.int16)[:2]
    return Frame(int(number), mark == _LOUD_MARK)


class Edge:
    """There is at most one socket, and nothing is sent but over an open one."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.now = 1000.0
        self.socket = "none"
        """Or dialing, upgraded, open, closing."""
        self.answers_pings = False
        self.pinged_at: list[float] = []
        self.connections: list[list[Frame | dict[str, Any]]] = []
        """What Gemini has received, for each connection that was open."""
        self.handles: list[str | None] = []
        """What each setup asked to resume."""
        self.wanted = {"systemInstruction": "Be brief.", "tools": "none", "generationConfig": "voice"}
        """What connections are to ask for."""
        self.told: dict[str, str] | None = None
        """What the newest socket was told of it."""
        self.announced: list[bool] = []
        """For each setup, whether it announced what was said before."""
        self.events: list[LinkEvent] = []
        self.known_until: list[float] = []
        """For each connection that was open, the time from which on its session may not know what was sent."""
        self.delivered: list[dict[str, Any]] = []
        """What the conversation was told of Gemini's messages."""
        self.judged: list[Any] = []
        """The same, with what the link knows of them beside."""

    def asks_for(self, fields: dict[str, str]) -> None:
        """Connections are to ask for this from now on."""
        self.wanted = self.wanted | fields
        self.do(self.core.changed(changed_fields(self.told, self.wanted), self.now))

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Dial():
                assert self.socket == "none", "never two sockets"
                self.socket, self.told = "dialing", None
            case SetUp(handle):
                assert self.socket == "upgraded"
                self.handles.append(handle)
                self.announced.append(self.core.announces(handle))
                self.told = self.wanted
            case Update():
                assert self.socket == "open", "nothing is sent where nobody listens"
                changed = changed_fields(self.told, self.wanted)
                self.connections[-1].append({"contextUpdate": {name: self.wanted[name] for name in changed}})
                self.told = self.wanted
            case Send(payload, is_sound):
                assert self.socket == "open", "nothing is sent where nobody listens"
                self.connections[-1].append(frame_of(payload) if is_sound else json.loads(payload))
                asks = not is_sound and "typed" in self.connections[-1][-1]
                assert not asks or self.told == self.wanted, "what is asked is answered by the newest settings"
            case Close():
                self.socket = "closing" if self.socket != "none" else "none"
            case Deliver(received):
                self.delivered.append(received.raw)
                self.judged.append(received)
            case Tell(event):
                self.events.append(event)
            case Knows(until):
                self.known_until.append(until)
            case Ping():
                assert self.socket == "open"
                self.pinged_at.append(self.now)
                if self.answers_pings:
                    self.do(self.core.pong(self.now))

    def dies(self) -> None:
        """The process is killed: its socket is closed by the kernel, and another process goes on. Events are of that one."""
        self.core = self.core.dies(self.now)
        self.socket, self.told = "none", None
        self.events.clear()
        self.do(self.core.start(self.now))

    def passes(self, seconds: float) -> None:
        """Let time pass; the core is called whenever it is due."""
        until, at_once = self.now + seconds, 0
        while (at := self.core.next_at) <= until + _ROUNDING_S:
            at_once = 0 if at > self.now else at_once + 1
            assert at_once < _MOST_AT_ONCE, "the core's clock stands"
            self.now = max(self.now, at)
            self.do(self.core.due(self.now))
        self.now = max(self.now, until)
