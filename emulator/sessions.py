"""Sessions by handle, and their lock: a session that another socket still holds can't be resumed.

Times are arguments, in seconds on one monotonic clock. Rules: docs/facts.md G7.
"""

import uuid
from dataclasses import dataclass, field

from emulator import closes
from emulator.errors import RefusedError
from emulator.profiles import Profile
from emulator.script import Rule

_HANDLE_LIFE_S = 2 * 3600.0
_MOST_SESSIONS = 10_000


@dataclass
class ToolRound:
    """The calls of one toolCall message, until all are answered."""

    rule: Rule
    facts: dict[str, object]
    """For the blanks of the rule's sentence; results are added as they come."""
    waiting: dict[str, str]
    """Call id to function name."""
    blocking: bool
    silent: bool = False
    urgent: bool = False


@dataclass
class Memory:
    """What a session knows, on whatever socket it is."""

    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    spoken_turns: int = 0
    audio_s: float = 0.0
    """Heard and said, as far as it counts as context."""
    text_tokens: int = 0
    rounds: list[ToolRound] = field(default_factory=list)
    held: bool = False
    left_at: float = 0.0
    free_at: float = 0.0


class Sessions:
    """All sessions of one emulator, the most recently left ones of them."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}

    def open(self, handle: str | None, now: float) -> Memory:
        """A new session, or the one that the handle names. It is held until `leave`.

        Raises:
            RefusedError: no such session, or it is locked.
        """
        if handle is None:
            memory = Memory()
            self._memories[memory.handle] = memory
            self._forget(now)
        else:
            known = self._memories.get(handle)
            if known is None or (not known.held and now - known.left_at > _HANDLE_LIFE_S):
                raise RefusedError(closes.SESSION_NOT_FOUND)
            if known.held or now < known.free_at:
                raise RefusedError(closes.SESSION_LOCKED)
            memory = known
        memory.held = True
        return memory

    def leave(self, memory: Memory, now: float, profile: Profile, *, clean: bool, speaking: bool) -> None:
        """The socket is gone. After a drop in silence the session stays locked for a moment."""
        memory.held = False
        memory.left_at = now
        memory.free_at = now if clean or speaking else now + profile.cooldown_s

    def _forget(self, now: float) -> None:
        if len(self._memories) <= _MOST_SESSIONS:
            return
        for handle, memory in list(self._memories.items()):
            if not memory.held and now - memory.left_at > 0 and len(self._memories) > _MOST_SESSIONS:
                del self._memories[handle]
