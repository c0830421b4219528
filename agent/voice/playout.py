"""The times at which the moments of an answer's sound are heard. Pure: what was delivered, and `now` in seconds, in; times out.

Sound is delivered faster than it plays and then plays without a gap. Where it runs dry in mid-answer (the service stalls, a
connection is replaced), everything after that place is heard later by the gap.
"""

SOUND_IN_FLIGHT_S = 0.5
"""Sound that the worker has played out reaches the caller's ear within this time, in seconds."""


class Playout:
    """The sound of one answer. Positions are seconds of sound from its beginning; they are asked for in order."""

    def __init__(self) -> None:
        self._runs: list[tuple[float, float]] = []
        """Each stretch without a gap: the position that it begins at, and when that is heard. What is past is dropped."""
        self._delivered_s = 0.0
        self._whole = False
        self._stopped_at: float | None = None
        self._waits_from_s = 0.0
        """The position at which the voice stopped."""

    def begins(self, now: float) -> None:
        """The first sound goes out."""
        if not self._runs:
            self._runs.append((0.0, now))

    def delivered(self, length_s: float, now: float) -> None:
        """More sound is there to be played."""
        if self._runs and self._stopped_at is None:
            position_s, at = self._runs[-1]
            if now > at + self._delivered_s - position_s:
                self._runs.append((self._delivered_s, now))
        self._delivered_s += length_s

    def ends(self) -> None:
        """No more sound comes."""
        self._whole = True

    def stops(self, now: float) -> None:
        """What hasn't been heard waits until `goes_on`."""
        if self._stopped_at is None:
            self._stopped_at = now
            if self._runs:
                position_s, at = self._runs[-1]
                self._waits_from_s = min(position_s + now - at, self._delivered_s)

    def goes_on(self, now: float) -> None:
        """What waited is heard from now on."""
        if self._stopped_at is not None and self._runs:
            self._runs.append((self._waits_from_s, now))
        self._stopped_at = None

    def heard_at(self, position_s: float) -> float | None:
        """The time at which a position is heard; None while its sound hasn't come, waits, or nothing plays."""
        if not self._runs or (position_s >= self._delivered_s and not self._whole):
            return None
        while len(self._runs) > 1 and self._runs[1][0] <= position_s:
            del self._runs[0]
        begins_s, begins_at = self._runs[0]
        at = begins_at + position_s - begins_s
        return None if self._stopped_at is not None and position_s > self._waits_from_s else at
