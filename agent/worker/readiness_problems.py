"""The reasons why a worker is not ready for calls, and its faults that keep no calls away, a sentence for each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

LATE_S = 0.5
"""A worker whose event loop is late by so many seconds, for two seconds, is not ready."""


@dataclass(frozen=True)
class WorkerState:
    """The facts about a worker that its readiness depends on."""

    day_cost: str | None = None
    """The sentence about the day's costs, if they are at their cap."""
    gemini: str | None = None
    """The sentence about Gemini, if calls would have no model."""
    livekit_url: str = ""
    is_registered: bool = True
    """The worker is registered with LiveKit. True for a worker that never registers."""
    is_draining: bool = False
    loop_lag_s: float = 0.0
    folders: Sequence[str] = ()
    """A sentence for each folder that can't be written."""
    lost_calls: Sequence[str] = ()
    """A sentence for each reason why calls of processes that die are lost at the moment."""


def readiness_problems(state: WorkerState) -> list[str]:
    """A sentence for each reason why the worker is not ready; none if it is.

    A worker without a place is ready: its load says that it is full (agent/worker/capacity.py).
    """
    registered = "the worker is not registered with LiveKit at {}; it tries again by itself"
    table = (
        (state.day_cost is not None, state.day_cost or ""),
        (state.gemini is not None, state.gemini or ""),
        (not state.is_registered, registered.format(state.livekit_url)),
        (state.is_draining, "the worker drains: it takes no more calls, and ends with its last one"),
        (state.loop_lag_s >= LATE_S, f"the worker's event loop is {state.loop_lag_s:.1f} s late; the machine is overloaded"),
    )
    return [sentence for holds, sentence in table if holds] + list(state.folders)


def readiness_notes(state: WorkerState) -> list[str]:
    """A sentence for each fault of a worker that takes calls all the same.

    A Redis that is away would else keep calls from all workers of a fleet at once.
    """
    return [f"the worker takes calls, but a call whose process dies is lost at the moment: {why}" for why in state.lost_calls]
