"""Both ends of the wire without one: what the link's edge would do, what Gemini would answer, and what callers say."""

import base64
import json
from typing import Any

import numpy as np
from agent.gemini.handover import TICK_S, Handover
from agent.gemini.events import Kind, Line, LinkEvent
from agent.gemini.orders import Close, Deliver, Dial, LinkLimits, Phase, Ping, SetUp, Tell

from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from agent.gemini.messages import read

CHUNK_S = 0.02
LOUD = (3000 * np.sin(np.arange(320))).astype(np.int16)


def chunk(number: int, *, loud: bool) -> bytes:
    """20 ms of the caller's that can be told from all others."""
    samples = LOUD.copy() if loud else np.zeros(320, dtype=np.int16)
    samples[:2] = number % 30000, 7 if loud else 0
    return samples.tobytes()


class Service:
    """Both ends of the wire: what the link's edge would do, and what Gemini would answer."""

    def __init__(self, handover: Handover) -> None:
        self.link = handover
        self.now = 1000.0
        self.socket = "none"
        self.answers_pings = False
        self.sent: list[list[Any]] = []
        """Per connection: numbers of sound chunks, and messages."""
        self.events: list[LinkEvent] = []
        self.delivered: list[dict[str, Any]] = []
        self.handles: list[str | None] = []

    def act(self) -> None:
        while actions := self.link.take():
            for action in actions:
                self.do(action)
        self.flush()

    def do(self, action: object) -> None:
        match action:
            case Dial():
                assert self.socket == "none", "never two sockets"
                self.socket = "dialing"
            case SetUp(handle):
                assert self.socket == "upgraded"
                self.handles.append(handle)
            case Close():
                self.socket = "closing" if self.socket != "none" else "none"
            case Deliver(received):
                self.delivered.append(received.raw)
            case Tell(event):
                self.events.append(event)
            case Ping():
                assert self.socket == "open"
                if self.answers_pings:
                    self.link.dialogue.watchdog.received(self.now)

    def flush(self) -> None:
        while self.link.may_send and (item := self.link.dialogue.outbox.take(self.now)) is not None:
            self.take(item.payload, is_sound=item.duration_s > 0)

    def take(self, payload: bytes, *, is_sound: bool) -> None:
        assert self.socket == "open", "nothing is sent where nobody listens"
        self.sent[-1].append(number_of(payload) if is_sound else json.loads(payload))

    def upgraded(self) -> None:
        self.socket = "upgraded"
        self.link.upgraded(self.now)
        self.act()

    def says(self, message: dict[str, Any]) -> None:
        if "setupComplete" in message and self.socket == "upgraded":
            self.socket = "open"
            self.sent.append([])
        self.link.received(read(json.dumps(message).encode()), self.now)
        self.act()

    def connect(self) -> None:
        if self.socket == "closing":
            self.gone()
        while self.socket == "none" and self.link.phase is Phase.WAITING:
            self.advance(TICK_S)
        if self.socket == "dialing":
            self.upgraded()
        if self.socket == "upgraded":
            self.says({"setupComplete": {}})

    def closes(self, code: int | None = None, reason: str = "") -> None:
        self.socket = "none"
        self.link.failed(self.now, code=code, reason=reason)
        self.act()

    def gone(self) -> None:
        self.socket = "none"
        self.link.gone(self.now)
        self.act()

    def hears(self, number: int, *, loud: bool) -> None:
        pcm = chunk(number, loud=loud)
        if self.link.sound(pcm, CHUNK_S, self.now):
            self.take(pcm, is_sound=True)
        self.act()

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += TICK_S
            self.link.tick(self.now)
            self.act()

    def kinds(self, *kinds: Kind) -> list[Kind]:
        return [event.kind for event in self.events if event.kind in kinds]

    def texts(self) -> list[str]:
        """What the link wrote to the model on the newest connection."""
        return [text for item in self.sent[-1] if isinstance(item, dict) for text in [written(item)] if text]


def number_of(pcm: bytes) -> tuple[int, bool]:
    first, mark = np.frombuffer(pcm, dtype=np.int16)[:2]
    return int(first), mark == 7


def written(message: dict[str, Any]) -> str:
    turns = message.get("client_content", {}).get("turns") or [{}]
    return "".join(part.get("text", "") for part in turns[0].get("parts", []))


def content(**fields: Any) -> dict[str, Any]:
    return {"serverContent": fields}


def voice(seconds: float = 0.2, words: str = "") -> dict[str, Any]:
    data = base64.b64encode(bytes(round(48000 * seconds))).decode()
    said = {"outputTranscription": {"text": words}} if words else {}
    return content(modelTurn={"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}]}, **said)


def heard(words: str) -> dict[str, Any]:
    return content(inputTranscription={"text": words})


CALL = {"toolCall": {"functionCalls": [{"id": "call_1", "name": "book", "args": {"slot": "3pm"}}]}}
RESULT = {"id": "call_1", "name": "book", "response": {"output": "booked"}}


def connected(model: str = "gemini-3.8-live", **limits: float) -> Service:
    lines = (Line(by_caller=True, text="My number is 42."), Line(by_caller=False, text="I will remember it."))
    service = Service(Handover(CAPABILITIES.get(model, CAUTIOUS), LinkLimits(**limits), lambda: lines, seed=1))
    service.link.start(service.now)
    service.act()
    service.connect()
    service.says({"sessionResumptionUpdate": {"newHandle": "h1", "resumable": True}})
    return service


def answering(service: Service, words: str = "Once upon a time there was a lighthouse", seconds: float = 3.0) -> None:
    """The caller has asked, and the model has begun to answer."""
    service.says(heard("Tell me a story."))
    service.says(voice(seconds, words))


def complete(service: Service) -> None:
    service.says(content(generationComplete=True))
    service.says(content(turnComplete=True))


def speak(service: Service, first: int, last: int, *, loud: bool = True) -> None:
    for number in range(first, last + 1):
        service.now += CHUNK_S
        service.hears(number, loud=loud)


def refuse_for(service: Service, seconds: float) -> None:
    until = service.now + seconds
    while service.now < until:
        service.advance(TICK_S)
        if service.socket == "dialing":
            service.closes(503)


def captions(service: Service) -> str:
    """The agent's words as the conversation was told them."""
    contents = [raw.get("serverContent", {}) for raw in service.delivered]
    return "".join(said["outputTranscription"]["text"] for said in contents if "outputTranscription" in said)


def sound_of(connection: list[Any]) -> list[int]:
    return [item[0] for item in connection if isinstance(item, tuple) and item[1]]
