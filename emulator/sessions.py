"""Sessions by handle, and their lock: a session that another socket still holds can't be resumed.

Times are arguments, in seconds on one monotonic clock. Rules: docs/facts.md G7.
"""

import copy
import hashlib
import uuid
from collections import deque
from dataclasses import dataclass, field

from emulator import closes
from emulator.answers import Notes
from emulator.errors import RefusedError
from emulator.lifetime import Age
from emulator.messages import Json
from emulator.profile import Profile
from emulator.tool_rounds import ToolRounds

_HANDLE_LIFE_S = 2 * 3600.0
_MOST_ANNOUNCED = 100
_MOST_CHECKPOINTS = 100
_CHECKPOINT_SEPARATOR = "."
"""Stands between a session's handle and the number of a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """The memory of a session when a handle was given."""

    spoken_turns: int
    audio_s: float
    text_tokens: int
    picture_tokens: int
    notes: Notes


@dataclass
class Pictures:
    """The pictures that a session was sent. Of the newest its bytes are kept as long as a socket holds the session."""

    count: int = 0
    newest_bytes: int = 0
    newest_sha256: str = ""
    newest: bytes = b""
    newest_mime_type: str = ""

    def add(self, data: bytes, mime_type: str) -> None:
        """Take a picture."""
        self.count += 1
        self.newest, self.newest_mime_type = data, mime_type
        self.newest_bytes, self.newest_sha256 = len(data), hashlib.sha256(data).hexdigest()

    def drop_newest(self) -> None:
        """Let go of the newest picture's bytes."""
        self.newest = b""

    def report(self) -> Json:
        """The number of pictures, and the size and hash of the newest."""
        return {"count": self.count, "newest_bytes": self.newest_bytes, "newest_sha256": self.newest_sha256}


@dataclass
class Memory:
    """The memory of a session, over all of its sockets."""

    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    spoken_turns: int = 0
    audio_s: float = 0.0
    """Seconds of sound in the context, heard and said."""
    text_tokens: int = 0
    picture_tokens: int = 0
    pictures: Pictures = field(default_factory=Pictures)
    rounds: ToolRounds = field(default_factory=ToolRounds)
    notes: Notes = field(default_factory=dict)
    """Notes for the `Answers`."""
    unanswered: str = ""
    """The last words that a proactive model has left unanswered on purpose."""
    announced: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_ANNOUNCED))
    """Words of the caller's next spoken turns; of more than a hundred the oldest are forgotten."""
    age: Age = field(default_factory=lambda: Age(0.0))
    held: bool = False
    left_at: float = 0.0
    free_at: float = 0.0
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    """Checkpoints by handle; of more than a hundred the oldest is forgotten."""
    handles_given: int = 0

    def count_spoken_turn(self) -> None:
        """Count a spoken turn that is answered."""
        self.spoken_turns += 1

    def leave_unanswered(self, words: str) -> None:
        """Remember the words that the model has just left unanswered on purpose; empty: it answers."""
        self.unanswered = words

    def is_unanswered(self, text: str) -> bool:
        """Whether a text asks about the words that the model has left unanswered on purpose: it stays silent again."""
        return bool(self.unanswered) and self.unanswered in text

    def add(self, *, audio_s: float = 0.0, text_tokens: int = 0, picture_tokens: int = 0) -> None:
        """Add to the context what was heard, said, typed or seen."""
        self.audio_s += audio_s
        self.text_tokens += text_tokens
        self.picture_tokens += picture_tokens

    def keep(self, share: float) -> None:
        """Keep the newest share of the context, from 0 to 1."""
        self.audio_s *= share
        self.text_tokens = round(self.text_tokens * share)
        self.picture_tokens = round(self.picture_tokens * share)

    def hold(self) -> None:
        """Lock the session: a socket has it."""
        self.held = True

    def leave(self, now: float, free_at: float, *, calls_survive: bool) -> None:
        """Let go of the session, which can be resumed from `free_at` on."""
        self.held = False
        self.left_at, self.free_at = now, free_at
        self.pictures.drop_newest()
        if not calls_survive:
            self.rounds = ToolRounds()

    def give_handle(self, profile: Profile) -> str:
        """Make a handle: of the session, or of a checkpoint where the model's handles cover no more."""
        if profile.connection.handles_cover == "session":
            return self.handle
        self.handles_given += 1
        handle = f"{self.handle}{_CHECKPOINT_SEPARATOR}{self.handles_given}"
        self.checkpoints[handle] = Checkpoint(
            self.spoken_turns, self.audio_s, self.text_tokens, self.picture_tokens, copy.deepcopy(self.notes)
        )
        if len(self.checkpoints) > _MOST_CHECKPOINTS:
            del self.checkpoints[next(iter(self.checkpoints))]
        return handle

    def go_back_to(self, checkpoint: Checkpoint) -> None:
        """Forget what has happened since a checkpoint."""
        self.spoken_turns, self.audio_s, self.text_tokens = checkpoint.spoken_turns, checkpoint.audio_s, checkpoint.text_tokens
        self.picture_tokens = checkpoint.picture_tokens
        self.notes = copy.deepcopy(checkpoint.notes)

    def forget(self) -> None:
        """Forget everything but the handle and the age."""
        self.spoken_turns, self.audio_s, self.text_tokens, self.picture_tokens = 0, 0.0, 0, 0
        self.rounds, self.notes, self.unanswered = ToolRounds(), {}, ""


