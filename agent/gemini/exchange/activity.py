"""The caller's activity as the client marks it, with the service's activity detection off: push-to-talk. Pure.

The states are what the service knows on this connection. `activityStart` goes out before the first sound of an activity, never
without: the service closes on an activity that has none (docs/facts.md G110). tests/agent/gemini/exchange/ reads this table.

    event         NoActivity    ActivityOpen    ActivityEnding
    sound_sent    ActivityOpen  .               ActivityOpen
    end_sent      .             ActivityEnding  .
    end_reported  .             .               NoActivity
    opened        .             NoActivity      NoActivity

While ActivityEnding no sound is sent: an activity that began at once would merge with the one before (docs/facts.md G111).
"""

from dataclasses import dataclass

MERGES_WITHIN_S = 0.6
"""An activity that begins so soon after the end of another may be merged with it: 0.5 s (docs/facts.md G111) and a margin."""


@dataclass(frozen=True, slots=True)
class NoActivity:
    """The service knows of no activity."""


@dataclass(frozen=True, slots=True)
class ActivityOpen:
    """`activityStart` was sent, and `activityEnd` wasn't."""

    speech_s: float = 0.0
    """The sound of it that was sent and is loud enough to be speech."""


@dataclass(frozen=True, slots=True)
class ActivityEnding:
    """`activityEnd` was sent, and the service hasn't reported the end."""


ActivityState = NoActivity | ActivityOpen | ActivityEnding


def sound_sent(state: ActivityState, speech_s: float) -> ActivityOpen:
    """A chunk of sound is sent, with `activityStart` before it unless an activity is open. `speech_s`: 0 if it is quiet."""
    return ActivityOpen(speech_s + (state.speech_s if isinstance(state, ActivityOpen) else 0.0))


def end_sent(state: ActivityState) -> ActivityState:
    """The end of an activity is due; `activityEnd` is sent if one is open."""
    return ActivityEnding() if isinstance(state, ActivityOpen) else state


def end_reported(state: ActivityState) -> ActivityState:
    """The service reports ACTIVITY_END."""
    return NoActivity() if isinstance(state, ActivityEnding) else state


def opened(state: ActivityState) -> ActivityState:
    """A connection was opened: it knows of no activity."""
    del state
    return NoActivity()
