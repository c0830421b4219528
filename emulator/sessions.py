"""Sessions by handle, and their lock: a session that another socket still holds can't be resumed.

Times are arguments, in seconds on one monotonic clock. Rules: docs/facts.md G7.
"""

import copy
import uuid
from collections import deque
from dataclasses import dataclass, field

from emulator import closes
from emulator.answers import Notes
from emulator.errors import RefusedError
from emulator.lifetime import Age
from emulator.messages import Json
from emulator.profiles import Profile
from emulator.tool_rounds import ToolRounds

_HANDLE_LIFE_S = 2 * 3600.0
_MOST_ANNOUNCED = 100
_MOST_MOMENTS = 100
_OF_A_MOMENT = "."
"""Between the session's handle and the number of the moment."""


@dataclass(frozen=True)
class Moment:
    """What a session knew when a handle was given."""

    spoken_turns: int
    audio_s: float
    text_tokens: int
    notes: Notes


@dataclass
class Memory:
    """What a session knows, on whatever socket it is."""

    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    spoken_turns: int = 0
    audio_s: float = 0.0
    """Heard and said, as far as it counts as context."""
    text_tokens: int = 0
    rounds: ToolRounds = field(default_factory=ToolRounds)
    notes: Notes = field(default_factory=dict)
    """What it was told, for whoever decides the answers."""
    announced: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_ANNOUNCED))
    """What the caller is going to say, turn by turn; of more than a hundred the oldest is forgotten."""
    age: Age = field(default_factory=lambda: Age(0.0))
    held: bool = False
    left_at: float = 0.0
    free_at: float = 0.0
    moments: dict[str, Moment] = field(default_factory=dict)
    """By handle; of more than a hundred the oldest is forgotten."""
    handles_given: int = 0

    def count_spoken_turn(self) -> None:
        """The next spoken turn is answered by the next rule."""
        self.spoken_turns += 1

    def add(self, *, audio_s: float = 0.0, text_tokens: int = 0) -> None:
        """Add to the context what was heard, said or typed."""
        self.audio_s += audio_s
        self.text_tokens += text_tokens

    def keep(self, share: float) -> None:
        """Keep the newest share of the context, from 0 to 1."""
        self.audio_s *= share
        self.text_tokens = round(self.text_tokens * share)

    def give_handle(self, profile: Profile) -> str:
        """A handle that brings back what the model's handles do."""
        if profile.connection.handles_cover == "session":
            return self.handle
        self.handles_given += 1
        handle = f"{self.handle}{_OF_A_MOMENT}{self.handles_given}"
        self.moments[handle] = Moment(self.spoken_turns, self.audio_s, self.text_tokens, copy.deepcopy(self.notes))
        if len(self.moments) > _MOST_MOMENTS:
            del self.moments[next(iter(self.moments))]
        return handle

    def go_back_to(self, moment: Moment) -> None:
        """Forget what has happened since."""
        self.spoken_turns, self.audio_s, self.text_tokens = moment.spoken_turns, moment.audio_s, moment.text_tokens
        self.notes = copy.deepcopy(moment.notes)

    def forget(self) -> None:
        """Everything but the handle and the age."""
        self.spoken_turns, self.audio_s, self.text_tokens = 0, 0.0, 0
        self.rounds, self.notes = ToolRounds(), {}


class Sessions:
    """All sessions of one emulator; of those that nobody holds, the `most` that were left last."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._memories: dict[str, Memory] = {}

    def open(self, handle: str | None, now: float) -> Memory:
        """A new session, or the one that the handle names. It is held until `leave`.

        Raises:
            RefusedError: no such session, or it is locked.
        """
        if handle is None:
            memory = Memory(age=Age(now))
            self._memories[memory.handle] = memory
        else:
            memory = self._known(handle, now)
            if handle in memory.moments:
                memory.go_back_to(memory.moments[handle])
        memory.held = True
        return memory

    def _known(self, handle: str, now: float) -> Memory:
        known = self._memories.get(handle.partition(_OF_A_MOMENT)[0])
        if known is None or handle not in {known.handle, *known.moments}:
            raise RefusedError(closes.SESSION_NOT_FOUND)
        if not known.held and now - known.left_at > _HANDLE_LIFE_S:
            raise RefusedError(closes.SESSION_NOT_FOUND)
        if known.held or now < known.free_at:
            raise RefusedError(closes.SESSION_LOCKED)
        return known

    def announce(self, words: str, handle: str | None = None) -> int:
        """The next spoken turn of the session with that handle, or of all that are on a socket, will be these words.

        Returns:
            How many sessions that was.
        """
        meant = [memory for memory in self._memories.values() if memory.handle == handle or (handle is None and memory.held)]
        for memory in meant:
            memory.announced.append(words)
        return len(meant)

    def known(self) -> list[Json]:
        """Every session: its handle, whether a socket holds it, and what it has heard and said."""
        return [
            {
                "handle": memory.handle,
                "held": memory.held,
                "spoken_turns": memory.spoken_turns,
                "audio_s": round(memory.audio_s, 2),
                "open_calls": memory.rounds.ids(),
            }
            for memory in self._memories.values()
        ]

    def leave(self, memory: Memory, now: float, profile: Profile, *, clean: bool, speaking: bool) -> None:
        """The socket is gone. After a drop in silence the session stays locked for a moment."""
        memory.held = False
        if not profile.connection.calls_survive:
            memory.rounds = ToolRounds()
        memory.left_at = now
        memory.free_at = now if clean or speaking else now + profile.connection.cooldown_s
        self._memories[memory.handle] = self._memories.pop(memory.handle)  # to the end: the order is that of leaving
        left = [known for known in self._memories.values() if not known.held]
        for forgotten in left[: -self._most]:
            del self._memories[forgotten.handle]
