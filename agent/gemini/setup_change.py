"""What has changed of a setup since a connection was told it, and the `contextUpdate` that tells the rest. Pure.

Facts: docs/facts.md G170, G171 and G172.
"""

import enum

from google.genai import types

from agent.gemini import wire
from agent.gemini.json_text import encoded
from agent.gemini.messages import Json

IN_UPDATES = frozenset({"systemInstruction", "tools"})
"""Fields of a setup that a `contextUpdate` can replace. It can't take one away, but for tools, of which it can have none."""


class Change(enum.Enum):
    """The way in which an open connection comes to what is asked for now."""

    NONE = enum.auto()
    """The open connection was told all that is asked for."""
    UPDATE = enum.auto()
    """The open connection is told by a `contextUpdate`."""
    CONNECTION = enum.auto()
    """Another connection takes its place, and has what is asked for in its setup."""


def changed_fields(told: Json | None, wanted: Json) -> frozenset[str]:
    """The fields of a setup that differ from what a connection was told. `told` None: no connection was told anything."""
    if told is None:
        return frozenset()
    return frozenset(name for name in told.keys() | wanted.keys() if told.get(name) != wanted.get(name))


def change_of(fields: frozenset[str], *, takes_updates: bool) -> Change:
    """The way to tell a connection of changes in these fields. `takes_updates`: the model takes `contextUpdate`."""
    if not fields:
        return Change.NONE
    return Change.UPDATE if takes_updates and fields <= IN_UPDATES else Change.CONNECTION


def context_update(told: Json, wanted: Json) -> bytes | None:
    """The message that tells an open connection of new instructions and tools. None: it knows them."""
    fields = changed_fields(told, wanted) & IN_UPDATES
    update = {name: wanted[name] for name in fields & wanted.keys()}
    if "tools" in fields:
        update["tools"] = {"tools": wanted.get("tools", [])}
    return encoded({"contextUpdate": update}) if update else None


class AskedFor:
    """What the connections of one link are asked for, and what the newest socket was told of it. `model`: its name."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._wanted: Json | None = None
        self._told: Json | None = None

    @property
    def is_known(self) -> bool:
        """`ask` was called."""
        return self._wanted is not None

    def ask(self, config: types.LiveConnectConfig) -> frozenset[str]:
        """Ask for this from now on. Returns the fields that the newest socket was told otherwise."""
        self._wanted = wire.setup(self._model, config)
        return changed_fields(self._told, self._wanted)

    @property
    def marks_activity(self) -> bool:
        """The client marks the caller's activity."""
        return self._wanted is not None and not wire.detects_activity(self._wanted)

    @property
    def media_resolution(self) -> str | None:
        """The size of pictures that is asked for; None: the service's own."""
        return wire.media_resolution(self._wanted)

    def new_socket(self) -> None:
        """A socket is dialled, which was told nothing."""
        self._told = None

    def in_setup(self) -> Json:
        """The setup, for a socket that is told it now."""
        assert self._wanted is not None
        self._told = self._wanted
        return self._wanted

    def in_update(self) -> bytes | None:
        """The message for a socket that is told now what it doesn't know. None: it knows all."""
        told, wanted = self._told, self._wanted
        self._told = wanted
        return None if told is None or wanted is None else context_update(told, wanted)
