"""A recorded call for the pages at /calls, made by the package that records calls: both sides speak, and something happens."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from records import CallFolder, CallSummary, RecordWriter, TranscriptLine
from records.call_folder import SUMMARY, TIMELINE, TRANSCRIPT
from records.stereo_wav import LEFT, RIGHT
from records.summary import latency
from records.summary import to_json as summary_json
from records.transcript import to_json
from records.writer import RATE_HZ, Sound, Text
from speech import Voice, synthesize

STARTED_AT = datetime(2026, 11, 29, 8, 30, 13, tzinfo=UTC)
NAME = "20261129T083013Z-2b43623d"
_CALLER = Voice(name="en-us+f3")
_RESPONSES_S = (0.64, 1.21, 0.58, 0.83, 2.35, 0.71)


@dataclass
class Conversation:
    """What is recorded, second by second."""

    now_s: float = 0.4
    sounds: list[Sound] = field(default_factory=list)
    lines: list[TranscriptLine] = field(default_factory=list)
    events: list[Mapping[str, object]] = field(default_factory=list)

    def event(self, type_: str, at_s: float | None = None, **facts: object) -> None:
        self.events.append({"t": round(self.now_s if at_s is None else at_s, 2), "type": type_, **facts})

    def caller(self, text: str, **marks: bool) -> None:
        self._speak(LEFT, "caller", text, None, marks)
        self.now_s += 0.05

    def agent(self, text: str, waited_s: float | None, cut_s: float | None = None) -> None:
        """Say that after a wait; cut off after some seconds."""
        self.now_s += waited_s or 0.0
        began_s = self.now_s
        self._speak(RIGHT, "agent", text, cut_s, {"interrupted": cut_s is not None})
        spoke_s = round(self.now_s - began_s, 2)
        self.event(
            "turn", response_latency_s=waited_s, heard_to_sound_s=waited_s, spoke_s=spoke_s, interrupted=cut_s is not None
        )
        self.event("usage", total_usd=round(0.0009 * len(self.lines), 4), turn_usd=0.0009)
        if cut_s is None:
            self.now_s += 0.9

    def tool(self, name: str, took_s: float, arguments: str, result: str, status: str = "done") -> None:
        number = f"call_{len(self.events)}"
        self.event("tool_started", name=name, id=number, arguments=arguments)
        self.now_s += took_s
        self.event("tool_ended", name=name, id=number, status=status, took_s=took_s, result=result)

    def _speak(self, channel: int, who: str, text: str, cut_s: float | None, marks: Mapping[str, bool]) -> None:
        samples = synthesize(text, sample_rate_hz=RATE_HZ, voice=_CALLER if who == "caller" else None)
        if cut_s is not None:
            samples = samples[: round(cut_s * RATE_HZ)]
        start_s = self.now_s
        self.sounds.append(Sound(channel, who, start_s, RATE_HZ, samples.tobytes()))
        self.now_s += len(samples) / RATE_HZ
        said = {"start_s": round(start_s, 3), "end_s": round(self.now_s, 3), "who": who, "text": text}
        self.lines.append(TranscriptLine.model_validate(said | dict(marks)))


def conversation() -> Conversation:
    """A call of a minute with two tools, an interruption and a lost link."""
    call = Conversation()
    call.event("link", 0.0, kind="connected", cause="start", attempts=1, took_ms=212)
    call.event("caller", 0.1, identity="ada")
    call.agent("Hello, this is Earshot. How can I help you?", None)
    call.caller("Hi! What time is it in Tokyo right now?")
    call.tool("local_time", 0.21, '{"place": "Tokyo"}', "06:30 on Sunday, 29 November")
    call.agent("In Tokyo it is half past six on a Sunday morning, and it rains.", _RESPONSES_S[0])
    call.caller("Thanks. Please turn on the lights in the kitchen, and tell me what is on today.")
    call.tool("turn_on_the_lights", 1.4, '{"room": "kitchen"}', "on")
    call.agent("The lights are on. Today you have three appointments: the first one is at nine", _RESPONSES_S[1], cut_s=3.2)
    call.caller("Stop, wait. Only the ones in the afternoon.", interrupts=True)
    call.agent("In the afternoon there is one: the dentist, at a quarter past three.", _RESPONSES_S[2])
    call.event("link", kind="lost", cause="dropped", during="idle", code=1006)
    call.caller("Can you move that to tomorrow?")
    call.event("link", kind="restored", cause="dropped", during="caller_speaks", attempts=2, took_ms=1840, replayed_ms=1900)
    call.tool("move_appointment", 0.6, '{"to": "tomorrow"}', "the calendar can't be reached", status="error")
    call.agent("I am sorry, the calendar can't be reached at the moment.", _RESPONSES_S[4])
    call.caller("All right, goodbye.")
    call.agent("Goodbye, and have a nice day.", _RESPONSES_S[5])
    call.event("call_ended", reason="caller_left", text="the caller left", failure=None)
    return call


def record(calls: Path, name: str, said: Conversation, **facts: Any) -> CallFolder:
    """Write a call's folder."""
    folder = CallFolder(calls, name)
    with RecordWriter(folder, pytest.fail, has_sound=bool(said.sounds)) as writer:
        for sound in said.sounds:
            assert writer.put(sound)
        for line in said.lines:
            assert writer.put(Text(TRANSCRIPT, to_json(line)))
        for event in said.events:
            assert writer.put(Text(TIMELINE, json.dumps(event)))
    answers = [line for line in said.lines if line.who == "agent"]
    known: dict[str, Any] = {
        "call": name,
        "call_id": "RM_ByRgyGGzZDEn",
        "room": "support-4711",
        "job": "AJ_DENBVDVrmFd3",
        "traces": ("0af7651916cd43dd8448eb211c80319c",),
        "persona": "assistant",
        "model": "gemini-3.8-live",
        "started_at": STARTED_AT,
        "duration_s": round(said.now_s, 1),
        "ending": "caller_left",
        "recorded": ("audio", "transcript", "timeline"),
        "turns": len(answers),
        "interrupted_turns": sum(line.interrupted for line in answers),
        "response_latency": latency(list(_RESPONSES_S)),
        "tools": {"local_time": 1, "turn_on_the_lights": 1, "move_appointment": 1},
        "failed_tools": 1,
        "tokens": {"input_tokens": {"text": 812, "audio": 1490}, "output_tokens": {"text": 0, "audio": 940}},
        "cost_usd": 0.0116,
        "link": {"connected.start": 1, "lost.dropped": 1, "restored.dropped": 1},
    }
    folder.replace(SUMMARY, summary_json(CallSummary(**known | facts)))
    return folder


