"""The differences between models that the link heeds: one table. Evidence: docs/facts.md G9, G10.

Which settings a model takes: agent/gemini/live_features.py. emulator/profiles.py is the other side of both.
"""

from dataclasses import dataclass, replace

from google.genai import types
from livekit.agents import llm

from agent.gemini.live_features import TRANSLATE_FAMILY, TRANSLATE_MODEL

VOICES = frozenset(
    (
        *("Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe", "Charon", "Despina"),
        *("Enceladus", "Erinome", "Fenrir", "Gacrux", "Iapetus", "Kore", "Laomedeia", "Leda", "Orus", "Pulcherrima"),
        *("Puck", "Rasalgethi", "Sadachbia", "Sadaltager", "Schedar", "Sulafat", "Umbriel", "Vindemiatrix", "Zephyr"),
        "Zubenelgenubi",
    )
)
"""Gemini's prebuilt voices, as LiveKit's plugin lists them. Importing the plugin for it costs too much (docs/facts.md L37)."""


@dataclass(frozen=True)
class Capabilities:
    whole_transcripts: bool
    """The caller's words arrive as one sentence when the turn ends, not in pieces while the model answers already."""
    resumes_whole: bool = False
    """A handle restores all that was said before a drop, and open calls; else only what was said before it was given."""
    non_blocking_tools: bool = False
    """Functions are declared as ones that the model doesn't wait for, unless they say otherwise."""
    tool_behaviors: frozenset[types.Behavior] = frozenset({types.Behavior.BLOCKING, types.Behavior.NON_BLOCKING})
    """The behaviors that a function can have (docs/facts.md G140)."""
    tool_scheduling: bool = False
    """A result may say when the model speaks about it (docs/facts.md G141)."""
    tool_progress: bool = False
    """A call may be answered several times (`willContinue`, docs/facts.md G142)."""
    initial_history: bool = False
    """A setup can announce the conversation from before it (docs/facts.md G180)."""
    needs_placeholder: bool = False
    """An answer is asked for with a turn of the caller's that says nothing; other models would answer that."""
    takes_live_text: bool = False
    """A text that wants an answer goes in as live input; content is history only."""
    answer_s: float = 3.0
    """The model is reminded after this many seconds without an answer."""
    thinking: types.ThinkingLevel | None = None
    """The level that a connection asks for. None: the service refuses a connection that asks for one."""
    context_updates: bool = False
    """Instructions and tools can be replaced while a connection is open (docs/facts.md G170)."""
    ends_turn_at_dot: bool = False
    """A turn of the caller's that is a lone "." ends what the model says, and gets no words (docs/facts.md G173)."""
    translates: bool = False
    """The model translates what it hears as it comes: sound and a target language in, no turns, text, tools or voice."""


_2_5 = Capabilities(
    whole_transcripts=False, needs_placeholder=True, tool_scheduling=True, tool_progress=True, initial_history=True
)
CAPABILITIES = {
    "gemini-3.8-live": Capabilities(
        whole_transcripts=True,
        resumes_whole=True,
        non_blocking_tools=True,
        tool_scheduling=True,
        tool_progress=True,
        initial_history=True,
        context_updates=True,
        ends_turn_at_dot=True,
    ),
    "gemini-3.8-live-extended-thinking": Capabilities(
        whole_transcripts=True,
        resumes_whole=True,
        initial_history=True,
        non_blocking_tools=True,
        tool_behaviors=frozenset({types.Behavior.NON_BLOCKING}),
        answer_s=12.0,
        thinking=types.ThinkingLevel.LOW,
    ),
    "gemini-3.1-flash-live-preview": Capabilities(
        whole_transcripts=True,
        initial_history=True,
        takes_live_text=True,
        tool_behaviors=frozenset({types.Behavior.BLOCKING}),
    ),
    "gemini-2.5-flash-native-audio-preview-12-2025": _2_5,
    "gemini-2.5-flash-native-audio-preview-09-2025": _2_5,
    "gemini-live-2.5-flash-native-audio": replace(_2_5, tool_scheduling=False, tool_progress=False, initial_history=False),
    TRANSLATE_MODEL: Capabilities(whole_transcripts=False, translates=True),
}
CAUTIOUS = Capabilities(whole_transcripts=False)
"""Capabilities that are sure of any model."""
_WITH_PLACEHOLDER = ("2.0", "2.5")
_WITH_BLOCKING_TOOLS = (*_WITH_PLACEHOLDER, "3.1")


def capabilities_of(model: str, *, vertex: bool = False) -> Capabilities:
    """For a model that the table doesn't know, what is sure, and what its generation, or else the newest, has in common.

    `model`: its name, or Vertex's whole one (`projects/.../models/NAME`). `vertex`: Vertex AI serves it, which takes one result
    for a call (docs/facts.md G142) and no announcement of earlier turns (docs/facts.md G180).
    """
    model = model.rpartition("/")[2]
    unknown = replace(
        CAUTIOUS,
        needs_placeholder=any(generation in model for generation in _WITH_PLACEHOLDER),
        non_blocking_tools=not any(generation in model for generation in _WITH_BLOCKING_TOOLS),
        translates=TRANSLATE_FAMILY in model,
    )
    known = CAPABILITIES.get(model, unknown)
    return replace(known, tool_progress=False, initial_history=False) if vertex else known


def realtime_capabilities() -> llm.RealtimeCapabilities:
    """A Gemini session's capabilities, for LiveKit. What each flag changes: livekit-agents 1.8.9, voice/agent_activity.py."""
    return llm.RealtimeCapabilities(
        message_truncation=True,  # here: it is how LiveKit says what of an answer was heard
        turn_detection=True,
        user_transcription=True,
        auto_tool_reply_generation=True,  # a function's result makes the model speak
        audio_output=True,
        manual_function_calls=True,  # a result whose call the session has forgotten is told in words
        can_disable_turn_detection=True,
        mutable_chat_context=True,  # it can be added to, and what is taken out of it stays known
        # A connection can be asked for other instructions and tools, so that agents that take turns share one session: what
        # the model knows, and the calls that wait for a result, outlive a change of agents (docs/facts.md L27).
        mutable_instructions=True,
        mutable_tools=True,
        per_response_tool_choice=True,  # calls that a reply doesn't allow are refused
        supports_say=True,
    )
