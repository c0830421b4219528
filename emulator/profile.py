"""The behaviour of a model on the wire, and its times, as types: each value with where it is known from.

The defaults are gemini-3.8-live's. Evidence: docs/facts.md, G. Times are in seconds, `_ms` in milliseconds.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

RECORDED, DOCUMENTED, REPORTED, GUESSED = "recorded", "documented", "reported", "guessed"
Silence = Literal["nothing", "empty_turn", "waiting"]
SILENCES: tuple[Silence, ...] = get_args(Silence)
"""What comes after the transcript of words that a proactive model leaves unanswered: no capture shows which it is."""


def _known(tag: str, default: Any) -> Any:
    """A field with where its default, 3.8's value, is known from."""
    return field(default=default, metadata={"known": tag})


@dataclass(frozen=True)
class ConnectionProfile:
    """How connections and sessions begin, end and are resumed; the defaults are gemini-3.8-live's."""

    setup_s: float = _known(RECORDED, 0.28)
    """From the setup to setupComplete. 0.25-0.32."""
    resume_s: float = _known(RECORDED, 0.55)
    """From the setup of a resume to setupComplete. 0.5-0.6."""
    locked_s: float = _known(RECORDED, 0.55)
    """From the setup of a resume to the close, where the session's old socket is still open. 0.47-0.70."""
    cooldown_s: float = _known(RECORDED, 1.5)
    """How long a session stays locked after its socket dropped in silence."""
    handles: str = _known(RECORDED, "after_setup")
    """When handles are sent: `after_setup` (once, asked or not), `often` (about every 1.2 s), `asked` (after setup and after
    each turn, if the setup asks), `each_turn` (after each turn, asked or not, and none before the first)."""
    handles_cover: str = _known(RECORDED, "session")
    """What a resume brings back: the whole `session` up to the drop, or what was known at the `moment` of the handle."""
    calls_survive: bool = _known(RECORDED, True)
    """A call that was open when the socket was lost can be answered after the resume."""
    context_tokens: int = _known(DOCUMENTED, 131_072)


@dataclass(frozen=True)
class HearingProfile:
    """How the caller's turns are heard and read; the defaults are gemini-3.8-live's."""

    prefix_padding_ms: int = _known(RECORDED, 140)
    """Speech before ACTIVITY_START. 139-262 after the onset."""
    silence_ms: int = _known(RECORDED, 1000)
    """Quiet before the end of a turn, where the setup doesn't say. With `end_s`: 1.19-1.28."""
    low_sensitivity: bool = _known(DOCUMENTED, False)
    """The voice activity detection's default."""
    end_s: float = _known(RECORDED, 0.2)
    """From the end of the turn to ACTIVITY_END."""
    voice_activity: bool = _known(RECORDED, True)
    """voiceActivity messages are sent, unasked."""
    transcript_pieces: bool = _known(RECORDED, False)
    """The caller's words are sent one by one instead of as one sentence."""
    media_chunks: bool = _known(REPORTED, False)
    """realtimeInput.mediaChunks, the legacy field, is taken; otherwise 1007."""
    roleless_content: bool = _known(REPORTED, False)
    """A turn without a role is taken; otherwise 1007."""
    dot_is_empty: bool = _known(REPORTED, True)
    """A lone "." is answered by an empty turn."""


@dataclass(frozen=True)
class SpeakingProfile:
    """How the model's turns are timed and written; the defaults are gemini-3.8-live's."""

    think_s: float = _known(RECORDED, 0.55)
    """From ACTIVITY_END to the first output. 0.5-0.9."""
    tool_answer_s: float = _known(RECORDED, 0.6)
    """From the tool response to the first output. 0.5-0.9."""
    interrupted_s: float = _known(RECORDED, 0.075)
    """From `interrupted` to its turnComplete. 0.05-0.1."""
    pace: float = _known(RECORDED, 4.0)
    """Audio is delivered this many times faster than it plays. 3.6-4.3."""
    first_chunk_ms: int = _known(GUESSED, 40)
    chunk_ms: int = _known(RECORDED, 200)
    """Audio in one message; worked out from counts of chunks and tokens."""
    order: str = _known(RECORDED, "bundled")
    """Words and sound: `bundled` in one message, `interleaved` in messages of their own, `words_first`."""
    role: bool = _known(RECORDED, True)
    """modelTurn says `role: model`."""
    audio_mime: str = _known(RECORDED, "audio/pcm;rate=24000")
    keepalives: bool = _known(RECORDED, True)
    """`{}` before almost every audio message."""
    empty_content: bool = _known(RECORDED, True)
    """An empty serverContent before the first output."""
    thoughts: str = _known(RECORDED, "never")
    """Thought parts: `always`, `asked` (includeThoughts) or `never`."""
    interaction_status: bool = _known(DOCUMENTED, False)
    """turnComplete says `interactionStatus`; a turn is over at IDLE."""
    silence: str = _known(GUESSED, "nothing")
    """How a proactive model shows that it doesn't answer: one of `SILENCES`."""
    search_as_code: bool = _known(REPORTED, False)
    """A search shows as executableCode and its result; otherwise as groundingMetadata alone."""


