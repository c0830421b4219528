"""A call as lines for people, and its figures at the end. Pure: events in, words out."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from caller.call_endings import CallEnding
from caller.events import (
    AgentAttributes,
    AgentSilent,
    AgentSound,
    AgentTrack,
    Caption,
    Event,
    Joined,
    Left,
    RoomEvent,
    SpeechEnd,
    SpeechStart,
    Timing,
)

_SIDE = {"caller": "you", "agent": "agent"}
_NOT_SHOWN = ("lk.", "earshot.")
"""Prefixes of attributes that are about the agent itself and not for people."""
_LINK = {
    "lost": "the connection to Gemini is lost",
    "retrying": "Gemini is dialled again",
    "restored": "the connection to Gemini is back",
    "waiting": "the caller is told to wait",
    "failed": "the connection to Gemini has failed for good",
}
"""Kinds of `link` events that a caller may notice."""
_TIMINGS = {
    "response_latency": "response latency",
    "greeting_latency": "greeting latency",
    "typed_answer": "typed line -> answer",
    "barge_in": "barge-in -> silence",
}
"""What is measured, in words."""


class CallLines:
    """Words for one event after the other of a call."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._tools: list[str] = []
        """The tools that have run since the caller's last words."""

    def line(self, event: Event) -> str | None:  # noqa: PLR0911  one line per kind of event
        """The event in words; None if it isn't shown."""
        match event:
            case Joined(room=room, identity=identity):
                return f"joined room {room} as {identity}"
            case AgentTrack(identity=identity):
                return f"{identity} is here"
            case SpeechStart(text=text):
                self._tools = []
                return f"you speak: {text}"
            case SpeechEnd():
                return "you are done"
            case AgentSound():
                return "the agent is heard"
            case AgentSilent():
                return "the agent is silent"
            case Timing():
                return self._timing(event)
            case Caption(final=True):
                return f"{_SIDE[event.who]:>5}: {event.text}"
            case RoomEvent(body=body):
                return self._room_event(body)
            case AgentAttributes(attributes=attributes):
                return self._attributes(attributes)
            case Left(reason=reason):
                return f"the call is over: {CallEnding(disconnect=reason).words} ({reason})"
            case _:
                return None

    def _timing(self, timing: Timing) -> str:
        is_answer = timing.name in {"response_latency", "typed_answer"}
        arrival = "" if timing.at_arrival_s is None else f", {_ms(timing.at_arrival_s)} at arrival"
        tools = f" (with the tool {', '.join(self._tools)})" if self._tools and is_answer else ""
        return f"{_TIMINGS[timing.name]}: {_ms(timing.seconds)}{arrival}{tools}"

    def _room_event(self, body: dict[str, Any]) -> str | None:
        match body:
            case {"type": "tool_started", "name": str(name)}:
                self._tools.append(name)
                return f"tool {name} runs"
            case {"type": "tool_ended", "name": str(name), "status": "error"}:
                return f"tool {name} failed"
            case _:
                return _event_words(body)

    def _attributes(self, attributes: dict[str, str]) -> str | None:
        """The attributes that tools show, if one has changed."""
        shown = {name: value for name, value in attributes.items() if not name.startswith(_NOT_SHOWN)}
        changed = [f"{name} {value}" for name, value in shown.items() if self._shown.get(name) != value]
        self._shown = shown
        return f"the agent shows: {', '.join(changed)}" if changed else None


def _event_words(body: dict[str, Any]) -> str | None:
    """An event of the room that is no tool's, as a sentence."""
    match body:
        case {"type": "persona_replaced", "asked": asked, "instead": instead}:
            return persona_words(str(asked), str(instead), body.get("did_you_mean"))
        case {"type": "resumed", "away_s": float(away_s) | int(away_s)}:
            return f"the agent was lost, and another process goes on with the call after {away_s:.1f} s"
        case {"type": "link", "kind": str(kind), "cause": cause} if kind in _LINK:
            return f"{_LINK[kind]} ({cause})"
        case {"type": "call_ended", "reason": str(reason)}:
            failure = body.get("failure")
            return f"the agent ends the call ({reason}: {failure})" if failure else f"the agent ends the call ({reason})"
        case _:
            return None


def persona_words(asked: str, instead: str, near: object) -> str:
    """The event `persona_replaced` as a sentence."""
    hint = f"; did you mean {near!r}?" if near else ""
    return f"the worker can't use a persona {asked!r}, and {instead!r} answers instead{hint}"


@dataclass
class CallSummary:
    """The figures of a whole call."""

    timings: list[Timing] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    tokens: int | None = None
    """All tokens that Gemini has counted; None: none."""
    usd: float | None = None
    """Their cost in US dollars; None: no prices are known."""
    duration_s: float = 0.0

    def words(self) -> str:
        """The figures in one line."""
        parts = []
        for name, words in _TIMINGS.items():
            if (median_s := _median(self._seconds(name))) is not None:
                at_arrival_s = _median(self._at_arrival_s) if name == "response_latency" else None
                parts.append(
                    f"{words} {_ms(median_s)}" + ("" if at_arrival_s is None else f" ({_ms(at_arrival_s)} at arrival)")
                )
        if not parts:
            parts.append("the agent was heard")
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens" + ("" if self.usd is None else f", about ${self.usd:.4f}"))
        return ", ".join(parts)

    def as_json(self, ending: CallEnding, error: str | None) -> dict[str, Any]:
        """The last object of a call that is printed as JSON."""
        return {
            "t": round(self.duration_s, 4),
            "type": "summary",
            "response_latencies_s": self._seconds("response_latency"),
            "response_latency_s": _median(self._seconds("response_latency")),
            "response_latencies_at_arrival_s": self._at_arrival_s,
            "response_latency_at_arrival_s": _median(self._at_arrival_s),
            "greeting_latency_s": _median(self._seconds("greeting_latency")),
            "typed_answers_s": self._seconds("typed_answer"),
            "barge_ins_s": self._seconds("barge_in"),
            "tools": self.tools,
            "tokens": self.tokens,
            "usd": self.usd,
            "ended": ending.code or ending.failure or None,
            "failure": ending.failure or None,
            "disconnect": ending.disconnect or None,
            "error": error,
        }

    def _seconds(self, name: str) -> list[float]:
        return [round(each.seconds, 4) for each in self.timings if each.name == name]

    @property
    def _at_arrival_s(self) -> list[float]:
        """The response latencies before the jitter buffer, as far as they are known."""
        return [round(each.at_arrival_s, 4) for each in self.timings if each.at_arrival_s is not None]


def summary_of(log: Sequence[Event]) -> CallSummary:
    """The figures of a call, by its events."""
    summary = CallSummary(
        duration_s=max((event.t for event in log), default=0.0) - min((event.t for event in log), default=0.0)
    )
    for event in log:
        match event:
            case Timing():
                summary.timings.append(event)
            case RoomEvent(body={"type": "tool_started", "name": str(name)}):
                summary.tools.append(name)
            case RoomEvent(body={"type": "usage", "total": dict(total)} as body):
                summary.tokens = _all_tokens(total)
                summary.usd = body.get("total_usd")
            case _:
                pass
    return summary


def _median(values_s: Sequence[float]) -> float | None:
    return round(statistics.median(values_s), 4) if values_s else None


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _all_tokens(total: dict[str, Any]) -> int:
    """The sum of a `usage` event's counts; cached tokens are among the input already."""
    counts = [count for name, count in total.items() if name != "cached_tokens"]
    numbers = [each for count in counts for each in (count.values() if isinstance(count, dict) else [count])]
    return sum(number for number in numbers if isinstance(number, int))
