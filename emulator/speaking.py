"""The model's turn on the wire: from its first output to turnComplete, which waits until the sound would have been played."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from emulator.agenda import Agenda
from emulator.answers import WebPage
from emulator.messages import Json, Setup
from emulator.profile import Profile
from emulator.reply import BYTES_PER_S, Chunk, chunk_messages, chunks, model_turn, words_before_sound
from emulator.sessions import Memory
from emulator.usage import text_tokens, usage


class Synthesizer(Protocol):
    """Makes speech of text."""

    def prepare(self, text: str, voice: str, language: str, /) -> None:
        """Begin to make the speech of a text that is going to be said soon."""

    def speak(self, text: str, voice: str, language: str, /) -> bytes:
        """The speech of a text by a Gemini voice name in a language: mono PCM16 at 24 kHz."""
        ...


_REPLY, _INTERRUPTED = "reply", "interrupted"
_CALL_TURN_S = 0.01
_RESULT_LINE = "Looking up information on Google Search.\n"


class Speaking:
    """The model's turns on one connection; at most one is open at a time."""

    def __init__(
        self,
        profile: Profile,
        setup: Setup,
        memory: Memory,
        agenda: Agenda,
        voice: Synthesizer,
        on_complete: Callable[[float], None],
    ) -> None:
        """Speak with a voice, by an agenda.

        Args:
            profile: how the model speaks.
            setup: what the client asked for.
            memory: the session's, where what is said is counted.
            agenda: the conversation's.
            voice: who makes the sound.
            on_complete: called with the time after each turn.
        """
        self._profile, self._style = profile, profile.speaking
        self._setup, self._memory = setup, memory
        self._agenda = agenda
        self._voice = voice
        self._on_complete = on_complete
        self._outbox: list[Json] = []
        """Messages that are not taken yet; they are taken after each step of the conversation."""
        self.turn_open = False
        self._sent_audio_s = 0.0
        self._sent_text = ""
        self._searched_for = ""
        self._pages: Sequence[WebPage] = ()
        self._complete_reason = ""

    def send(self, *messages: Json) -> None:
        self._outbox.extend(messages)

    def take(self) -> list[Json]:
        """The messages that must be sent now, in order."""
        sent, self._outbox = self._outbox, []
        return sent

    def say(self, text: str, now: float, *, pcm: bytes = b"", complete_reason: str = "") -> None:
        """Speak a text, in a turn of its own or in the open one.

        Args:
            text: what is said.
            now: the time.
            pcm: its sound, instead of the voice's.
            complete_reason: the `turnCompleteReason` at the turn's end; empty for none.
        """
        self._complete_reason = complete_reason
        audio = pcm or self._voice.speak(text, self._setup.voice, self._setup.language)
        self.turn_open = True
        transcribed = self._setup.output_transcription
        if first := words_before_sound(text, self._style, transcribed=transcribed):
            self._sent_text += text
            self.send(*first)
        sent_s = 0.0
        for chunk in chunks(text, audio, self._style):
            sent_s = chunk.sent_s
            self._agenda.at(now + sent_s, _REPLY, partial(self._send_chunk, chunk))
        generated = {"serverContent": {"generationComplete": True}}
        self._agenda.at(now + sent_s + 0.004, _REPLY, lambda _: self.send(generated))
        self._agenda.at(max(now + len(audio) / BYTES_PER_S, now + sent_s + 0.005), _REPLY, self.complete)

    def prepare(self, text: str) -> None:
        """Begin to make the speech of a text that is going to be said soon."""
        if text:
            self._voice.prepare(text, self._setup.voice, self._setup.language)

    def send_preamble(self, *, spoken: bool) -> None:
        """Send what precedes the first output: keepalives and an empty serverContent, where the model does."""
        empty: list[Json] = [{}] * (1 if spoken else 3)
        self.send(
            *(empty if self._style.keepalives else ()),
            *([{"serverContent": {}}] if self._style.empty_content else ()),
        )

    def show_thought(self, thought: str) -> None:
        """Send a thought, where the model shows any."""
        shown = self._style.thoughts == "always" or (self._style.thoughts == "asked" and self._setup.include_thoughts)
        if shown and thought:
            self.turn_open = True
            self.send(
                {"serverContent": {"modelTurn": model_turn([{"text": f"{thought}\n\n\n", "thought": True}], self._style)}}
            )

    def search(self, query: str, pages: Sequence[WebPage]) -> None:
        """Search the web, if the setup lets it: on some models it shows as code, on all as grounding at the end of the turn."""
        if not query or not self._setup.searches:
            return
        self.turn_open = True
        self._searched_for, self._pages = query, pages
        if self._style.search_as_code:
            code = {"executableCode": {"language": "PYTHON", "code": f'concise_search("{query}", max_num_results=5)\n'}}
            result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": _RESULT_LINE}}
            self.send(*({"serverContent": {"modelTurn": model_turn([part], self._style)}} for part in (code, result)))

    def call(self, functions: list[Json], now: float, *, completes: bool) -> None:
        """Call functions; the turn is completed after that (`completes`), or waits for the responses."""
        self.turn_open = True
        self.send({"toolCall": {"functionCalls": functions}})
        if completes:
            self._agenda.at(now + _CALL_TURN_S, _REPLY, self.complete)

    def answer_in_turn(self, text: str, when: float, *, pcm: bytes = b"") -> None:
        """Go on with the open turn at that time."""
        self._agenda.at(when, _REPLY, partial(self.say, text, pcm=pcm))

    def interrupt(self, now: float, cancelled: list[str]) -> None:
        """Drop the rest of the open turn: `interrupted` and the cancelled calls now, turnComplete shortly after."""
        if not self.turn_open or self._agenda.holds(_INTERRUPTED):
            return
        self._agenda.cancel(_REPLY)
        self.send({"serverContent": {"interrupted": True}})
        if cancelled and self._profile.tools.cancellation:
            self.send({"toolCallCancellation": {"ids": cancelled}})
        self._agenda.at(now + self._style.interrupted_s, _INTERRUPTED, self.complete)

    def complete(self, now: float) -> None:
        """End the open turn, with its usage."""
        content: dict[str, object] = {"turnComplete": True}
        if self._style.interaction_status:
            content["interactionStatus"] = "IDLE"
        if self._searched_for:
            content["groundingMetadata"] = _grounding(self._searched_for, self._pages, self._sent_text)
        elif self._profile.vertex:
            content["groundingMetadata"] = {}
        if self._complete_reason:
            content["turnCompleteReason"] = self._complete_reason
        tokens = usage(self._profile, self._memory, said_s=self._sent_audio_s, said=self._sent_text)
        self._memory.add(audio_s=self._sent_audio_s, text_tokens=text_tokens(self._sent_text))
        self.send({"serverContent": content, "usageMetadata": tokens})
        self.turn_open = False
        self._sent_audio_s, self._sent_text, self._searched_for = 0.0, "", ""
        self._complete_reason = ""
        self._on_complete(now)

    @property
    def may_stay_silent(self) -> bool:
        """The model is proactive: words that aren't meant for it may stay unanswered."""
        return self._profile.setup.proactive == "always" or bool(self._setup.proactive)

    def stay_silent(self, shown: str, now: float) -> None:
        """Leave the caller's words unanswered. `shown`: a word of `Rule.ignored`."""
        shown = self._style.silence if shown == "profile" else shown
        if shown == "empty_turn":
            self.complete(now)
        elif shown == "waiting":
            self.send({"serverContent": {"waitingForInput": True}})

    def empty(self, now: float) -> None:
        """Send a turn without content."""
        self.turn_open = True
        self.send({"serverContent": {"generationComplete": True}})
        self.complete(now)

    def _send_chunk(self, chunk: Chunk, _now: float) -> None:
        self._sent_audio_s += len(chunk.audio) / BYTES_PER_S
        if self._style.order != "words_first":
            self._sent_text += chunk.text
        self.send(*chunk_messages(chunk, self._style, transcribed=self._setup.output_transcription))


def call_id(profile: Profile, number: int) -> str:
    """The id of a call, in the model's style."""
    return profile.tools.call_id.format(number, uuid=uuid.uuid4())


def _grounding(query: str, pages: Sequence[WebPage], said: str) -> Json:
    support = {"segment": {"endIndex": len(said), "text": said}, "groundingChunkIndices": list(range(len(pages)))}
    rendered = f'<div class="container">{query}</div>'
    return {
        "webSearchQueries": [query],
        "groundingChunks": [{"web": {"uri": page.uri, "title": page.title, "domain": page.title}} for page in pages],
        "groundingSupports": [support],
        "searchEntryPoint": {"renderedContent": rendered},
    }