@dataclass(frozen=True)
class ToolProfile:
    """How functions are called; the defaults are gemini-3.8-live's."""

    call_id: str = _known(RECORDED, "call_{:07d}")
    tools_non_blocking: bool = _known(RECORDED, True)
    """A function whose declaration doesn't say is NON_BLOCKING."""
    blocking: bool = _known(DOCUMENTED, True)
    """BLOCKING is taken; otherwise 1007."""
    non_blocking: bool = _known(DOCUMENTED, True)
    """NON_BLOCKING is kept; otherwise such a function blocks all the same."""
    scheduling: bool = _known(DOCUMENTED, True)
    """A response says when it is spoken about; otherwise always WHEN_IDLE."""
    cancellation: bool = _known(RECORDED, False)
    """toolCallCancellation is sent when the caller goes on."""
    double_completion: bool = _known(RECORDED, False)
    """The turn of a blocking call is completed before its answer, which is a turn of its own."""


@dataclass(frozen=True)
class SetupProfile:
    """What a setup may ask for; the defaults are gemini-3.8-live's."""

    thinking: str = _known(DOCUMENTED, "refused")
    """thinkingConfig: `budget`, `level`, `required` (a level) or `refused`."""
    levels: str = _known(DOCUMENTED, "")
    """The words of thinkingLevel that are taken."""
    proactive: str = _known(DOCUMENTED, "always")
    """proactivity: `v1alpha`, `option`, `no` or `always`."""
    affective: str = _known(DOCUMENTED, "no")
    """enableAffectiveDialog: `v1alpha`, `option` or `no`."""
    google_tools: str = _known(DOCUMENTED, "google_search")
    """Google's own tools that are taken."""
    repeated_tools: bool = _known(REPORTED, False)
    """Two functions of one name are taken; otherwise 1011."""
    context_update: bool = _known(DOCUMENTED, True)
    """contextUpdate is taken, which replaces instructions and tools of an open session; otherwise 1007."""
    text_refusal: str = _known(RECORDED, "modalities")
    """What TEXT alone is refused with: `modalities` or `voices`."""


@dataclass(frozen=True)
class TranslationProfile:
    """How speech is translated while it is spoken; the defaults are of a model that doesn't."""

    translates: bool = _known(DOCUMENTED, False)
    """The model translates and does nothing else: it takes translationConfig, and neither text nor functions nor pictures."""
    lag_s: float = _known(GUESSED, 2.0)
    """From speech to its translation. Documented: a few seconds."""
    piece_s: float = _known(RECORDED, 1.0)
    """From one piece of the caller's words to the next."""


@dataclass(frozen=True)
class TokenProfile:
    """How usageMetadata counts; the defaults are gemini-3.8-live's."""

    usage_key: str = _known(RECORDED, "response")
    hidden_text_tokens: int = _known(RECORDED, 312)
    """Text tokens that are billed although nobody sent them."""
    hidden_audio_tokens: int = _known(RECORDED, 222)
    """Audio tokens that are billed although nobody sent them."""
    thought_tokens: int = _known(RECORDED, 40)
    """Tokens of thought in every turn; they are no part of the total."""


class Value(NamedTuple):
    """One value of a profile, and where it is known from."""

    name: str
    value: Any
    known: str


@dataclass(frozen=True)
class Profile:
    """One model generation."""

    model: str
    known: Mapping[str, str] = field(default_factory=dict)
    """Where a value is known from, by field name, where that differs from the field's own word; "" stands for all others."""
    vertex: bool = False
    """The model is served on Vertex's path and named as there; setupComplete carries a session id."""
    connection: ConnectionProfile = field(default_factory=ConnectionProfile)
    hearing: HearingProfile = field(default_factory=HearingProfile)
    speaking: SpeakingProfile = field(default_factory=SpeakingProfile)
    tools: ToolProfile = field(default_factory=ToolProfile)
    setup: SetupProfile = field(default_factory=SetupProfile)
    translation: TranslationProfile = field(default_factory=TranslationProfile)
    tokens: TokenProfile = field(default_factory=TokenProfile)

    @property
    def name(self) -> str:
        """The model's name, after `vertex/` for a model as Vertex serves it."""
        return f"vertex/{self.model}" if self.vertex else self.model

    def values(self) -> Iterator[Value]:
        """All values of all groups."""
        for group in (self.connection, self.hearing, self.speaking, self.tools, self.setup, self.translation, self.tokens):
            for each in dataclasses.fields(group):
                known = self.known.get(each.name, self.known.get("", each.metadata["known"]))
                yield Value(each.name, getattr(group, each.name), known)
