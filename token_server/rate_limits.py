"""Rate limits of addresses and keys: the `limits` library's moving window, over a storage that can't grow for ever.

The library's own memory has no bound (docs/facts.md L264). `BoundedMemory` keeps `MOST_TRACKED`, and forgets the one that has
been quiet for longest if its requests count no longer. If those of all keys count, a new key is refused.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from token_server.addresses import ipv6_site, limit_key
from token_server.errors import RefusedError

MOST_TRACKED = 10_000
_LARGEST_RATE = 10_000


class BoundedMemory(MemoryStorage):
    """A storage of the `limits` library: the times of the latest requests of each key, for at most `most_tracked` keys."""

    STORAGE_SCHEME = ["recent-memory"]  # noqa: RUF012  the library's own declaration

    def __init__(self, most_tracked: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._most_tracked = most_tracked
        self._clock = clock
        self._passed: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._passed)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Let a request through, unless `limit` requests of the key were let through within the last `expiry` seconds."""
        assert amount == 1
        now = self._clock()
        if key not in self._passed and not self._make_room(now - expiry):
            return False
        passed = self._passed.setdefault(key, deque(maxlen=limit))
        self._passed.move_to_end(key)
        if len(passed) == limit and passed[0] > now - expiry:
            return False
        passed.append(now)
        return True

    def _make_room(self, counting_since: float) -> bool:
        """Forget the key that was quiet for longest, if there are too many; False if it still counts."""
        if len(self._passed) >= self._most_tracked:
            quietest = next(iter(self._passed))
            if self._passed[quietest] and self._passed[quietest][-1] > counting_since:
                return False
            del self._passed[quietest]
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the key's oldest request within the window, and how many there are."""
        now = self._clock()
        counting = [at for at in self._passed.get(key, ()) if at > now - expiry][-limit:]
        return (counting[0] if counting else now), len(counting)


class RateLimit:
    """One rate, counted for each key separately."""

    def __init__(
        self, name: str, item: RateLimitItem, *, most_tracked: int = MOST_TRACKED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._item = item
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(BoundedMemory(most_tracked, clock))

    def count(self, who: str) -> None:
        """Count one request.

        Raises:
            RefusedError: it is one too many; with the time after which the next one is let through.
        """
        if not self._limiter.hit(self._item, who):
            raise self._one_too_many(who)

    def check(self, who: str) -> None:
        """Check whether one more request is let through, without counting it.

        Raises:
            RefusedError: it is one too many; with the time after which the next one is let through.
        """
        if not self._limiter.test(self._item, who):
            raise self._one_too_many(who)

    def _one_too_many(self, who: str) -> RefusedError:
        opens_at = self._limiter.get_window_stats(self._item, who).reset_time
        retry_after_s = max(1, math.ceil(opens_at - self._clock()))
        sentence = f"Too many requests from this {self._name}; try again in {retry_after_s} s."
        return RefusedError(429, "too_many_requests", sentence, retry_after_s=retry_after_s)


SITES_SHARE = 10
"""The rate of an IPv6 site, as a multiple of the rate of one network."""


class AddressLimit:
    """The rate of each address, and `SITES_SHARE` times as much for the site around an IPv6 address."""

    def __init__(self, item: RateLimitItem, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = RateLimit("address", item, clock=clock)
        larger = type(item)(item.amount * SITES_SHARE, item.multiples)
        self._sites = RateLimit("network", larger, clock=clock)

    def count(self, address: str) -> None:
        """Count one request.

        Raises:
            RefusedError: it is one too many.
        """
        around = ipv6_site(address)
        if around is not None:
            self._sites.check(around)  # before its 65,536 networks take up the memory of addresses
        self._each.count(limit_key(address))
        if around is not None:
            self._sites.count(around)

    def check(self, address: str) -> None:
        """Check whether one more request is let through, without counting it.

        Raises:
            RefusedError: it is one too many.
        """
        around = ipv6_site(address)
        if around is not None:
            self._sites.check(around)
        self._each.check(limit_key(address))


def parse_rate(text: str) -> RateLimitItem:
    """Read a rate such as 30/minute.

    Raises:
        ValueError: it is none.
    """
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if len(items) != 1 or not 1 <= items[0].amount <= _LARGEST_RATE:
        raise ValueError(f"it must be a rate of 1 to {_LARGEST_RATE}, such as 30/minute or 5/second")
    return items[0]
