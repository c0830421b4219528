"""Tells who is in the room: the caller, the caller's microphone, and the humans whom the agent doesn't hear.

`agent/room/caller_choice.py` decides who the caller is; this module gives it the room's events and acts on what it says.
"""

import asyncio
import contextlib
import logging
from typing import Protocol

from livekit import rtc
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS
from livekit.agents.voice.room_io.types import DEFAULT_CLOSE_ON_DISCONNECT_REASONS

from agent.room.alive import is_alive
from agent.room.caller_choice import CallerChoice, Claim, Hold
from agent.room.room_events import RoomEvents
from agent.room.sound_tracks import may_speak, microphone_of
from agent.room.telephone import phone_call

_MOST_TOLD = 50
"""Changes of caller and audience that one call logs and tells; strangers could come and go for ever."""
_PROBE_EVERY_S = 2.0
_REPLACED = {
    rtc.DisconnectReason.DUPLICATE_IDENTITY,
    rtc.DisconnectReason.MIGRATION,
    rtc.DisconnectReason.STATE_MISMATCH,
}

logger = logging.getLogger("earshot.call")


class CallerListener(Protocol):
    """Is told about the caller of a call, whoever that is at the time."""

    def on_caller(self, identity: str) -> None:
        """A new caller is there, or one who was gone has come back."""

    def on_caller_gone(self, *, left: bool) -> None:
        """The caller is gone. `left`: they left the room, and it wasn't the connection that broke."""

    def on_caller_audible(self) -> None:
        """The caller's voice begins, as livekit-server hears it."""

    def on_ringing(self, identity: str) -> None:
        """A telephone rings while there is no caller: the agent may publish its track meanwhile."""

    def on_microphone(self, *, is_open: bool) -> None:
        """The caller's microphone, which has been open once, was closed or opened."""


class RoomListener(Protocol):
    """Is told what the call listens to in its room."""

    def on_source(self, source: rtc.RemoteTrackPublication | None) -> None:
        """The caller's microphone is another track now, or none."""

    def on_change(self) -> None:
        """The caller or the audience has changed: a line that was typed before may be the caller's now."""


