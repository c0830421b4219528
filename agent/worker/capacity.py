"""The calls that a worker takes, and the load that it tells. Pure.

A worker has no place for another call if one of these holds:

    what                    no place
    calls                   as many run, or were accepted, as there are places
    places after a quota    for 60 s after Gemini has refused a call for its quota: one less than ran then
    memory                  95 % of the machine's or the container's is used
    event loop              the worker's own is 0.5 s late

The CPU raises the load, so that livekit-server prefers another worker. It refuses no call: two busy seconds of a machine are no
reason to turn a caller away. CALLS_PER_WORKER says how many calls a machine's CPU holds.
"""

from collections.abc import Callable
from dataclasses import dataclass

FULL = 0.99
"""The load of a full worker. At 1.0 the SFU gives a worker no weight: a job with no other taker is lost (docs/facts.md S1)."""
BUSY = 0.98
"""The most that a worker with a place says, however busy its machine is: who asks its load can tell that there is a place."""

REFUSED = 1.0
"""The load of a worker whose calls Gemini refuses, or whose day has cost enough: the SFU sends it none."""

QUOTA_S = 60.0
"""The time in seconds for which a quota error lowers the places: Gemini counts requests and tokens by the minute."""


@dataclass(frozen=True)
class MachineState:
    """The state of a worker's machine at one moment."""

    cpu: float = 0.0
    """The share of the CPU in use, 0 to 1: the machine's, or the container's where it has a limit."""
    memory: float = 0.0
    """The share of the memory in use, 0 to 1: the machine's, or the container's where that is worse."""
    loop_lag_s: float = 0.0
    """The delay of the worker's event loop in seconds."""


@dataclass(frozen=True)
class ResourceLimit:
    """The part of one resource in the worker's load."""

    value: Callable[[MachineState], float]
    load_from: float
    """Up to this value the resource adds nothing to the load."""
    full_at: float
    """At this value the resource makes the load 1."""
    refusal: str | None
    """The reason why a worker at `full_at` takes no call, with the value as `{}`; None: it takes calls all the same."""

    def load(self, state: MachineState) -> float:
        share = (self.value(state) - self.load_from) / (self.full_at - self.load_from)
        return min(1.0, max(0.0, share))

    def refuses(self, state: MachineState) -> bool:
        return self.refusal is not None and self.value(state) >= self.full_at


RESOURCE_LIMITS = (
    ResourceLimit(lambda state: state.cpu, 0.0, 1.0, None),
    ResourceLimit(lambda state: state.memory, 0.8, 0.95, "{:.0%} of the memory is in use"),
    ResourceLimit(lambda state: state.loop_lag_s, 0.1, 0.5, "the worker's event loop is {:.1f} s late"),
)


class Capacity:
    """Counts the calls that were accepted and have not started yet; how many run is passed in. `now` is in seconds."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._accepted = 0
        self._quota_places = calls
        self._quota_until = float("-inf")

    def places(self, now: float) -> int:
        """The most calls at once at the moment."""
        return self._quota_places if now < self._quota_until else self._calls

    def load(self, running: int, machine: MachineState, now: float, *, is_refused: bool = False) -> float:
        """The share of places taken, or the machine's worst resource where that is worse; `FULL` without a place.

        `is_refused`: Gemini refuses the setup of calls, or the day's costs are at their cap; then it is `REFUSED`.
        """
        if is_refused:
            return REFUSED
        if self.refusal(running, machine, now) is not None:
            return FULL
        resources = (limit.load(machine) for limit in RESOURCE_LIMITS)
        return min(BUSY, max((running + self._accepted) / self.places(now), *resources))

    def refusal(self, running: int, machine: MachineState, now: float) -> str | None:
        """The reason why there is no place for another call; None if there is one."""
        taken, places = running + self._accepted, self.places(now)
        if taken >= places:
            quota = "" if places == self._calls else ", fewer for a minute because Gemini's quota is used up"
            return f"{taken} calls and {places} places{quota}"
        for limit in RESOURCE_LIMITS:
            if limit.refusal is not None and limit.refuses(machine):
                return limit.refusal.format(limit.value(machine))
        return None

    def take(self, running: int, machine: MachineState, now: float) -> str | None:
        """Reserve a place for an offered call. Returns None, or the reason why there is no place."""
        reason = self.refusal(running, machine, now)
        if reason is None:
            self._accepted += 1
        return reason

    def settle(self) -> None:
        """An accepted call has started, or won't."""
        self._accepted -= 1

    def quota_refused(self, running: int, now: float) -> int:
        """Gemini has refused one of the running calls for its quota. Returns the places of the next minute.

        Each refused call takes one place away, so that those who refuse all of ten calls leave none.
        """
        self._quota_places = max(0, min(self.places(now), running) - 1)
        self._quota_until = now + QUOTA_S
        return self._quota_places
