"""The room of one call: joining it, who is in it, what they say and type, and leaving it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext
from livekit.agents.types import ATTRIBUTE_AGENT_STATE

from agent.call.admission import Admitted
from agent.call.checkpoint import CallersState
from agent.call.ending_events import CallEnded, Event
from agent.call.endings import ELSEWHERE, NOBODY_THERE, Ending
from agent.gemini import FRAME_MS, INPUT_RATE_HZ
from agent.room.activity import ActivityListener, ActivityRequests, has_button
from agent.room.caller_sound import CallerSound
from agent.room.caller_video import CallerVideo, VideoListener
from agent.room.chat import Chat
from agent.room.client_tools import ClientTools
from agent.room.other_agents import ENDING_ATTRIBUTE, LEASE_ATTRIBUTE, MARK, OtherAgents
from agent.room.presence import CallerListener, Presence
from agent.room.room_events import RoomEvents
from agent.room.sound_tracks import microphone_of
from agent.room.telephone import PhoneCall, Telephone, phone_call
from agent.voice.announcement import announce

EYES_ATTRIBUTE = "earshot.eyes"
FAILURE_ATTRIBUTE = "earshot.failure"
TURNS_ATTRIBUTE = "earshot.turns"
"""An attribute of the agent. In calls with push-to-talk: PUSH_TO_TALK, or AUTOMATIC while the caller has no button. In calls
with a model that translates: TRANSLATION. In others there is none."""
TRANSLATION = "translation"
PUSH_TO_TALK = "push_to_talk"
AUTOMATIC = "automatic"

_LAST_EVENTS_S = 2.0
_LAST_EVENTS_TRAVEL_S = 0.3
_DELETE_ROOM_S = 5.0
_ANNOUNCEMENT_S = 6.0
_ONSET_S = 0.5
"""The caller's sound from before a call was given away that is heard again: a word may have begun softly."""
_SUCCESSOR_TALKS_S = 5.0
"""The longest wait for the voice of the process that was given the call."""
_ROOM_STAYS = frozenset({Ending.SHUT_DOWN, Ending.ROOM_GONE}) | ELSEWHERE
"""Endings after which the agent doesn't delete the room: others go on in it, or it is gone already."""
_UNREAD_STREAM = ("ignoring text stream", "ignoring byte stream")


class CallListener(CallerListener, VideoListener, ActivityListener, Protocol):
    """Is told who the caller is and when they hold the talk button, and is given what their camera and screen show."""

    def on_turns(self, *, push_to_talk: bool) -> None:
        """The caller has no talk button, as on a telephone, or has one again: turns are taken like this from now on."""

    def on_client_methods(self, methods: frozenset[str]) -> None:
        """The caller's client offers these RPC methods to the agent's tools from now on."""


class RoomAdmission(Protocol):
    """Says whether this process answers in the room that it has joined."""

    async def standing_by(self, humans: Callable[[], Collection[str]]) -> str:
        """The identity of the caller whose call another process hands over to this one; empty: none does."""

    async def joined(self, humans: Callable[[], Collection[str]]) -> Admitted | None:
        """The room is joined; `humans` returns who is in it. None: another process answers it."""

    def second_agent(self) -> None:
        """Another Earshot is in the room."""


@dataclass(frozen=True)
class CallRoomOptions:
    """What the agent attends to in its room, beside the caller's sound and typed lines."""

    eyes: tuple[str, ...] = ()
    """Track sources that the agent looks at."""
    push_to_talk: bool = False
    """True if the caller holds a talk button while they speak."""


