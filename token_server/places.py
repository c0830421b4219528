"""How many calls there are, and how many more may begin: those that go on, and tokens that may still open one. Pure.

A call is a room. Its place is taken when a token for it is given, and kept until the token has expired unused, or until the
room that the token was used for has ended. Several tokens for one room take one place. LiveKit takes a token again
and again until it expires. So a place that a user gave back is remembered until then, and taken again when its room is seen.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from token_server.errors import RefusedError

MOST_PLACES = 10_000
"""So many rooms and users are remembered. Then nobody is let in until a token expires or a call ends. Of places that were given
back, as many are remembered; then the one that was given back first is forgotten."""
_RETRY_AFTER_S = 5


@dataclass
class _Place:
    taken_at_s: float
    until_s: float
    is_used: bool = False


class Places:
    """Counts calls, all of them and those of each user.

    Args:
        most_calls: So many calls may go on in this LiveKit; 0 is no limit.
        calls_per_user: So many calls may go on for one user; 0 is no limit.
        most_places: So many places are remembered.
    """

    def __init__(self, most_calls: int, calls_per_user: int, most_places: int = MOST_PLACES) -> None:
        self.most_calls = most_calls
        self.calls_per_user = calls_per_user
        self._most_places = most_places
        self._places: dict[tuple[str, str], _Place] = {}
        """By room and user; the user is empty if nobody had to say who they are."""
        self._given_back: dict[tuple[str, str], _Place] = {}
        """Places of users whose token may be used again, first given back first."""
        self._going_on: frozenset[str] = frozenset()

    def take(self, room: str, user: str, until_s: float, now_s: float) -> None:
        """Take the place of a token that is about to be given.

        Args:
            room: The room that the token opens.
            user: Whose token it is; empty if nobody had to say who they are.
            until_s: When LiveKit stops taking the token, on the clock of `now_s`.
            now_s: The time, on any clock that never goes back.

        Raises:
            RefusedError: there are as many calls as may be.
        """
        self._forget_expired(now_s)
        if self.is_full_for(user, room):
            raise self._too_many_of(user, now_s)
        rooms = self._going_on.union(taken for taken, _ in self._places)
        is_full = self.most_calls and room not in rooms and len(rooms) >= self.most_calls
        if is_full or len(self._places) >= self._most_places:
            sentence = "All lines are busy. Please try again in a moment."
            raise RefusedError(503, "too_many_calls", sentence, retry_after_s=_RETRY_AFTER_S)
        self._places[room, user] = _Place(now_s, until_s)
        self._given_back.pop((room, user), None)

    def see(self, going_on: Collection[str], looked_at_s: float) -> None:
        """Take note of the rooms in which somebody is.

        Args:
            going_on: All of them, by name.
            looked_at_s: When LiveKit was asked. It can't know anything about tokens that were given later.
        """
        self._going_on = frozenset(going_on)
        for (room, user), place in list(self._places.items()):
            if room not in self._going_on and place.is_used:
                self.leave(room, user)
            elif room in self._going_on and place.taken_at_s <= looked_at_s:
                place.is_used = True
        self._forget_expired(looked_at_s)
        for key in [key for key in self._given_back if key[0] in self._going_on]:
            self._places[key] = self._given_back.pop(key)
            self._places[key].is_used = True

    def leave(self, room: str, user: str) -> None:
        """A user who had used the token has left the room, in which others may go on. The token may still be used again."""
        place = self._places.pop((room, user), None)
        if place is not None and user:
            self._given_back[room, user] = place
        if len(self._given_back) > self._most_places:
            del self._given_back[next(iter(self._given_back))]

    def is_full_for(self, user: str, room: str) -> bool:
        """Whether that user has as many calls as may be, and none in that room."""
        rooms = [taken for taken, whose in self._places if whose == user]
        return bool(user and self.calls_per_user and room not in rooms and len(rooms) >= self.calls_per_user)

    def used_by(self, user: str) -> list[str]:
        """The rooms in which the user was seen, or somebody else with the same room."""
        return [room for (room, whose), place in self._places.items() if whose == user and place.is_used]

    def waits(self, now_s: float) -> bool:
        """Whether some token may be used for the first time, or again."""
        self._forget_expired(now_s)
        return bool(self._given_back) or any(not place.is_used for place in self._places.values())

    def _forget_expired(self, now_s: float) -> None:
        for key, place in list(self._places.items()):
            if not place.is_used and place.until_s <= now_s:
                del self._places[key]
        self._given_back = {key: place for key, place in self._given_back.items() if place.until_s > now_s}

    def _too_many_of(self, user: str, now_s: float) -> RefusedError:
        ends = [place.until_s for (_, whose), place in self._places.items() if whose == user and not place.is_used]
        retry_after_s = max(1, math.ceil(min(ends) - now_s)) if ends else _RETRY_AFTER_S
        calls = "a call" if self.calls_per_user == 1 else f"{self.calls_per_user} calls"
        sentence = f"You have {calls} already. End one, or try again in {retry_after_s} s."
        return RefusedError(429, "too_many_calls_of_user", sentence, retry_after_s=retry_after_s)
