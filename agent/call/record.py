"""The figures of one call, which the last line of its log shows."""

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.call.call_cost import CallCost
from agent.gemini import TokenUsage


@dataclass(frozen=True)
class CallLosses:
    """Counts of lost things that the parts of a call keep themselves until its end."""

    link: dict[str, int] = field(default_factory=dict)
    """Number of link events, by `kind.cause`."""
    dropped_chunks: int = 0
    """Chunks of the caller's sound, 20 ms each, that weren't sent within half a minute.

    There was no connection to Gemini, or it was too slow.
    """
    dropped_events: int = 0
    """Events for the room that waited for too long."""
    dropped_lines: int = 0
    """Typed lines that weren't the caller's, or came too fast."""

    def __add__(self, other: "CallLosses") -> "CallLosses":
        link = Counter(self.link) + Counter(other.link)
        dropped_chunks = self.dropped_chunks + other.dropped_chunks
        dropped_events = self.dropped_events + other.dropped_events
        return CallLosses(dict(link), dropped_chunks, dropped_events, self.dropped_lines + other.dropped_lines)


@dataclass(frozen=True)
class SavedFigures:
    """The figures of a call as another process takes them over."""

    turns: int = 0
    interrupted_turns: int = 0
    responses_s: tuple[float, ...] = ()
    tools: Mapping[str, int] = field(default_factory=dict)
    failed_tools: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float = 0.0
    losses: CallLosses = field(default_factory=CallLosses)


@dataclass
class CallRecord:
    """Counts what happens in one call."""

    room: str
    persona: str
    turns: int = 0
    interrupted_turns: int = 0
    responses_s: list[float] = field(default_factory=list)
    """The response latencies: seconds from the end of the caller's speech to the agent's first sound."""
    tools: dict[str, int] = field(default_factory=dict)
    """Number of calls of each tool, by name."""
    failed_tools: int = 0
    failure: str = ""
    """The cause for which the link to Gemini failed for good; empty if it didn't."""
    cost: CallCost = field(default_factory=CallCost)
    losses_before: CallLosses = field(default_factory=CallLosses)
    """The things that were lost while other processes had the call."""

    def saved(self, losses: CallLosses) -> SavedFigures:
        """The figures so far, with the things that were lost in the call."""
        usage, cost_usd = self.cost.total
        tools, responses_s = dict(self.tools), tuple(self.responses_s)
        return SavedFigures(self.turns, self.interrupted_turns, responses_s, tools, self.failed_tools, usage, cost_usd, losses)

    def go_on(self, saved: SavedFigures) -> None:
        """This is a call that another process has begun."""
        self.turns, self.interrupted_turns, self.failed_tools = saved.turns, saved.interrupted_turns, saved.failed_tools
        self.responses_s, self.tools = [*saved.responses_s], dict(saved.tools)
        self.cost.go_on(saved.usage, saved.cost_usd)
        self.losses_before = saved.losses

    def turn_ended(self, *, interrupted: bool, response_s: float | None = None) -> None:
        """The agent has spoken, or was interrupted. `response_s`: its response latency; None: it was no reply to speech."""
        self.turns += 1
        self.interrupted_turns += interrupted
        if response_s is not None:
            self.responses_s.append(response_s)

    def tool_started(self, name: str) -> None:
        """The model has called a tool."""
        self.tools[name] = self.tools.get(name, 0) + 1

    def tool_failed(self) -> None:
        """A tool has raised an error."""
        self.failed_tools += 1

    def link_failed(self, cause: str) -> None:
        """The link to Gemini has failed for good."""
        self.failure = cause

    def figures(
        self, losses: CallLosses | None = None, pictures: Mapping[str, int] | None = None, duration_s: float | None = None
    ) -> dict[str, object]:
        """The figures that the log shows at the end of a call: what went well always, what didn't where there was any.

        Args:
            losses: the things that were lost.
            pictures: the number of pictures that went to the model, by source.
            duration_s: seconds from the call's beginning to its end.
        """
        shown: dict[str, object] = {} if duration_s is None else {"duration_s": round(duration_s, 1)}
        shown |= {"turns": self.turns, "interrupted_turns": self.interrupted_turns, "tools": self.tools}
        if self.responses_s:
            shown["response_s"] = round(statistics.median(self.responses_s), 3)
        lost = losses or CallLosses()
        happened: dict[str, object] = {
            "pictures": dict(pictures or {}),
            "link": lost.link,
            "failure": self.failure,
            "failed_tools": self.failed_tools,
        }
        happened |= {name: getattr(lost, name) for name in ("dropped_chunks", "dropped_events", "dropped_lines")}
        return shown | self.cost.figures() | {name: fact for name, fact in happened.items() if fact}