_QUIET: dict[str, Any] = {
    "call_id": "",
    "job": "",
    "traces": (),
    "recorded": ("timeline",),
    "turns": 0,
    "interrupted_turns": 0,
    "response_latency": None,
    "tools": {},
    "failed_tools": 0,
    "tokens": {},
    "cost_usd": None,
    "link": {},
}
_OTHERS: dict[str, dict[str, Any]] = {
    "20261129T091500Z-0000000a": {
        "room": "web-Ünïcode",
        "ending": "model_refused",
        "is_fault": True,
        "failure": "quota",
        "link": {"failed.quota": 1},
    },
    "20261128T120000Z-0000000b": {"room": "sales-1", "persona": "interpreter", "ending": "silence"},
    "20261127T120000Z-0000000c": {"room": "sales-2", "ending": None, "duration_s": None},
}


def record_others(calls: Path) -> None:
    """Calls without sound, for the list: one that failed, one of the day before, one that broke off."""
    for name, facts in _OTHERS.items():
        began_at = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        folder = record(calls, name, Conversation(now_s=7.2), **_QUIET | facts | {"started_at": began_at})
        for path in folder.files():
            os.utime(path, (began_at.timestamp(), began_at.timestamp()))
        os.utime(folder.path, (began_at.timestamp(), began_at.timestamp()))
