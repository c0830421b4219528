"""Listeners of the worker's parts that keep what they are told."""

import asyncio
import time

from livekit import rtc

from agent.call.ending_events import Event
from agent.call.ending_machine import Action, EndingMachine
from agent.call.limits import CallLimits, CallTimer

LIMITS = CallLimits(
    caller_join_s=60, caller_return_s=20, caller_silence_s=100, still_there_s=40, answer_s=30, longest_call_s=1000
)


class KeptEnding:
    """A machine whose actions nobody carries out."""

    def __init__(self, timer: CallTimer) -> None:
        self.machine = EndingMachine(timer, goodbye_s=15)
        self.actions: list[Action] = []
        self.changes = 0

    def tell(self, event: Event) -> None:
        self.actions += self.machine.on(event, time.monotonic())

    def timer_changed(self) -> None:
        self.changes += 1


class PresenceKept:
    """Keeps what a room's presence tells of the caller, the microphone and the sound."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.ringing: list[str] = []
        self.microphone: list[bool] = []
        self.sources: list[rtc.RemoteTrackPublication | None] = []
        self.changes = 0
        self.left: list[bool] = []
        self.speaks = asyncio.Event()

    def on_caller(self, identity: str) -> None:
        self.callers.append(identity)

    def on_caller_gone(self, *, left: bool) -> None:
        self.left.append(left)

    def on_caller_audible(self) -> None:
        self.speaks.set()

    def on_ringing(self, identity: str) -> None:
        self.ringing.append(identity)

    def on_microphone(self, *, is_open: bool) -> None:
        self.microphone.append(is_open)

    def on_source(self, source: rtc.RemoteTrackPublication | None) -> None:
        self.sources.append(source)

    def on_change(self) -> None:
        self.changes += 1
