"""Whether the times of leases say who is dead. They don't after the store's clock has jumped, or while nobody could renew."""

from failover.lease import LAPSES_S

_MOST_JUMP_S = 0.5
_LONGEST_GAP_S = 2.0


class ClockCheck:
    """Compares the store's clock with this process's own at each look at all leases.

    After a clock that jumped, or a store that couldn't be asked for a while, all leases may look old at once: their holders
    need LAPSES_S to renew them.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._trusted_from = float("-inf")

    def is_trusted(self, store_now: float, own_now: float) -> bool:
        """Whether a lease that is older than LAPSES_S is lapsed.

        Args:
            store_now: the time on the store's clock, in seconds.
            own_now: the time on this process's clock, which never jumps, in seconds.
        """
        if self._last is not None:
            own_s, store_s = own_now - self._last[1], store_now - self._last[0]
            if own_s > _LONGEST_GAP_S or abs(store_s - own_s) > _MOST_JUMP_S:
                self._trusted_from = own_now + LAPSES_S
        self._last = store_now, own_now
        return own_now >= self._trusted_from
