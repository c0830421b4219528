"""What each model can do: one table. Evidence: docs/facts.md G10. emulator/profiles.py is the other side."""

from dataclasses import dataclass
from typing import get_args

from google.genai import types
from livekit.plugins.google.realtime.api_proto import Voice

VOICES: frozenset[str] = frozenset(get_args(Voice))
"""Gemini's prebuilt voices."""


@dataclass(frozen=True)
class Capabilities:
    whole_transcripts: bool
    """The caller's words arrive as one sentence when the turn ends, not in pieces while the model answers already."""
    resumes_whole: bool = False
    """A handle restores all that was said before a drop, and open calls; else only what was said before it was given."""
    takes_live_text: bool = False
    """A text that wants an answer goes in as live input; content is history only."""
    answer_s: float = 3.0
    """How long an answer may take before the model is reminded."""
    thinking: types.ThinkingLevel | None = None
    """The level that a connection asks for. None: the service refuses a connection that asks for one."""


CAPABILITIES = {
    "gemini-3.8-live": Capabilities(whole_transcripts=True, resumes_whole=True),
    "gemini-3.8-live-extended-thinking": Capabilities(
        whole_transcripts=True, resumes_whole=True, answer_s=12.0, thinking=types.ThinkingLevel.LOW
    ),
    "gemini-3.1-flash-live-preview": Capabilities(whole_transcripts=True, takes_live_text=True),
    "gemini-2.5-flash-native-audio-preview-12-2025": Capabilities(whole_transcripts=False),
}
CAUTIOUS = Capabilities(whole_transcripts=False)
"""For a model that the table doesn't know."""
