"""Tells the parts of a call what its room tells about the caller."""

from collections.abc import Callable

from livekit import rtc

from agent.call.caller_memory import CallerMemory
from agent.call.conversation import Conversation
from agent.call.greeter import Greeter
from agent.call.observer import Observer
from agent.call.sight import Sight


class CallerEvents:
    """The `CallListener` of a call in a room (agent/call/call_room.py)."""

    def __init__(
        self,
        observer: Observer,
        conversation: Conversation,
        greeter: Greeter,
        sight: Sight,
        memory: CallerMemory,
        accepts_turns: Callable[[], bool],
    ) -> None:
        self._observer = observer
        self._conversation = conversation
        self._greeter = greeter
        self._sight = sight
        self._memory = memory
        self._accepts_turns = accepts_turns

    def on_caller(self, identity: str) -> None:
        self._memory.caller_came(identity)
        self._observer.caller_joined()
        self._conversation.link_participant(identity)
        self._greeter.caller_came(identity)

    def on_caller_gone(self, *, left: bool) -> None:
        self._observer.caller_gone(left=left)

    def on_caller_audible(self) -> None:
        self._conversation.caller_audible()

    def on_ringing(self, identity: str) -> None:
        self._memory.caller_came(identity)
        self._conversation.link_participant(identity)

    def on_microphone(self, *, is_open: bool) -> None:
        self._conversation.model.microphone(is_open=is_open)

    def on_press(self, identity: str) -> None:
        self._observer.caller_presses()
        interrupts = self._conversation.model.turn_rules.interruptible
        if interrupts:
            self._conversation.local_voice.interrupt()
        if self._accepts_turns():
            self._greeter.skip([identity], interrupts=interrupts)  # who has something to say wants no greeting over it
            self._conversation.start_activity()

    def on_release(self) -> None:
        self._observer.caller_releases()
        self._conversation.end_activity()

    def on_turns(self, *, push_to_talk: bool) -> None:
        self._conversation.change_turns(push_to_talk=push_to_talk)

    def on_client_methods(self, methods: frozenset[str]) -> None:
        self._conversation.model.client_offers(methods)

    def on_frame(self, source: str, frame: rtc.VideoFrame, rotation_deg: int) -> None:
        self._conversation.model.pictures.push(frame, source, rotation_deg=rotation_deg)

    def on_video_ended(self, source: str) -> None:
        self._conversation.model.pictures.forget(source)
        self._sight.ended(source)
