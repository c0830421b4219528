"""Bounds on what others can make this line do: a rate, the lines of the log, and guesses at a password. Pure."""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

_LONGEST_SUBJECT = 200


class TokenBucket:
    """A token bucket: `per_s` events in a second over time, and as many at once, so up to twice as many in any one second."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._left = per_s
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Count an event; False if it is one too many."""
        if self._at is not None:
            self._left = min(self._left + max(now - self._at, 0) * self._per_s, self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def one_line(text: str, longest: int = 300) -> str:
    """A text that others wrote, as one line of printable ASCII; everything else is escaped, what is too long is cut."""
    escaped = "".join(letter if " " <= letter <= "~" else letter.encode("unicode_escape").decode() for letter in text[:longest])
    return escaped if len(text) <= longest and len(escaped) <= longest else f"{escaped[:longest]}..."


class LogThrottle:
    """Throttles the log lines that strangers can cause: at most ten in any second, and each subject once a minute.

    The last `MOST` subjects are remembered.
    """

    MOST = 1000
    AGAIN_S = 60.0
    PER_S = 5

    def __init__(self) -> None:
        self._rate = TokenBucket(self.PER_S)
        self._told: OrderedDict[str, float] = OrderedDict()
        self._left_out = 0

    def line(self, subject: str, text: str, now: float) -> str | None:
        """The line to write, with the number of those left out since the last one; None: leave it out."""
        subject = subject[:_LONGEST_SUBJECT]
        told_at = self._told.get(subject)
        if (told_at is not None and now - told_at < self.AGAIN_S) or not self._rate.take(now):
            self._left_out += 1
            return None
        self._told[subject] = now
        self._told.move_to_end(subject)
        if len(self._told) > self.MOST:
            self._told.popitem(last=False)
        left_out, self._left_out = self._left_out, 0
        more = f" ({left_out} lines before it were left out)" if left_out else ""
        return f"{one_line(text)}{more}"


@dataclass
class _Guesses:
    wrong: int = 0
    until: float = 0.0
    """The time before which no attempt is judged."""
    last: float = 0.0


@dataclass
class FailedLogins:
    """Wrong passwords by address and account: after `FREE` of them none is judged for a while, which doubles with every further
    one.

    An account is what is guessed at: one login of the file, or all user names that the file doesn't have. So the right password
    of one login wins no guesses at another's, and who guesses at one shuts nobody out of another. An IPv6 address counts as its
    /64, which is one customer's. The `MOST` pairs that were wrong last are remembered, for `FORGOTTEN_S`. Only an answer to a
    challenge counts, and a challenge reaches nobody but the address it was sent to: forged packets can't shut anybody out.
    """

    FREE = 5
    FIRST_S = 2.0
    LONGEST_S = 900.0
    FORGOTTEN_S = 3600.0
    MOST = 1000
    _guesses: OrderedDict[tuple[str, Hashable], _Guesses] = field(default_factory=OrderedDict)

    def blocked(self, address: str, account: Hashable, now: float) -> bool:
        """Whether that address may make no attempt on that account now."""
        guesses = self._guesses.get((_customer(address), account))
        return guesses is not None and now < guesses.until

    def wrong(self, address: str, account: Hashable, now: float) -> None:
        """Count a wrong password."""
        key = _customer(address), account
        guesses = self._guesses.get(key)
        if guesses is None or now - guesses.last > self.FORGOTTEN_S:
            guesses = self._guesses[key] = _Guesses()
        self._guesses.move_to_end(key)
        guesses.wrong, guesses.last = guesses.wrong + 1, now
        if guesses.wrong >= self.FREE:
            guesses.until = now + min(self.FIRST_S * 2.0 ** min(guesses.wrong - self.FREE, 30), self.LONGEST_S)
        if len(self._guesses) > self.MOST:
            self._guesses.popitem(last=False)

    def right(self, address: str, account: Hashable) -> None:
        """The account's right password: what was wrong before is forgotten."""
        self._guesses.pop((_customer(address), account), None)


def _customer(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    return address if parsed.version == 4 else str(ipaddress.ip_network((int(parsed), 64), strict=False))
