"""What each model can do: one table. Evidence: docs/facts.md G9, G10. emulator/profiles.py is the other side."""

from dataclasses import dataclass
from typing import get_args

from livekit.plugins.google.realtime.api_proto import Voice

VOICES: frozenset[str] = frozenset(get_args(Voice))
"""Gemini's prebuilt voices."""


@dataclass(frozen=True)
class Capabilities:
    whole_transcripts: bool
    """The caller's words arrive as one sentence when the turn ends, not in pieces while the model answers already."""
    scheduled_tools: bool
    """Tools may be NON_BLOCKING, and their results say when they are spoken about."""


CAPABILITIES = {
    "gemini-3.8-live": Capabilities(whole_transcripts=True, scheduled_tools=True),
    "gemini-3.8-live-extended-thinking": Capabilities(whole_transcripts=True, scheduled_tools=False),
    "gemini-3.1-flash-live-preview": Capabilities(whole_transcripts=True, scheduled_tools=False),
    "gemini-2.5-flash-native-audio-preview-12-2025": Capabilities(whole_transcripts=False, scheduled_tools=True),
}
CAUTIOUS = Capabilities(whole_transcripts=False, scheduled_tools=False)
"""For a model that the table doesn't know."""
