"""Counts calls against their limits: rooms that are active, and tokens that may still open one. Pure.

A call is a room. It is reserved when a token for it is given. The reservation lasts until the token has expired unused, or
until the room that the token was used for has ended. Several tokens for one room are one call. LiveKit accepts a token again
and again until it expires. So a released reservation is remembered until then, and is in force again when its room is seen.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from token_server.errors import RefusedError

MOST_RESERVATIONS = 10_000
"""Most reservations, by room and user. One more token is refused until a token expires or a call ends. As many released
reservations are remembered; then the one that was released first is forgotten."""
_RETRY_AFTER_S = 5


@dataclass
class _Reservation:
    reserved_at_s: float
    until_s: float
    is_used: bool = False


class CallCapacity:
    """The reservations of all calls.

    Args:
        most_calls: Most calls at once in this LiveKit; 0 is no limit.
        calls_per_user: Most calls at once of one user; 0 is no limit.
        most_reservations: Most reservations that are kept.
    """

    def __init__(self, most_calls: int, calls_per_user: int, most_reservations: int = MOST_RESERVATIONS) -> None:
        self.most_calls = most_calls
        self.calls_per_user = calls_per_user
        self._most_reservations = most_reservations
        self._reservations: dict[tuple[str, str], _Reservation] = {}
        """Reservations by room and user; the user is empty in the modes open and key."""
        self._released: dict[tuple[str, str], _Reservation] = {}
        """Released reservations of users whose token may be used again, oldest first."""
        self._active_rooms: frozenset[str] = frozenset()

    def reserve(self, room: str, user: str, until_s: float, now_s: float) -> None:
        """Reserve a call for a token that is about to be given.

        Args:
            room: The room that the token opens.
            user: The user whose token it is; empty in the modes open and key.
            until_s: When LiveKit stops accepting the token, on the clock of `now_s`.
            now_s: The time, on any clock that never goes back.

        Raises:
            RefusedError: there are as many calls as may be.
        """
        self._forget_expired(now_s)
        if self.is_full_for(user, room):
            raise self._user_refusal(user, now_s)
        rooms = self._active_rooms.union(taken for taken, _ in self._reservations)
        is_full = self.most_calls and room not in rooms and len(rooms) >= self.most_calls
        if is_full or len(self._reservations) >= self._most_reservations:
            sentence = "All lines are busy. Please try again in a moment."
            raise RefusedError(503, "too_many_calls", sentence, retry_after_s=_RETRY_AFTER_S)
        self._reservations[room, user] = _Reservation(now_s, until_s)
        self._released.pop((room, user), None)

    def update(self, active_rooms: Collection[str], looked_at_s: float) -> None:
        """Update the reservations by LiveKit's list of rooms.

        Args:
            active_rooms: The names of all rooms in which somebody is.
            looked_at_s: When LiveKit was asked. Its list says nothing about tokens that were given later.
        """
        self._active_rooms = frozenset(active_rooms)
        for (room, user), reservation in list(self._reservations.items()):
            if room not in self._active_rooms and reservation.is_used:
                self.release(room, user)
            elif room in self._active_rooms and reservation.reserved_at_s <= looked_at_s:
                reservation.is_used = True
        self._forget_expired(looked_at_s)
        for key in [key for key in self._released if key[0] in self._active_rooms]:
            self._reservations[key] = self._released.pop(key)
            self._reservations[key].is_used = True

    def release(self, room: str, user: str) -> None:
        """Release a call whose user has left the room, where others may stay. The user's token may still be used again."""
        reservation = self._reservations.pop((room, user), None)
        if reservation is not None and user:
            self._released[room, user] = reservation
        if len(self._released) > self._most_reservations:
            del self._released[next(iter(self._released))]

    def is_full_for(self, user: str, room: str) -> bool:
        """Whether a user has as many calls as one may have, and none in that room."""
        rooms = [taken for taken, owner in self._reservations if owner == user]
        return bool(user and self.calls_per_user and room not in rooms and len(rooms) >= self.calls_per_user)

    def rooms_of(self, user: str) -> list[str]:
        """The rooms of a user's calls that have begun."""
        return [room for (room, owner), reservation in self._reservations.items() if owner == user and reservation.is_used]

    def has_unused_tokens(self, now_s: float) -> bool:
        """Whether some token may still be used for the first time, or again."""
        self._forget_expired(now_s)
        return bool(self._released) or any(not reservation.is_used for reservation in self._reservations.values())

    def _forget_expired(self, now_s: float) -> None:
        for key, reservation in list(self._reservations.items()):
            if not reservation.is_used and reservation.until_s <= now_s:
                del self._reservations[key]
        self._released = {key: reservation for key, reservation in self._released.items() if reservation.until_s > now_s}

    def _user_refusal(self, user: str, now_s: float) -> RefusedError:
        ends = [
            reservation.until_s
            for (_, owner), reservation in self._reservations.items()
            if owner == user and not reservation.is_used
        ]
        retry_after_s = max(1, math.ceil(min(ends) - now_s)) if ends else _RETRY_AFTER_S
        calls = "a call" if self.calls_per_user == 1 else f"{self.calls_per_user} calls"
        sentence = f"You have {calls} already. End one, or try again in {retry_after_s} s."
        return RefusedError(429, "too_many_calls_of_user", sentence, retry_after_s=retry_after_s)
