"""Tells the parts of a call what its room tells about the caller."""

from agent.call.conversation import Conversation
from agent.call.greeter import Greeter
from agent.call.observer import Observer


class CallerEvents:
    """The `CallerListener` of a call in a room (agent/room/presence.py)."""

    def __init__(self, observer: Observer, conversation: Conversation, greeter: Greeter) -> None:
        self._observer = observer
        self._conversation = conversation
        self._greeter = greeter

    def on_caller(self, identity: str) -> None:
        self._observer.caller_joined()
        self._conversation.link_participant(identity)
        self._greeter.caller_came(identity)

    def on_caller_gone(self, *, left: bool) -> None:
        self._observer.caller_gone(left=left)

    def on_caller_audible(self) -> None:
        self._conversation.local_voice.interrupt()

    def on_ringing(self, identity: str) -> None:
        self._conversation.link_participant(identity)

    def on_microphone(self, *, is_open: bool) -> None:
        self._conversation.model.microphone(is_open=is_open)
