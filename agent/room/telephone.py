"""The caller's telephone: who calls, whether the call is answered, and the keys, both ways.

Only a participant of kind SIP is a telephone: a browser can write `sip.*` attributes of its own, but not its kind, which is
in its token. The attributes are livekit-sip's (docs.livekit.io, "SIP participant").
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from livekit import rtc

from agent.errors import NoTelephoneError
from agent.room.keypad import KEYS, EarlyKeys, Keypad
from agent.room.typed_lines import Rate

_KEY_S = 0.25
_PAUSE_S = 0.5
_NUMBER = re.compile(r"\+?[0-9]{2,20}")
logger = logging.getLogger("earshot.call")

_NOT_TALKING = {"dialing", "ringing", "automation", "hangup"}


@dataclass(frozen=True)
class PhoneCall:
    number: str
    """The caller's, or empty where it isn't shown, or is no number."""
    answered: bool


def phone_call(participant: rtc.Participant) -> PhoneCall | None:
    """The telephone call behind a participant; None for everybody who isn't one."""
    if participant.kind != rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
        return None
    number = participant.attributes.get("sip.phoneNumber", "")
    # the number comes from the other end's From header: whatever isn't one must not reach the model's instructions
    shown = number if _NUMBER.fullmatch(number) else ""
    return PhoneCall(shown, participant.attributes.get("sip.callStatus", "active") not in _NOT_TALKING)


class Telephone:
    """The keys of a call's telephones: those pressed count where `is_caller` says so of the identity."""

    def __init__(self, room: rtc.Room, is_caller: Callable[[str], bool]) -> None:
        self._room = room
        self._is_caller = is_caller
        self._keypad = Keypad()
        self._early: EarlyKeys | None = None
        """Not None while another process still has the call."""
        self._pressed = asyncio.Event()
        self._rate = Rate()
        self._dropped = 0
        room.on("sip_dtmf_received", self._on_key)

    @property
    def is_pressed(self) -> bool:
        """Whether the caller has begun to press keys that nobody has been told of."""
        return self._keypad.is_pressed

    def keep_keys(self) -> None:
        """Keep the keys that are pressed from now on, until `take_kept`: another process still has the call."""
        self._early = EarlyKeys()

    def take_kept(self, given_at: float | None) -> None:
        """The caller is known. Those of their keys count that were pressed since the other process gave the call to this one.

        `given_at`: the time of the event loop; None: the call was lost instead, or is a new one.
        """
        early, self._early = self._early, None
        for key, at in () if early is None or given_at is None else early.since(given_at, self._is_caller):
            self._keypad.press(key, at)
        self._pressed.set()

    async def listen(self, on_turn: Callable[[str], Awaitable[None]]) -> None:
        """Give each burst of pressed keys to `on_turn`, in words for the model, until cancelled."""
        while True:
            self._pressed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._keypad.due_at):
                    await self._pressed.wait()
            now = asyncio.get_running_loop().time()
            if (keys := self._keypad.take(now)) and self._allowed(now):
                await on_turn(f"(pressed on the telephone: {' '.join(keys)})")

    def _allowed(self, now: float) -> bool:
        """Each # ends a burst, so that keys alone could ask the model for an answer many times a second."""
        if self._rate.take(now):
            return True
        if not self._dropped:
            logger.warning("keys were dropped: they come too fast")
        self._dropped += 1
        return False

    async def press(self, keys: str) -> None:
        """Press keys at the other end; a comma waits for half a second.

        Raises:
            NoTelephoneError: nobody in the room is on one.
        """
        if not any(phone_call(participant) for participant in self._room.remote_participants.values()):
            raise NoTelephoneError
        for key in keys:
            if key == ",":
                await asyncio.sleep(_PAUSE_S)
            else:
                await self._room.local_participant.publish_dtmf(code=KEYS.index(key), digit=key)
                await asyncio.sleep(_KEY_S)

    def _on_key(self, pressed: rtc.SipDTMF) -> None:
        who, now = pressed.participant, asyncio.get_running_loop().time()
        if who is None or phone_call(who) is None:
            return
        if self._early is not None:
            self._early.press(who.identity, pressed.digit, now)
        elif self._is_caller(who.identity):
            self._keypad.press(pressed.digit, now)
            self._pressed.set()
