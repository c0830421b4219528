"""The link's timeouts, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkLimits:
    """Times within which the link's core decides. All in seconds."""

    handshake_s: float = 5.0
    setup_s: float = 5.0
    pause_s: float = 0.7
    """Silence that surely ends a turn at the service."""
    oldest_s: float = 480.0
    """A connection that is older is replaced at a quiet moment, before the service asks (docs/facts.md G19)."""
    goaway_margin_s: float = 1.0
    handle_wait_s: float = 0.7
    """A replacement waits so long for a handle that was given after the last turn (docs/facts.md G20)."""
    unreachable_s: float = 60.0
    waiting_s: float = 2.5
    waiting_again_s: float = 20.0
    lock_s: float = 10.0
    """The service may take a dead socket for open for so long (docs/facts.md G7); a new session would forget what the locked
    one knows."""
    hang_s: float = 8.0
    """Stalls of 7 s in mid-sentence were reported to mend themselves (docs/facts.md G21)."""
    tool_s: float = 10.0
    """A function that hasn't returned by then is given up: the model is told so, and its work is cancelled."""
    frames_stop_s: float = 1.0
    """Without frames from the room for so long, the service is told that the microphone is closed (docs/facts.md G5)."""
