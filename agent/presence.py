"""Who is in the room with the agent: the caller, whether they speak and may be heard, and other people."""

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS

from agent.observer import Observer
from agent.record import CallRecord
from agent.telephone import phone_call


class Presence:
    """Watches the room of one call. The first human in it is the caller, whose identity is kept in the record."""

    def __init__(self, room: rtc.Room, record: CallRecord, observer: Observer) -> None:
        self.caller_here = asyncio.Event()
        """Set when the caller has come."""
        self.caller_speaks = False
        """As livekit-server hears it, some 0.5 s late: it needs no model. Without sound levels (SIP) it hears nothing."""
        self.on_caller_speaks: Callable[[], None] | None = None
        self.on_microphone: Callable[[bool], None] | None = None
        """Told whether the caller's microphone is open, once it has been, when that changes."""
        self._room = room
        self._record = record
        self._observer = observer
        self._microphone_is_open: bool | None = None

    def watch(self) -> None:
        """Begin to listen, before the agent joins."""
        room = self._room
        room.on("participant_connected", self._meet)
        room.on("participant_attributes_changed", self._on_attributes)
        room.on("participant_disconnected", self._on_gone)
        room.on("active_speakers_changed", self._on_speakers)
        for change in ("track_published", "track_unpublished", "track_muted", "track_unmuted"):
            room.on(change, self._look_at_microphone)

    def meet(self) -> None:
        """Get to know who was there before the agent."""
        for participant in self.humans():
            self._meet(participant)

    def is_caller(self, identity: str) -> bool:
        """Whether that is the caller; as long as there is none, it may be anybody."""
        return self._record.caller in {"", identity}

    @property
    def caller(self) -> rtc.RemoteParticipant | None:
        return self._room.remote_participants.get(self._record.caller)

    def humans(self) -> list[rtc.RemoteParticipant]:
        present = self._room.remote_participants.values()
        return [participant for participant in present if participant.kind in DEFAULT_PARTICIPANT_KINDS]

    def others(self) -> bool:
        """Whether there are people beside the caller."""
        return any(human.identity != self._record.caller for human in self.humans())

    def _meet(self, participant: rtc.RemoteParticipant) -> None:
        first_or_back = self.is_caller(participant.identity)
        phone = phone_call(participant)
        if first_or_back and participant.kind in DEFAULT_PARTICIPANT_KINDS and (phone is None or phone.answered):
            self._observer.caller_came(participant.identity)
            self.caller_here.set()
            self._look_at_microphone()

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if "sip.callStatus" in changed and not self._record.caller and isinstance(participant, rtc.RemoteParticipant):
            self._meet(participant)  # a telephone that was ringing may have been answered

    def _on_gone(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._record.caller:
            self._observer.caller_lost()
            self._look_at_microphone()

    def _on_speakers(self, speakers: list[rtc.Participant]) -> None:
        speaks = any(speaker.identity == self._record.caller for speaker in speakers)
        began, self.caller_speaks = speaks and not self.caller_speaks, speaks
        if began and self.on_caller_speaks is not None:
            self.on_caller_speaks()

    def _look_at_microphone(self, *_: object) -> None:
        caller = self.caller
        publications = caller.track_publications.values() if caller else []
        is_open = any(
            publication.source == rtc.TrackSource.SOURCE_MICROPHONE and not publication.muted for publication in publications
        )
        if self._microphone_is_open is None and not is_open:
            return  # it has yet to open
        changed = self._microphone_is_open not in {None, is_open}
        self._microphone_is_open = is_open
        if changed and self.on_microphone is not None:
            self.on_microphone(is_open)
