"""Decides when a call's process uses too much memory for the call to stay in it. Pure.

    memory in use                       for                 decision
    more than 1.25 times the limit      -                   the call is to be handed over
    more than the limit                 10 s                the call is to be handed over
    still more than 0.9 of the limit    60 s since then     once more
    at most 0.9 of the limit            -                   all of this begins anew

LiveKit kills the process at 1.5 times the limit (`Settings.job_killed_at_mb`).
"""

OVER_S = 10.0
AGAIN_S = 60.0
FAR_OVER = 1.25
RESET_AT = 0.9


class MemoryLimit:
    """The limit of one process, in MB. `now` is in seconds, monotonic."""

    def __init__(self, limit_mb: float) -> None:
        self._limit_mb = limit_mb
        self._over_since: float | None = None
        self._decided_at: float | None = None

    def is_exceeded(self, used_mb: float, now: float) -> bool:
        """Whether the call is to be handed over now, as it was just measured that its process uses `used_mb`."""
        if used_mb <= RESET_AT * self._limit_mb:
            self._over_since = self._decided_at = None
            return False
        if self._decided_at is not None:
            is_due = now - self._decided_at >= AGAIN_S
        else:
            if used_mb <= self._limit_mb:
                self._over_since = None
            elif self._over_since is None:
                self._over_since = now
            lasts = self._over_since is not None and now - self._over_since >= OVER_S
            is_due = lasts or used_mb > FAR_OVER * self._limit_mb
        if is_due:
            self._decided_at = now
        return is_due
