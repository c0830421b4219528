"""What a model generation does on the wire and how fast: one frozen table, each value with where it is known from.

`python -m emulator profiles` prints it. The facts are agent/gemini/capabilities.py's too, seen from the service's side and kept
separately on purpose: each checks the other. Evidence: docs/facts.md, G.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECORDED, DOCUMENTED, REPORTED, GUESSED = "recorded", "documented", "reported", "guessed"


def _known(tag: str, default: Any) -> Any:
    """A field with where its default, 3.8's value, is known from."""
    return field(default=default, metadata={"known": tag})


@dataclass(frozen=True)
class Profile:
    """One model generation; the defaults are gemini-3.8-live's. Times in seconds, `_ms` in milliseconds."""

    model: str
    known: Mapping[str, str] = field(default_factory=dict)
    """Where a value is known from, where that differs from the field's own word; "" stands for all others."""

    # the connection
    vertex: bool = False
    """Served on Vertex's path and named as there; setupComplete carries a session id."""
    setup_s: float = _known(RECORDED, 0.28)
    """Setup to setupComplete. 0.25-0.32."""
    resume_s: float = _known(RECORDED, 0.55)
    """The same on a resume. 0.5-0.6."""
    locked_s: float = _known(RECORDED, 0.55)
    """Setup to the close of a resume against an open session. 0.47-0.70."""
    cooldown_s: float = _known(RECORDED, 1.5)
    """How long a session stays locked after its socket dropped in silence."""
    handles: str = _known(RECORDED, "after_setup")
    """When handles are sent: `after_setup` (once, asked or not), `often` (about every 1.2 s), `asked` (after setup and after
    each turn, if the setup asks)."""
    handles_cover: str = _known(RECORDED, "session")
    """What a resume brings back: the whole `session` up to the drop, or what was known at the `moment` of the handle."""
    calls_survive: bool = _known(RECORDED, True)
    """A call that was open when the socket was lost can be answered after the resume."""
    context_tokens: int = _known(DOCUMENTED, 131_072)

    # hearing
    prefix_padding_ms: int = _known(RECORDED, 140)
    """Speech before ACTIVITY_START. 139-262 after the onset."""
    silence_ms: int = _known(RECORDED, 1000)
    """Quiet before the end of a turn, where the setup doesn't say. With `end_s`: 1.19-1.28."""
    low_sensitivity: bool = _known(DOCUMENTED, False)
    """The voice activity detection's default."""
    end_s: float = _known(RECORDED, 0.2)
    """End of turn found to ACTIVITY_END."""
    voice_activity: bool = _known(RECORDED, True)
    """voiceActivity messages, unasked."""
    transcript_pieces: bool = _known(RECORDED, False)
    """The caller's words one by one instead of as one sentence."""
    media_chunks: bool = _known(REPORTED, False)
    """Takes the legacy field; otherwise 1007."""
    roleless_content: bool = _known(REPORTED, False)
    """Takes a turn without a role; otherwise 1007."""
    dot_is_empty: bool = _known(REPORTED, True)
    """A lone "." is answered by an empty turn."""

    # speaking
    think_s: float = _known(RECORDED, 0.55)
    """ACTIVITY_END to the first output. 0.5-0.9."""
    tool_answer_s: float = _known(RECORDED, 0.6)
    """Tool response to the first output. 0.5-0.9."""
    interrupted_s: float = _known(RECORDED, 0.075)
    """`interrupted` to its turnComplete. 0.05-0.1."""
    pace: float = _known(RECORDED, 4.0)
    """Audio is delivered this many times faster than it plays. 3.6-4.3."""
    first_chunk_ms: int = _known(GUESSED, 40)
    chunk_ms: int = _known(RECORDED, 200)
    """Of audio in one message; worked out from counts of chunks and tokens."""
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
    search_as_code: bool = _known(REPORTED, False)
    """A search shows as executableCode and its result; otherwise as groundingMetadata alone."""

    # tools
    call_id: str = _known(RECORDED, "call_{:07d}")
    tools_non_blocking: bool = _known(RECORDED, True)
    """How a tool behaves that doesn't say."""
    blocking: bool = _known(DOCUMENTED, True)
    """Takes BLOCKING; otherwise 1007."""
    non_blocking: bool = _known(DOCUMENTED, True)
    """Takes NON_BLOCKING; otherwise such a tool blocks all the same."""
    scheduling: bool = _known(DOCUMENTED, True)
    """A response says when it is spoken about; otherwise always WHEN_IDLE."""
    cancellation: bool = _known(RECORDED, False)
    """toolCallCancellation when the caller goes on."""
    double_completion: bool = _known(RECORDED, False)
    """The turn of a blocking call is completed before its answer, which is a turn of its own."""

    # setup
    thinking: str = _known(DOCUMENTED, "refused")
    """thinkingConfig: `budget`, `level`, `required` (a level) or `refused`."""
    proactive: str = _known(DOCUMENTED, "always")
    """proactivity: `v1alpha`, `option`, `no` or `always`."""
    affective: str = _known(DOCUMENTED, "no")
    """enableAffectiveDialog: `v1alpha`, `option` or `no`."""
    repeated_tools: bool = _known(REPORTED, False)
    """Takes two functions of one name; otherwise 1011."""
    text_refusal: str = _known(RECORDED, "modalities")
    """What TEXT alone is refused with: `modalities` or `voices`."""

    # tokens
    usage_key: str = _known(RECORDED, "response")
    hidden_text_tokens: int = _known(RECORDED, 312)
    hidden_audio_tokens: int = _known(RECORDED, 222)
    """Billed although nobody sent them."""
    thought_tokens: int = _known(RECORDED, 40)
    """On every turn, and not part of the total."""

    def evidence(self, name: str) -> str:
        """Where a field's value is known from."""
        own = {each.name: each.metadata.get("known", GUESSED) for each in dataclasses.fields(self)}
        return self.known.get(name, self.known.get("", own[name]))