class Sessions:
    """All sessions of one emulator; of those that nobody holds, the `most` that were left last."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._memories: dict[str, Memory] = {}

    def open(self, handle: str | None, now: float) -> Memory:
        """Begin a session, or resume the one that the handle names. It is held until `leave`.

        Raises:
            RefusedError: no such session, or it is locked.
        """
        if handle is None:
            memory = Memory(age=Age(now))
            self._memories[memory.handle] = memory
        else:
            memory = self._known(handle, now)
            if handle in memory.checkpoints:
                memory.go_back_to(memory.checkpoints[handle])
        memory.hold()
        return memory

    def _known(self, handle: str, now: float) -> Memory:
        known = self._memories.get(handle.partition(_CHECKPOINT_SEPARATOR)[0])
        if known is None or handle not in {known.handle, *known.checkpoints}:
            raise RefusedError(closes.SESSION_NOT_FOUND)
        if not known.held and now - known.left_at > _HANDLE_LIFE_S:
            raise RefusedError(closes.SESSION_NOT_FOUND)
        if known.held or now < known.free_at:
            raise RefusedError(closes.SESSION_LOCKED)
        return known

    def announce(self, words: str, handle: str | None = None) -> int:
        """Announce the words of the next spoken turn: of the session with that handle, or of all sessions on a socket.

        Returns:
            The number of those sessions.
        """
        meant = [memory for memory in self._memories.values() if memory.handle == handle or (handle is None and memory.held)]
        for memory in meant:
            memory.announced.append(words)
        return len(meant)

    def newest_picture(self, handle: str | None = None) -> tuple[bytes, str] | None:
        """The newest picture and its MIME type: of the session with that handle, or of the one that was opened last.

        None: no session on a socket has got one.
        """
        seen = [
            memory.pictures for memory in self._memories.values() if memory.pictures.newest and handle in {None, memory.handle}
        ]
        return (seen[-1].newest, seen[-1].newest_mime_type) if seen else None

    def report(self) -> list[Json]:
        """All sessions: handle, whether a socket holds it, spoken turns, seconds of sound, pictures, open calls."""
        return [
            {
                "handle": memory.handle,
                "held": memory.held,
                "spoken_turns": memory.spoken_turns,
                "audio_s": round(memory.audio_s, 2),
                "pictures": memory.pictures.report(),
                "open_calls": memory.rounds.ids(),
            }
            for memory in self._memories.values()
        ]

    def leave(self, memory: Memory, now: float, profile: Profile, *, clean: bool, speaking: bool) -> None:
        """Give up a session whose socket is gone. After a drop in silence it stays locked for the profile's `cooldown_s`."""
        cooldown_s = 0.0 if clean or speaking else profile.connection.cooldown_s
        memory.leave(now, now + cooldown_s, calls_survive=profile.connection.calls_survive)
        self._memories[memory.handle] = self._memories.pop(memory.handle)  # to the end: the order is that of leaving
        left = [known for known in self._memories.values() if not known.held]
        for forgotten in left[: -self._most]:
            del self._memories[forgotten.handle]
