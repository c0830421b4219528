"""A conversation with faults, on a clock that the test moves."""

from typing import Any

import pytest

from emulator import messages
from emulator.conversation import Conversation
from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text
from emulator.faults.channel import Frame
from emulator.faults.faulty import FaultyConversation
from emulator.profile import Profile
from emulator.profiles import GEMINI_3_8_LIVE
from emulator.script import Script
from emulator.sessions import Memory
from tests.emulator.talk import LONG, LOUD, QUIET, SCRIPT, VOICE, Talk, duration_s

PLAYED_S = duration_s(LONG)
MODEL = "gemini-3.8-live"


class FaultyTalk(Talk):
    """A talk whose faults are given as on the command line."""

    conversation: FaultyConversation  # type: ignore[assignment]

    def __init__(
        self,
        *asked: str,
        faults: Faults | None = None,
        resumes: Memory | None = None,
        script: Script = SCRIPT,
        profile: Profile = GEMINI_3_8_LIVE,
        tools: dict[str, str | None] | None = None,
    ) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.memory = resumes or Memory()
        self.faults = faults or Faults()
        for text in asked:
            self.faults.add(fault_from_text(text))
        setup = messages.Setup(
            f"models/{MODEL}",
            tools={name: messages.Tool(behavior) for name, behavior in (tools or {}).items()},
            input_transcription=True,
            output_transcription=True,
            resumable=True,
            handle=resumes.handle if resumes else None,
            vad=messages.ActivityDetection(silence_duration_ms=500),
        )
        in_force = self.faults.for_connection(MODEL, setup.handle)
        self.forgotten = in_force.forgets()
        self.conversation = FaultyConversation(Conversation(profile, setup, script, self.memory, VOICE), in_force)
        self.conversation.begin(0.0, resumed=resumes is not None)
        self.pass_time(1.0)

    def collect(self) -> None:
        frame: Frame
        for frame in self.conversation.take():
            if isinstance(frame, bytes):
                self.raw.append(frame)
            else:
                self.sent.append((self.now, dict(frame)))

    def ask(self, text: str) -> None:
        """Ask for a fault now, as the control endpoint does."""
        self.faults.add(fault_from_text(text))
        self.pass_time(0)

    def spoken(self) -> None:
        self.say(LOUD + QUIET)

    def typed(self) -> float:
        """A typed turn, and when its answer began."""
        self.type("x")
        self.pass_time(0.6)
        return self.now - 0.6 + 0.55

    def happened(self) -> int:
        return sum(int(told["happened"]) for told in self.faults.report())

    def closed(self) -> int | None:
        return self.conversation.close.code if self.conversation.close else None

    def responds(self) -> None:
        """Answers each call that was made, with the id that it had."""
        for _, call in self.find("toolCall"):
            for function in call["functionCalls"]:
                call_id, output = function.get("id", ""), {"output": "noon"}
                response = messages.FunctionResponse(call_id, function["name"], output, None, will_continue=False)
                self.send(messages.ToolResponse((response,)))


def undisturbed(talk: Talk) -> bool:
    """Whether a turn goes as it should: sound, then turnComplete when it has been played."""
    before, start = talk.audio_s(), talk.now
    talk.type("x")
    talk.pass_time(12)
    whole = talk.audio_s() - before == pytest.approx(PLAYED_S)
    return whole and talk.times("turnComplete")[-1] == pytest.approx(start + 0.55 + PLAYED_S, abs=0.01)