class Presence:
    """Watches the room of one call."""

    def __init__(
        self, room: rtc.Room, events: RoomEvents, caller_listener: CallerListener, room_listener: RoomListener
    ) -> None:
        self.caller_here = asyncio.Event()
        """An event that is set once the first caller has come."""
        self.caller_speaks = False
        """Whether livekit-server hears the caller: some 0.5 s late, without any model, and never without sound levels (SIP)."""
        self._room = room
        self._events = events
        self._caller_listener = caller_listener
        self._room_listener = room_listener
        self._choice = CallerChoice()
        self._is_here = False
        self._caller = ""
        """The caller's identity when it was told last."""
        self._audience: set[str] = set()
        self._told = 0
        self._doubt = asyncio.Event()
        self._unreached = asyncio.Event()
        self._source: tuple[str, rtc.Track | None] | None = None
        self._microphone_is_open: bool | None = None

    def watch(self) -> None:
        """Begin to listen; `add_present` comes at once after it."""
        room = self._room
        room.on("participant_connected", self._look)
        room.on("participant_disconnected", self._on_gone)
        room.on("participant_attributes_changed", lambda _, who: self._on_act(who))
        room.on("participant_permissions_changed", lambda who, _: self._on_act(who))
        room.on("track_published", lambda _, who: self._on_act(who))
        room.on("track_unpublished", lambda _, who: self._look(who))
        room.on("track_subscribed", lambda _track, _published, who: self._look(who))
        room.on("track_unsubscribed", lambda _track, _published, who: self._look(who))
        room.on("track_subscription_failed", self._on_unheard)
        room.on("track_muted", lambda who, _: self._on_act(who))
        room.on("track_unmuted", lambda who, _: self._on_act(who))
        room.on("active_speakers_changed", self._on_speakers)
        room.on("reconnected", self._on_reconnected)

    def add_present(self, caller: str = "", *, is_engaged: bool = False) -> None:
        """Take note of the humans who were there before the agent.

        Args:
            caller: The identity of the one who was the caller when another process had this call; empty: it is a new one.
            is_engaged: Whether that one has spoken or typed.
        """
        for participant in sorted(self.humans(), key=lambda human: (human.identity != caller, _joined(human))):
            self._look(participant)
            if is_engaged and participant.identity == caller:
                self._choice.go_on(caller)
                self._settle()

    async def probe(self) -> None:
        """Ask the caller, if another human could replace them, and humans who didn't answer, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_caller(), name="caller")
            tasks.create_task(self._ask_unreached(), name="unreached")

    async def _ask_caller(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._choice.due_at):
                    await self._doubt.wait()
            self._doubt.clear()
            self._choice.elapse(loop.time())
            asked, caller = loop.time(), self.caller
            if caller is not None and self._choice.rivals() and not self.caller_speaks:
                identity, sid = caller.identity, caller.sid
                alive = await is_alive(self._room, identity, microphone_of(caller))
                if alive is False and self.caller is not None and self.caller.sid == sid and not self.caller_speaks:
                    self._choice.unreachable(identity)
                    self._unreached.set()
            self._settle()
            await asyncio.sleep(max(asked + _PROBE_EVERY_S - loop.time(), 0))

    async def _ask_unreached(self) -> None:
        """The agent isn't told of their voice, since it doesn't subscribe to it (docs/facts.md S12)."""
        while await self._unreached.wait():
            await asyncio.sleep(_PROBE_EVERY_S)
            unreached = self._choice.unreached()
            if not unreached:
                self._unreached.clear()
            async with asyncio.TaskGroup() as tasks:
                for identity in unreached:
                    tasks.create_task(self._ask_again(identity), name="unreached human")

    async def _ask_again(self, identity: str) -> None:
        participant = self._room.remote_participants.get(identity)
        alive = participant is not None and await is_alive(self._room, identity, microphone_of(participant))
        if alive and self._room.remote_participants.get(identity) is participant:
            self._choice.reachable(identity)
            self._settle()

    def typed(self, identity: str) -> bool:
        """Take note of a typed line. Returns whether it is the caller's, and so for the agent."""
        is_callers = self._choice.typed(identity)
        self._settle()
        if not is_callers:
            self._doubt.set()
        return is_callers

    def is_caller(self, identity: str) -> bool:
        return self._is_here and self._choice.caller == identity

    def may_be_caller(self, identity: str) -> bool:
        """Whether that is the caller, or may become it because nobody is."""
        return not self._is_here or self._choice.caller == identity

    def caller_identity(self) -> str:
        """The caller's identity; the last one's while nobody is the caller, and empty before the first."""
        return self._choice.caller

    @property
    def is_engaged(self) -> bool:
        """Whether the caller has spoken or typed."""
        return self._choice.hold is Hold.ENGAGED

    @property
    def caller(self) -> rtc.RemoteParticipant | None:
        return self._room.remote_participants.get(self._choice.caller)

    @property
    def present_caller(self) -> rtc.RemoteParticipant | None:
        """The caller, while they are here; None while the call waits for one."""
        return self.caller if self._is_here else None

    def humans(self) -> list[rtc.RemoteParticipant]:
        present = self._room.remote_participants.values()
        return [participant for participant in present if participant.kind in DEFAULT_PARTICIPANT_KINDS]

    def _look(self, participant: rtc.Participant) -> None:
        is_here = self._room.remote_participants.get(participant.identity) is participant
        if is_here and participant.kind in DEFAULT_PARTICIPANT_KINDS:
            assert isinstance(participant, rtc.RemoteParticipant)
            claim = _claim(participant)
            self._choice.update(participant.identity, claim)
            self._settle()
            if claim is Claim.NONE and not self._is_here:
                self._caller_listener.on_ringing(participant.identity)
            if participant.identity != self._choice.caller:
                self._doubt.set()

    def _on_act(self, participant: rtc.Participant) -> None:
        """A participant has done something, so they can be reached."""
        self._look(participant)
        self._choice.reachable(participant.identity)
        self._settle()

    def _on_gone(self, participant: rtc.RemoteParticipant) -> None:
        if self._room.connection_state == rtc.ConnectionState.CONN_RECONNECTING:
            return  # everybody is, while the agent joins again (docs/facts.md L411): nobody's return is waited for meanwhile
        reason = participant.disconnect_reason
        left = participant.identity == self._choice.caller and reason in DEFAULT_CLOSE_ON_DISCONNECT_REASONS
        self._choice.remove(participant.identity, asyncio.get_running_loop().time(), returns=reason in _REPLACED)
        self._doubt.set()
        self._settle(left=left)

    def _on_reconnected(self) -> None:
        """The agent is back; who isn't there now has gone, or isn't back yet."""
        now = asyncio.get_running_loop().time()
        for identity in self._choice.humans() - self._room.remote_participants.keys():
            self._choice.remove(identity, now)
        self._settle()

    def _on_speakers(self, speakers: list[rtc.Participant]) -> None:
        for speaker in speakers:
            self._choice.spoke(speaker.identity)
        self._settle()
        speaks = any(self.is_caller(speaker.identity) for speaker in speakers)
        began, self.caller_speaks = speaks and not self.caller_speaks, speaks
        if began:
            self._caller_listener.on_caller_audible()

    def _on_unheard(self, participant: rtc.RemoteParticipant, track_sid: str, error: str) -> None:
        self._told += 1
        if self._told <= _MOST_TOLD:
            told = {"participant": participant.identity, "track": track_sid, "error": error}
            logger.warning("a microphone can't be listened to", extra=told)
            self._events.tell("audience", identity=participant.identity, reason="sound_refused")

    def _settle(self, *, left: bool = False) -> None:
        """Act on what has changed: the caller, whether they are here, their microphone, and the audience."""
        before, caller = self._caller, self._choice.caller
        was_here, self._is_here = self._is_here, self._choice.hold not in {Hold.VACANT, Hold.RETURNING}
        self._caller = caller
        if self._is_here and (caller != before or not was_here):
            self._caller_listener.on_caller(caller)
            self.caller_here.set()
        elif not self._is_here and (was_here or left):
            self._caller_listener.on_caller_gone(left=left)
        if caller != before:
            self._tell("caller", caller, before)
        for identity in (audience := self._choice.audience()) - self._audience:
            self._tell("audience", identity, caller)
        changed = (caller, self._is_here, audience) != (before, was_here, self._audience)
        self._audience = audience
        self._look_at_microphone()
        if changed:
            self._room_listener.on_change()

    def _tell(self, kind: str, identity: str, other: str) -> None:
        """Say in the room, and in the log unless all is as usual, who is the caller or isn't heard."""
        self._told += 1
        if self._told > _MOST_TOLD:
            return
        if kind == "caller":
            self._events.tell("caller", identity=identity)
            if other:
                logger.info("the caller is another participant now", extra={"participant": identity, "before": other})
            return
        participant = self._room.remote_participants.get(identity)
        reason = "another_caller" if participant is not None and may_speak(participant) else "may_not_speak"
        self._events.tell("audience", identity=identity, reason=reason)
        logger.info("a participant is not listened to", extra={"participant": identity, "reason": reason, "caller": other})

    def _look_at_microphone(self) -> None:
        source = microphone_of(self.caller) if self._is_here else None
        found = None if source is None else (source.sid, source.track)
        if found != self._source:
            self._source = found
            self._room_listener.on_source(source)
        is_open = source is not None and not source.muted
        if self._microphone_is_open is None and not is_open:
            return  # it has yet to open
        changed = self._microphone_is_open not in {None, is_open}
        self._microphone_is_open = is_open
        if changed:
            self._caller_listener.on_microphone(is_open=is_open)


def _claim(participant: rtc.RemoteParticipant) -> Claim:
    phone = phone_call(participant)
    if phone is not None and not phone.answered:
        return Claim.NONE
    if microphone_of(participant) is not None:
        return Claim.MICROPHONE
    return Claim.MAY_SPEAK if may_speak(participant) else Claim.LISTENS


def _joined(participant: rtc.RemoteParticipant) -> float:
    return participant.joined_at.timestamp() if participant.joined_at else 0.0
