"""What a call was, in one object: its state, and the figures that the log ends with."""

from dataclasses import dataclass, field


@dataclass
class CallRecord:
    room: str
    persona: str
    lights: bool = False
    caller: str = ""
    turns: int = 0
    interrupted_turns: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    """Tool name to number of runs."""
    failed_tools: int = 0
    link: dict[str, int] = field(default_factory=dict)
    """What happened to the link to Gemini: `kind.cause`, and how often."""
    failure: str = ""
    """Why the link failed for good, if it did."""
    dropped_chunks: int = 0
    """Of the caller's sound, 20 ms each, because the socket to Gemini was too slow."""
    dropped_events: int = 0
    dropped_lines: int = 0
    """Typed lines that weren't the caller's, or came too fast."""

    def figures(self) -> dict[str, object]:
        """What the log shows at the end of a call: what went well always, what didn't where there was any."""
        shown: dict[str, object] = {"turns": self.turns, "interrupted_turns": self.interrupted_turns, "tools": self.tools}
        names = ("link", "failure", "failed_tools", "dropped_chunks", "dropped_events", "dropped_lines")
        happened = {name: getattr(self, name) for name in names}
        return shown | {name: fact for name, fact in happened.items() if fact}
