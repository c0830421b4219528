"""The listener for what LiveKit's interface has no event for. Pure."""

from collections.abc import Sequence
from typing import Protocol

from agent.gemini.events import Line, LinkEvent
from agent.gemini.model_events import ModelEvent


class ModelListener(Protocol):
    """The call that a model speaks in."""

    def on_link(self, event: LinkEvent) -> None:
        """Something happened to the connection."""

    def on_caller_speaks(self) -> None:
        """The model hears the caller's voice begin; not every model says so."""

    def on_caller_pauses(self) -> None:
        """The model hears the caller's voice end."""

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        """The caller's speech, as far as loudness tells, has begun or ended: with every model, and without a connection.

        `ago_s`: seconds since the first or the last loud moment. An end is told after a pause, and a short pause is none.
        Infinity: the client marks the speech, and nothing in it was loud.
        """

    def on_tools_cancelled(self, call_ids: list[str]) -> None:
        """Nobody wants the results of these function calls any more."""

    def on_model_event(self, event: ModelEvent) -> None:
        """The model has told something beside its sound and words, such as the sources of its answer."""

    def on_picture(self, source: str) -> None:
        """A picture of this source, such as `camera`, went to the model."""

    def on_snapshot_due(self) -> None:
        """The conversation has changed so that another process needs a new `EarshotModel.snapshot` to go on with it."""

    def history(self) -> Sequence[Line] | None:
        """The words said and heard so far, for a session that has forgotten them. None: those that LiveKit's session knows."""


class SilentListener(ModelListener):
    """Ignores everything; a base for who wants to hear some of it."""

    def on_link(self, event: LinkEvent) -> None:
        del event

    def on_caller_speaks(self) -> None:
        return

    def on_caller_pauses(self) -> None:
        return

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        del is_loud, ago_s

    def on_tools_cancelled(self, call_ids: list[str]) -> None:
        del call_ids

    def on_model_event(self, event: ModelEvent) -> None:
        del event

    def on_picture(self, source: str) -> None:
        del source

    def on_snapshot_due(self) -> None:
        return

    def history(self) -> Sequence[Line] | None:
        return None
