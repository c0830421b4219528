"""The conversation of one call: a LiveKit session with Gemini in it, its sound, its greeting, its typed turns."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from livekit import rtc
from livekit.agents import AgentSession, room_io
from livekit.agents.voice import SpeechHandle

from agent.assistant import Assistant
from agent.errors import SessionOverError
from agent.gemini import EarshotModel, Endpoint, Voicing
from agent.gemini.model import EMULATOR_KEY
from agent.goodbye import Goodbye
from agent.observer import Observer
from agent.persona import Persona
from agent.settings import Settings
from agent.telephone import PhoneCall

INPUT_RATE_HZ = 16000
OUTPUT_RATE_HZ = 24000
FRAME_MS = 20
"""Of the caller's audio. 8-10 ms of CPU per second dearer than 50 ms, and 15-30 ms sooner (docs/facts.md L5)."""

_GREETING_TRIES = 3

logger = logging.getLogger("earshot.call")


class Conversation:
    """Owns the session; what happens in it goes to the observer."""

    def __init__(self, settings: Settings, persona: Persona, observer: Observer) -> None:
        self._settings = settings
        self._persona = persona
        self._observer = observer
        self.model = _model(settings, persona)
        self.session: AgentSession[None] = AgentSession(
            llm=self.model,
            vad=None,  # the service hears who speaks, and a local VAD gates playout (docs/facts.md L3)
            turn_handling={"turn_detection": "realtime_llm"},
            aec_warmup_duration=None,  # the default replaces the caller's first 3 s by silence (docs/facts.md L4)
            user_away_timeout=None,
            tts_text_transforms=None,
        )
        self.model.on_caller_speaks, self.model.on_caller_pauses = observer.caller_speaks, observer.caller_pauses
        self.goodbye = Goodbye(self.session, within_s=settings.goodbye_s)
        observer.watch(self.session)

    async def start(self, assistant: Assistant, room: rtc.Room) -> None:
        """Join the room and connect the model.

        Raises:
            TimeoutError: not within START_S.
        """
        options = room_io.RoomOptions(
            audio_input=room_io.AudioInputOptions(
                sample_rate=INPUT_RATE_HZ, num_channels=1, frame_size_ms=FRAME_MS, auto_gain_control=False
            ),
            audio_output=room_io.AudioOutputOptions(sample_rate=OUTPUT_RATE_HZ),
            text_input=False,  # agent/chat.py reads what is typed
            # agent/captions.py paces them: the stock synchroniser costs more CPU than the socket (docs/facts.md L6)
            text_output=room_io.TextOutputOptions(sync_transcription=False),
        )
        # session_host: LiveKit's default lets everybody in the room read the instructions and drive the agent (L1)
        starting = self.session.start(assistant, room=room, room_options=options, session_host=False, record=False)
        async with asyncio.timeout(self._settings.start_s):
            await starting

    async def somebody_listens(self) -> None:
        """Wait until the agent's voice reaches the caller, who is in the room; not for ever, since some only read.

        Raises:
            SessionOverError
        """
        with _while_it_lasts():
            subscribed = self.session.room_io.subscribed_fut
        assert subscribed is not None
        try:
            async with asyncio.timeout(self._settings.caller_listens_s):
                await asyncio.shield(subscribed)
        except TimeoutError:
            # with the sound on, each answer would wait for an ear
            self.session.output.set_audio_enabled(False)
            subscribed.add_done_callback(lambda _: self.session.output.set_audio_enabled(True))

    async def greet(self, phone: PhoneCall | None) -> None:
        """Have the persona's greeting said. Cancelled, it is not said, or no further.

        Raises:
            SessionOverError
        """
        wanted = f"{self._persona.greeting} {_about(phone)}" if phone else self._persona.greeting
        for left in reversed(range(_GREETING_TRIES if self._persona.greeting else 0)):
            error = (await self.say(wanted)).exception()
            if error is None:
                return
            if left:
                logger.warning("the greeting is tried again", extra={"error": str(error), "tries_left": left})
            else:
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
        self._observer.prompted()
        with _while_it_lasts():
            return self.session.generate_reply(instructions=instructions)

    async def take_turn(self, text: str) -> None:
        """The caller has typed: whatever is being said ends, and the model answers.

        Raises:
            SessionOverError
        """
        self.goodbye.cancel()
        self._observer.typed()
        with _while_it_lasts():
            await self.session.interrupt()
            self.session.generate_reply(user_input=text)


@contextlib.contextmanager
def _while_it_lasts() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # LiveKit's word for a session that is closing, from before it tells so
        raise SessionOverError from error


def _about(phone: PhoneCall) -> str:
    number = f"from {phone.number}" if phone.number else "and doesn't show a number"
    return f"(The caller is on a telephone {number}; they can press keys and see nothing.)"


def _model(settings: Settings, persona: Persona) -> EarshotModel:
    key = settings.google_api_key
    endpoint = Endpoint(
        model=settings.gemini_model,
        api_key=EMULATOR_KEY if settings.gemini_base_url or key is None else key.get_secret_value(),
        api_version=settings.gemini_api_version,
        base_url=settings.gemini_base_url,
        ca_file=settings.gemini_ca_file,
    )
    return EarshotModel(endpoint, Voicing(persona.voice, persona.language, persona.temperature, settings.gemini_silence_ms))