class CallRoom:
    """The `CallTransport` of a call in a LiveKit room; it owns the parts of the worker that listen to the room."""

    def __init__(
        self,
        ctx: JobContext,
        events: RoomEvents,
        listener: CallListener,
        tell: Callable[[Event], None],
        admission: RoomAdmission,
        options: CallRoomOptions,
    ) -> None:
        self._ctx = ctx
        self._events = events
        self._tell = tell
        self._admission = admission
        self._others = OtherAgents(ctx.room, admission.second_agent)
        self._listener = listener
        self._may_use_button = options.push_to_talk
        self._push_to_talk = options.push_to_talk
        self._turns_changed = asyncio.Event()
        self._reconnected = asyncio.Event()
        self._deleted = False
        self._shown: dict[str, str] = {EYES_ATTRIBUTE: ",".join(options.eyes)} if options.eyes else {}
        """The agent's attributes that `show` was given; those from before the agent joined are shown when it has."""
        self._presence = Presence(ctx.room, events, listener, self)
        self._telephone = Telephone(ctx.room, self._presence.is_caller)
        self._client_tools = ClientTools(ctx.room, lambda: self._presence.present_caller, listener.on_client_methods)
        self._chat = Chat(ctx.room, events, self._presence.caller_identity)
        self.sound = CallerSound(ctx.room, self._presence.may_be_caller, rate_hz=INPUT_RATE_HZ, frame_ms=FRAME_MS)
        self._activity = ActivityRequests(ctx.room, events, self._presence, listener, push_to_talk=options.push_to_talk)
        self._video = CallerVideo(ctx.room, options.eyes, lambda: self._presence.caller, listener)
        logging.getLogger().addFilter(_is_worth_logging)

    @property
    def caller_speaks(self) -> bool:
        return self._presence.caller_speaks or self._activity.is_pressed

    @property
    def presses_keys(self) -> bool:
        return self._telephone.is_pressed

    @property
    def phone_call(self) -> PhoneCall | None:
        caller = self._presence.caller
        return phone_call(caller) if caller else None

    @property
    def caller_state(self) -> CallersState:
        caller = self._presence.present_caller
        return CallersState() if caller is None else CallersState(caller.identity, self._presence.is_engaged)

    @property
    def shown(self) -> dict[str, str]:
        return {name: value for name, value in self._shown.items() if "." not in name}  # tools can't show names with dots

    @property
    def dropped_lines(self) -> int:
        return self._chat.dropped

    def identities(self) -> set[str]:
        return {human.identity for human in self._presence.humans()}

    async def listen(self) -> None:
        """Join and listen, until cancelled."""
        self._ctx.room.on("reconnected", self._reconnected.set)
        self._ctx.room.on("disconnected", lambda _: self._tell(CallEnded(Ending.ROOM_GONE)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sound.listen(), name="sound")
            tasks.create_task(self._video.read(), name="video")
            tasks.create_task(self._presence.probe(), name="presence")
            tasks.create_task(self._activity.run(), name="talk button")
            tasks.create_task(self._show_turns(), name="turns")
            tasks.create_task(self._show_again(), name="attributes")
            await self._join()

    async def _join(self) -> None:
        """Join; returns once an older Earshot is in the room."""
        await self._ctx.connect(single_peer_connection=True, auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        own = self._ctx.room.local_participant
        if MARK not in own.attributes:  # `connect` joins without a dispatch
            await own.set_attributes({MARK: self._ctx.job.agent_name})
        if caller := await self._admission.standing_by(self.identities):
            self._hear_ahead(caller)
        admitted = await self._admission.joined(self.identities)
        if admitted is not None and admitted.given_at is not None:
            self._take_given(admitted.given_at)
        if admitted is not None:
            lease = {LEASE_ATTRIBUTE: str(admitted.generation)} if admitted.generation else {}
            self._shown = {**admitted.shown, **self._shown, **lease}
            if self._shown:
                await own.set_attributes(self._shown)
        if admitted is not None and await self._others.settle(admitted.generation):
            self._presence.watch()
            self._video.watch()
            self._presence.add_present(admitted.caller.identity, is_engaged=admitted.caller.is_engaged)
            self._telephone.take_kept(admitted.given_at)
            self._activity.serve()
            if self._may_use_button:
                self._turns_changed.set()  # not before presses are taken
            await self._others.until_older()
        self._tell(CallEnded(Ending.SECOND_AGENT))

    def _hear_ahead(self, caller: str) -> None:
        """Keep the newest of the caller's sound, so that nothing is missing when this process is given the call."""

        def look(*_: object) -> None:
            participant = self._ctx.room.remote_participants.get(caller)
            if participant is not None and self._presence.caller is None:
                self.sound.listen_to(microphone_of(participant))

        self.sound.frames.keep_newest()
        self._telephone.keep_keys()
        for change in ("track_published", "track_subscribed"):
            self._ctx.room.on(change, look)
        look()

    def _take_given(self, given_at: float) -> None:
        """This process was given the call at that time: what the caller has said and typed since then is its own to answer."""
        self.sound.frames.pass_on(asyncio.get_running_loop().time() - given_at + _ONSET_S)
        self._chat.forget_before(given_at)

    async def _show_turns(self) -> None:
        while await self._turns_changed.wait():
            self._turns_changed.clear()
            await self.show({TURNS_ATTRIBUTE: PUSH_TO_TALK if self._push_to_talk else AUTOMATIC})

    def _choose_turns(self) -> None:
        """Take turns by the talk button, if the persona wants it and the caller isn't on a telephone, say, which has none."""
        caller = self._presence.caller
        push_to_talk = self._may_use_button and (caller is None or has_button(caller))
        if caller is not None and push_to_talk != self._push_to_talk:
            self._push_to_talk = push_to_talk
            self._activity.enable(push_to_talk=push_to_talk)
            self._listener.on_turns(push_to_talk=push_to_talk)
            self._turns_changed.set()

    async def take_turns(self, on_turn: Callable[[str], Awaitable[None]]) -> None:
        """Give each line that the caller types, and each burst of keys, to `on_turn`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._chat.listen(self._presence.typed, on_turn), name="chat")
            tasks.create_task(self._telephone.listen(on_turn), name="keys")

    async def until_caller_listens(self, subscribed: Callable[[], Awaitable[None]]) -> None:
        await self._presence.caller_here.wait()
        await subscribed()

    async def show(self, attributes: dict[str, str]) -> None:
        self._shown |= attributes
        if self._ctx.room.connection_state == rtc.ConnectionState.CONN_CONNECTED:
            await self._ctx.room.local_participant.set_attributes(attributes)

    async def _show_again(self) -> None:
        """Show what was to be shown while the room was joined again, which LiveKit's SDK loses (docs/facts.md L470)."""
        while await self._reconnected.wait():
            self._reconnected.clear()
            if self._shown:
                await self.show(self._shown)

    async def press_keys(self, keys: str) -> None:
        await self._telephone.press(keys)

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None, timeout_s: float) -> Any:
        return await self._client_tools.ask(method, arguments, timeout_s)

    def fall_silent(self) -> None:
        """Mute all that this agent plays: the server passes nothing more of it on, whatever is still queued here."""
        if not self._ctx.room.isconnected():
            return
        for publication in self._ctx.room.local_participant.track_publications.values():
            if isinstance(publication.track, rtc.LocalAudioTrack):
                publication.track.mute()

    async def announce(self, samples: bytes) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANNOUNCEMENT_S):
                if self._ctx.room.isconnected():
                    await announce(self._ctx.room, samples)

    def has_agent(self, identity: str) -> bool:
        return identity in self._ctx.room.remote_participants

    async def leave_to(self, identity: str) -> None:
        self.fall_silent()
        self._activity.hand_over()
        self._others.leave_to(identity)
        changed = asyncio.Event()
        for change in ("track_published", "participant_attributes_changed", "participant_disconnected"):
            self._ctx.room.on(change, lambda *_: changed.set())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SUCCESSOR_TALKS_S):
                while not self._is_heard(identity):
                    changed.clear()
                    await changed.wait()

    def _is_heard(self, identity: str) -> bool:
        """Whether that agent has published its voice and shows its state. It has gone: nothing is to be waited for."""
        agent = self._ctx.room.remote_participants.get(identity)
        return agent is None or (bool(agent.track_publications) and ATTRIBUTE_AGENT_STATE in agent.attributes)

    async def delete_if_empty(self) -> None:
        """Delete the room if no human is in it: the next one gets a new room, and an agent by the dispatch in their token."""
        if not self._presence.humans():
            await self._delete()

    async def leave(self, ending: Ending, failure: str) -> None:
        """The last events, and the end of the room unless others talk on in it; in bounded time."""
        if self._ctx.room.isconnected() and ending not in ELSEWHERE:
            humans = self._presence.humans()
            if humans:
                self._events.tell("call_ended", reason=ending.name.lower(), text=ending.value, failure=failure or None)
            told = {ENDING_ATTRIBUTE: ending.name.lower()} | ({FAILURE_ATTRIBUTE: failure} if failure else {})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_EVENTS_S):
                    await asyncio.gather(self._ctx.room.local_participant.set_attributes(told), self._events.flush())
            if humans:
                await asyncio.sleep(_LAST_EVENTS_TRAVEL_S)  # the agent's leaving, or the room's end, would overtake them
        # a room that outlives its call would be silent to whoever joins next
        talk_on = ending in NOBODY_THERE and self._presence.humans()
        is_left = ending is Ending.SHUT_DOWN and self.phone_call is not None  # it has heard a goodbye, and is hung up
        if is_left or (ending not in _ROOM_STAYS and not talk_on):
            await self._delete()

    def on_source(self, source: rtc.RemoteTrackPublication | None) -> None:
        self.sound.listen_to(source)

    def on_change(self) -> None:
        self._chat.look_again()
        self._video.look()
        self._activity.look()
        self._client_tools.look()
        self._choose_turns()

    async def _delete(self) -> None:
        if self._deleted:
            return
        self._deleted = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DELETE_ROOM_S):
                await self._ctx.delete_room()


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Leave out rtc's line for each stream of a topic that nobody reads: anybody in the room could fill the log."""
    return not str(record.msg).startswith(_UNREAD_STREAM)
