"""A conversation with the emulator on a clock that the test moves, and all that it sent."""

import base64
from typing import Any

import numpy as np

from emulator import messages
from emulator.answers import Answers, Call, Rule
from emulator.conversation import Conversation
from emulator.profile import Profile
from emulator.profiles import GEMINI_3_8_LIVE
from emulator.script import Script
from emulator.sessions import Memory

SPEECH_S = 1.0
QUIET_S = 2.0
LOUD = (3000 * np.sin(np.arange(16000) * 0.3)).astype(np.int16).tobytes()
QUIET = bytes(int(QUIET_S * 32000))
LONG = "This is a long answer, and it goes on and on, so that there is time to interrupt it before it has been said."
SCRIPT = Script(
    turns=(
        Rule(hears="What time is it?", calls=(Call("clock"),), says="It is {clock}."),
        Rule(hears="Tell me a story.", says=LONG),
        Rule(silent=True),
    ),
    otherwise=Rule(LONG),
)


class StandIn:
    """Instead of espeak: 50 ms of sound for each character."""

    def prepare(self, text: str, _voice: str, _language: str) -> None:
        assert text

    def speak(self, text: str, _voice: str, _language: str) -> bytes:
        return b"\1\0" * 1200 * len(text)


VOICE = StandIn()


def duration_s(text: str) -> float:
    return 0.05 * len(text)


class Talk:
    """A conversation with its own clock, and everything that was sent, with times."""

    def __init__(
        self,
        answers: Answers = SCRIPT,
        tools: dict[str, str | None] | None = None,
        profile: Profile = GEMINI_3_8_LIVE,
        **setup: Any,
    ) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.memory = Memory()
        accepted = messages.Setup(
            "models/gemini-3.8-live",
            tools={name: messages.Tool(behavior) for name, behavior in (tools or {}).items()},
            input_transcription=True,
            output_transcription=True,
            **{"vad": messages.ActivityDetection(silence_duration_ms=500), **setup},
        )
        self.conversation = Conversation(profile, accepted, answers, self.memory, VOICE)
        self.conversation.begin(0.0, resumed=False)
        self.pass_time(1.0)

    def collect(self) -> None:
        self.sent += [(self.now, dict(message)) for message in self.conversation.take()]

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.conversation.next_at) is not None and at <= until:
            self.now = max(at, self.now)
            self.conversation.advance(self.now)
            self.collect()
        self.now = until
        self.conversation.advance(self.now)
        self.collect()

    def send(self, message: messages.ClientMessage) -> None:
        self.conversation.receive(message, self.now)
        self.collect()

    def say(self, pcm: bytes) -> None:
        """Sound, 20 ms by 20 ms, in real time."""
        for offset in range(0, len(pcm), 640):
            self.send(messages.Audio(pcm[offset : offset + 640], 16000))
            self.pass_time(0.02)

    def type(self, text: str) -> None:
        self.send(messages.ClientContent(text, turn_complete=True))

    def answer_calls(self, **fields: Any) -> None:
        for _, call in self.find("toolCall"):
            for function in call["functionCalls"]:
                scheduling, more = fields.get("scheduling"), fields.get("will_continue", False)
                response = messages.FunctionResponse(function["id"], function["name"], {"output": "noon"}, scheduling, more)
                self.send(messages.ToolResponse((response,)))

    def find(self, key: str) -> list[tuple[float, Any]]:
        """Messages, or fields of serverContent, of that name with their times."""
        found = []
        for at, message in self.sent:
            if key in message:
                found.append((at, message[key]))
            elif key in message.get("serverContent", {}):
                found.append((at, message["serverContent"][key]))
        return found

    def times(self, key: str) -> list[float]:
        return [at for at, _ in self.find(key)]

    def audio_s(self, since: float = 0.0) -> float:
        parts = [part for at, turn in self.find("modelTurn") if at >= since for part in turn["parts"]]
        return sum(len(base64.b64decode(part["inlineData"]["data"])) for part in parts) / 48000

    def text(self, since: float = 0.0) -> str:
        return "".join(each.get("text", "") for at, each in self.find("outputTranscription") if at >= since)
