"""What a caller must not notice more of. Pure."""

from dataclasses import dataclass, replace

TOLD_WITHIN_S = 3.0
"""A caller who is owed sound is told after 2.5 s; the rest is the sentence's way to the ear and its reading there."""


@dataclass(frozen=True)
class Bounds:
    """Each is the most that a row may show, if it says nothing else."""

    gap_ms: float = 60.0
    """The longest pause in a sentence of the agent."""
    wait_s: float | None = None
    """From the caller's last word to the agent's first. None: `over_s` counts alone."""
    over_s: float = 0.3
    """The same, over what it is without a fault on this machine."""
    back_s: float | None = None
    """From the return of what was away to the answer, over what an answer takes anyway."""
    repeated_s: float = 0.1
    in_flight: int = 0
    """So many words of the agent may be lost: they were on their way to the ear when a process was killed."""
    told_s: float | None = None
    """A sentence of the worker's own must come within this, whatever the silence. None: only where a wait is long."""
    yield_ms: float = 400.0
    """From the caller's interruption to the agent's silence."""
    ended: str | None = None
    silent_s: float = TOLD_WITHIN_S
    """A silence that lasts longer has to be told of."""
    tools_run: bool = False
    """A tool that takes its time is no silence to be told about."""
    causes: frozenset[str] | None = frozenset()
    """At least one `link` event has one of these. Empty: there is none but `connected`. None: this agent tells none."""
    named: frozenset[str] = frozenset()
    """Each of these has a `link` event as well."""
    connections: int | None = None
    greeting_s: float = 5.0
    """From joining to the greeting."""
    told_within_s: float = TOLD_WITHIN_S
    """How soon a silence that is longer than `silent_s` has to be told of."""

    def on_a_busy_machine(self) -> "Bounds":
        """The bounds where other calls run as well: times are two seconds longer, what is lost or doubled is not."""
        late_s = 2.0
        return replace(
            self,
            gap_ms=self.gap_ms + 600,
            wait_s=None if self.wait_s is None else self.wait_s + late_s,
            over_s=self.over_s + late_s,
            back_s=None if self.back_s is None else self.back_s + late_s,
            told_s=None if self.told_s is None else self.told_s + late_s,
            yield_ms=self.yield_ms + 600,
            silent_s=self.silent_s + late_s,
            greeting_s=self.greeting_s + 5,
            told_within_s=self.told_within_s + late_s,
        )