GEMINI_3_8_LIVE = Profile("gemini-3.8-live")

GEMINI_3_8_LIVE_ET = dataclasses.replace(
    GEMINI_3_8_LIVE,
    model="gemini-3.8-live-extended-thinking",
    known={"": GUESSED, "thinking": REPORTED, "interaction_status": DOCUMENTED, "blocking": REPORTED, "scheduling": REPORTED},
    thinking="required",
    thoughts="asked",
    interaction_status=True,
    blocking=False,
    scheduling=False,
)

GEMINI_3_1_FLASH_LIVE = dataclasses.replace(
    GEMINI_3_8_LIVE,
    model="gemini-3.1-flash-live-preview",
    known={
        **dict.fromkeys(("resume_s", "locked_s", "cooldown_s", "calls_survive", "prefix_padding_ms", "end_s"), GUESSED),
        **dict.fromkeys(("silence_ms", "tool_answer_s", "hidden_audio_tokens", "thought_tokens"), GUESSED),
        "handles_cover": DOCUMENTED,
    },
    handles="often",
    handles_cover="moment",
    calls_survive=False,
    voice_activity=False,
    role=False,
    keepalives=False,
    think_s=0.7,
    call_id="fc_{:019d}",
    tools_non_blocking=False,
    non_blocking=False,
    scheduling=False,
    thinking="level",
    proactive="no",
    hidden_text_tokens=360,
    hidden_audio_tokens=0,
    thought_tokens=0,
)

GEMINI_2_5_NATIVE = dataclasses.replace(
    GEMINI_3_8_LIVE,
    model="gemini-2.5-flash-native-audio-preview-12-2025",
    known={
        **dict.fromkeys(("setup_s", "resume_s", "locked_s", "cooldown_s", "prefix_padding_ms", "end_s", "silence_ms"), GUESSED),
        **dict.fromkeys(("tool_answer_s", "think_s", "pace", "first_chunk_ms", "thought_tokens"), GUESSED),
        **dict.fromkeys(("calls_survive", "dot_is_empty"), REPORTED),
        **dict.fromkeys(("cancellation", "tools_non_blocking", "handles_cover"), DOCUMENTED),
    },
    handles="asked",
    handles_cover="moment",
    calls_survive=False,
    voice_activity=False,
    transcript_pieces=True,
    media_chunks=True,
    roleless_content=True,
    dot_is_empty=False,
    think_s=0.8,
    chunk_ms=60,
    order="interleaved",
    role=False,
    keepalives=False,
    empty_content=False,
    thoughts="always",
    search_as_code=True,
    call_id="function-call-{:019d}",
    tools_non_blocking=False,
    cancellation=True,
    thinking="budget",
    proactive="v1alpha",
    affective="v1alpha",
    repeated_tools=True,
    text_refusal="voices",
    hidden_text_tokens=1130,
    hidden_audio_tokens=0,
    thought_tokens=24,
)

VERTEX_2_5_NATIVE = dataclasses.replace(
    GEMINI_2_5_NATIVE,
    model="gemini-live-2.5-flash-native-audio",
    known={**GEMINI_2_5_NATIVE.known, "double_completion": RECORDED, "cancellation": GUESSED, "low_sensitivity": DOCUMENTED},
    vertex=True,
    low_sensitivity=True,
    chunk_ms=200,
    order="words_first",
    role=True,
    audio_mime="audio/pcm",
    thoughts="asked",
    call_id="{uuid}",
    cancellation=False,
    double_completion=True,
    scheduling=False,
    proactive="option",
    affective="option",
    usage_key="candidates",
    hidden_text_tokens=44,
    thought_tokens=0,
)

PROFILES = {
    profile.model: profile
    for profile in (GEMINI_3_8_LIVE, GEMINI_3_8_LIVE_ET, GEMINI_3_1_FLASH_LIVE, GEMINI_2_5_NATIVE, VERTEX_2_5_NATIVE)
}


_LETTERS = {RECORDED: "R", DOCUMENTED: "D", REPORTED: "u", GUESSED: "?"}


def table() -> str:
    """All profiles side by side, each value with a letter for where it is known from."""
    names = [each.name for each in dataclasses.fields(Profile) if each.name not in {"model", "known", "vertex"}]
    rows = [["", *PROFILES], *([name, *(_cell(one, name) for one in PROFILES.values())] for name in names)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", "R recorded  D documented  u reported by users  ? guessed"])


def _cell(profile: Profile, name: str) -> str:
    value = getattr(profile, name)
    shown = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return f"{shown} {_LETTERS[profile.evidence(name)]}"
