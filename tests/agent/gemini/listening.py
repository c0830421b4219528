"""A listener that keeps what a model tells it."""

from agent.gemini import ModelEvent, SilentListener
from agent.gemini.events import LinkEvent


class Told(SilentListener):
    """Keeps everything in lists."""

    def __init__(self) -> None:
        self.events: list[LinkEvent] = []
        self.cancelled: list[str] = []
        self.model_events: list[ModelEvent] = []
        self.pictures: list[str] = []
        self.loud: list[bool] = []
        """Whether the caller was loud, each time that it was told."""
        self.loud_ago_s: list[float] = []
        """How long ago that had begun, each time."""

    def on_link(self, event: LinkEvent) -> None:
        self.events.append(event)

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        self.loud.append(is_loud)
        self.loud_ago_s.append(ago_s)

    def on_picture(self, source: str) -> None:
        self.pictures.append(source)

    def on_tools_cancelled(self, call_ids: list[str]) -> None:
        self.cancelled += call_ids

    def on_model_event(self, event: ModelEvent) -> None:
        self.model_events.append(event)
