"""The conversation of one call: a LiveKit session with Gemini in it, its sound, its greeting, its typed turns."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from livekit import rtc
from livekit.agents import AgentStateChangedEvent, llm
from livekit.agents.job import current_simulation
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.io import AudioInput, AudioOutput

from agent.call.answer_wait import AnswerWait
from agent.call.call_session import VOICE_TRACK, room_options, session_of
from agent.call.observer import Observer
from agent.call.sight import Sight
from agent.call.thinking_state import ThinkingState
from agent.endpoint import endpoint_of
from agent.errors import SessionOverError, while_session_lasts
from agent.gemini import (
    EarshotModel,
    Line,
    LinkEvent,
    LinkLimits,
    ModelEvent,
    ModelListener,
)
from agent.live_settings import voicing_of
from agent.livekit_private import cancel_tools, forget_events
from agent.persona import Persona
from agent.room.telephone import PhoneCall
from agent.settings import Settings
from agent.voice import VoiceAgent
from agent.voice.held_output import HeldOutput
from agent.voice.local_voice import LocalVoice
from agent.voice.thinking_player import ThinkingPlayer

logger = logging.getLogger("earshot.call")


class Conversation(ModelListener):
    """Owns the model and the session; what happens in them goes to the observer. `async with` it: the model connects."""

    def __init__(
        self,
        settings: Settings,
        persona: Persona,
        observer: Observer,
        sight: Sight,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._persona = persona
        self._observer = observer
        self._sight = sight
        self._on_change = on_change
        """What is called when a checkpoint of the conversation would be another one."""
        self.model = _model(settings, persona, self)
        self.model.client_offers(frozenset())  # nobody is there yet
        self.session = session_of(self.model)
        self.local_voice = LocalVoice(self.session, persona.spoken_language)
        self.thinking_player = ThinkingPlayer(self.session)
        turn_silence_s = voicing_of(settings, persona).turn_silence_ms / 1000
        wait = AnswerWait(turn_silence_s=turn_silence_s, may_stay_silent=self.model.turn_rules.may_stay_silent)
        self.thinking_state = ThinkingState(self.session, self.local_voice, wait)
        self._awaited: SpeechHandle | None = None
        """The reply that the model was asked for last, until its sound begins."""
        self.push_to_talk = persona.turns == "push_to_talk"
        """True if the model hears the caller only while they hold the talk button."""
        self._holds_button = False
        self._is_started = False
        self._caller_identity = ""
        self.session.on("agent_state_changed", self._on_agent_state)
        observer.watch(self.session, self.local_voice, self.model.turn_rules)

    async def __aenter__(self) -> Self:
        await self.model.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.model.__aexit__(exc_type, exc, exc_tb)

    async def start(
        self,
        agent: VoiceAgent,
        room: rtc.Room,
        sound: AudioInput | None,
        recorded: Callable[[AudioOutput], AudioOutput] = lambda output: output,
    ) -> None:
        """Join the room and connect the model.

        Args:
            agent: has the call.
            room: the call's.
            sound: the caller's; None: the console's microphone is used.
            recorded: makes an output that records what the room's output plays.

        Raises:
            TimeoutError: not within START_S.
        """
        if sound is not None:
            self.session.input.audio = sound
        # session_host: LiveKit's default lets everybody in the room read the instructions and drive the agent (L1). Simulated
        # callers (`lk agent simulate`) drive it so; LiveKit's dispatch says that a call is simulated
        hosted = current_simulation() is not None
        starting = self.session.start(agent, room=room, room_options=room_options(), session_host=hosted, record=False)
        async with asyncio.timeout(self._settings.start_s):
            await starting
        forget_events(self.session)
        if sound is not None and (output := self.session.output.audio) is not None:
            self.session.output.audio = HeldOutput(recorded(output), room, VOICE_TRACK, self)
        self._is_started = True
        if self._caller_identity:
            self.link_participant(self._caller_identity)
        if self._holds_button:
            self.model.start_activity()

    def link_participant(self, identity: str) -> None:
        """Name the caller, whose words captions are written for. The agent's sound is published once there is one."""
        before, self._caller_identity = self._caller_identity, identity
        if identity != before:
            self._on_change()
        with contextlib.suppress(SessionOverError), while_session_lasts():
            if self._is_started and (identity != before or self.session.room_io.linked_participant is None):
                self.session.room_io.set_participant(identity)

    async def until_subscribed(self) -> None:
        """Wait until the agent's voice reaches the caller, who is in the room; not for ever, since some only read.

        Raises:
            SessionOverError
        """
        with while_session_lasts():
            subscribed = self.session.room_io.subscribed_fut
        if subscribed is None:  # a simulated call in text has no sound
            return
        try:
            async with asyncio.timeout(self._settings.caller_listens_s):
                await asyncio.shield(subscribed)
        except TimeoutError:
            # with the sound on, each answer would wait for a subscriber
            self.session.output.set_audio_enabled(False)
            subscribed.add_done_callback(lambda _: self.session.output.set_audio_enabled(True))

    async def greet(self, phone: PhoneCall | None, *, comes_back: bool = False) -> None:
        """Have the persona's greeting said. Cancelled, it is not said, or no further.

        `comes_back`: the caller's last call goes on, and they are welcomed back instead.

        Raises:
            SessionOverError
        """
        if not self._persona.greeting:
            return
        greeting = self._persona.welcome_back if comes_back else self._persona.greeting
        wanted = f"{greeting} {_about(phone)}" if phone else greeting
        if (error := (await self.say(wanted)).exception()) is not None:
            logger.error("the caller was not greeted", extra={"error": str(error)})

    async def say(self, instructions: str) -> SpeechHandle:
        """Have the model speak, and wait until it has. The handle knows if it was interrupted, or what went wrong.

        Cancelled, it interrupts what is being said.

        Raises:
            SessionOverError
        """
        speech = self.prompt(instructions)
        try:
            await speech
        except asyncio.CancelledError:
            speech.interrupt(force=True)
            raise
        return speech

    def prompt(self, instructions: str) -> SpeechHandle:
        """Have the model speak.

        Raises:
            SessionOverError
        """
        self._observer.reply_requested()
        with while_session_lasts():
            self._awaited = self.session.generate_reply(instructions=instructions)
        return self._awaited

    async def take_turn(self, text: str) -> None:
        """The caller has typed: whatever is being said ends, and the model answers. A model that translates takes no text.

        Raises:
            SessionOverError
        """
        if self._persona.translates:
            self._observer.line_dropped(self._caller_identity)
            return
        self._observer.caller_typed()
        self.thinking_state.caller_typed()
        with while_session_lasts():
            await self.session.interrupt()
            self._awaited = self.session.generate_reply(user_input=text)

    def start_activity(self) -> None:
        """The caller presses the talk button: what plays ends at once, and the model hears them from now on."""
        self._holds_button = True
        if self._is_started:
            self.model.start_activity()

    def end_activity(self) -> None:
        """The caller has released the talk button: the model answers what it has heard."""
        self._holds_button = False
        self.model.end_activity()

    def change_turns(self, *, push_to_talk: bool) -> None:
        """Take the caller's turns by the talk button from now on, or automatically."""
        self.push_to_talk = push_to_talk
        self.model.change_turns(push_to_talk=push_to_talk)

    def say_one_moment(self, *, again: bool) -> None:
        """The caller is owed words and hears none: say in the worker's own voice that it takes a moment.

        Raises:
            SessionOverError
        """
        if self._awaited is not None:
            # LiveKit says one thing after the other: a reply that was asked for and doesn't begin holds up all that follows
            # (docs/facts.md L17). Given up here, it is heard all the same when it comes, as one that the model began by itself.
            self._awaited.interrupt(force=True)
            self._awaited = None
        self.local_voice.say_one_moment(again=again)

    def caller_audible(self) -> None:
        """The caller is loud: the worker's own sentence ends, unless the caller's voice is to interrupt nothing by itself."""
        if self.model.turn_rules.interruptible and not self.push_to_talk:
            self.local_voice.interrupt()

    def ask_still_there(self) -> None:
        """Have the model ask whether the caller is still there.

        Raises:
            SessionOverError
        """
        self.prompt(self._persona.still_there)

    async def say_goodbye(self) -> bool:
        """Have the model say goodbye, and wait until it has. Returns whether the caller interrupted it.

        Beside a model that translates, the worker's own voice says it.

        Raises:
            SessionOverError
        """
        if self._persona.translates:
            await self.say_local_goodbye()
            return False
        return (await self.say(self._persona.goodbye)).interrupted

    async def say_local_goodbye(self) -> None:
        """Say goodbye in the worker's own voice, and wait until it was heard; in bounded time."""
        await self.local_voice.say_goodbye()

    async def close(self) -> None:
        """Let go of the model's connection, if the session hasn't."""
        await self.model.aclose()

    def voice_held(self, *, is_held: bool) -> None:
        with contextlib.suppress(SessionOverError), while_session_lasts():
            if isinstance(agent := self.session.current_agent, VoiceAgent):
                agent.voice_held(is_held=is_held)

    def _on_agent_state(self, change: AgentStateChangedEvent) -> None:
        if change.new_state == "speaking" and self.session.current_speech is self._awaited:
            self._awaited = None

    # What the model tells

    def on_link(self, event: LinkEvent) -> None:
        self._observer.link(event)

    def on_caller_speaks(self) -> None:
        self._observer.caller_starts_speaking()

    def on_caller_pauses(self) -> None:
        self._observer.caller_stops_speaking()
        self.thinking_state.caller_finished()

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        self._observer.caller_loud(is_loud=is_loud, ago_s=ago_s)
        self.thinking_state.caller_loud(is_loud=is_loud)
        self.thinking_player.caller_speaks(begins=is_loud)

    def on_tools_cancelled(self, call_ids: list[str]) -> None:
        cancel_tools(self.session, call_ids)

    def on_model_event(self, event: ModelEvent) -> None:
        self._observer.model_event(event)

    def on_picture(self, source: str) -> None:
        self._sight.picture_sent(source)

    def on_snapshot_due(self) -> None:
        self._on_change()

    def history(self) -> Sequence[Line]:
        return spoken_history(self.session.history.items)


def spoken_history(items: Iterable[llm.ChatItem]) -> list[Line]:
    """The lines of both sides, from a session's history. Of an interrupted reply it has only what the caller heard."""
    said = ((item.role, item.text_content) for item in items if item.type == "message")
    return [Line(by_caller=role == "user", text=text) for role, text in said if text and role in {"user", "assistant"}]


def _about(phone: PhoneCall) -> str:
    number = f"from {phone.number}" if phone.number else "and doesn't show a number"
    return f"(The caller is on a telephone {number}; they can press keys and see nothing.)"


def _model(settings: Settings, persona: Persona, listener: ModelListener) -> EarshotModel:
    limits = LinkLimits(tool_s=settings.tool_s, unreachable_s=settings.gemini_away_s)
    return EarshotModel(endpoint_of(settings, persona.model), voicing_of(settings, persona), limits, listener=listener)
