"""What a model generation does on the wire and how fast: one frozen table. Evidence: docs/facts.md, G.

These are the same facts as agent/gemini/capabilities.py's, seen from the service's side and kept separately on purpose: each
checks the other.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One model generation. Times in seconds, `_ms` in milliseconds; the tag says how a value is known."""

    model: str

    setup_s: float = 0.28
    """Setup to setupComplete. Recorded: 0.25-0.32."""
    resume_s: float = 0.55
    """The same on a resume. Recorded: 0.5-0.6."""
    locked_s: float = 0.55
    """Setup to the close of a resume against an open session. Recorded: 0.47-0.70."""
    cooldown_s: float = 1.5
    """How long a session stays locked after its socket dropped in silence. Recorded."""

    prefix_padding_ms: int = 140
    """Speech before ACTIVITY_START. Recorded: 139-262 after the onset."""
    silence_ms: int = 1000
    """Quiet before the end of a turn, where the setup doesn't say. Recorded with `end_s`: 1.19-1.28."""
    end_s: float = 0.2
    """End of turn found to ACTIVITY_END."""
    think_s: float = 0.55
    """ACTIVITY_END to the first output. Recorded: 0.5-0.9."""
    tool_answer_s: float = 0.6
    """Tool response to the first output. Recorded: 0.5-0.9."""
    interrupted_s: float = 0.075
    """`interrupted` to its turnComplete. Recorded: 0.05-0.1."""

    pace: float = 4.0
    """Audio is delivered this many times faster than it plays. Recorded: 3.6-4.3."""
    first_chunk_ms: int = 40
    chunk_ms: int = 200
    """Of audio in one message. Inferred from recordings."""

    call_id_prefix: str = "call_"
    tools_non_blocking: bool = True
    """How a tool behaves that doesn't say. Documented, and recorded."""
    keepalives: bool = True
    """`{}` before almost every audio frame, an empty serverContent before the first. Recorded."""
    hidden_text_tokens: int = 312
    hidden_audio_tokens: int = 222
    """Billed although nobody sent them. Recorded."""


GEMINI_3_8_LIVE = Profile("gemini-3.8-live")

PROFILES = {profile.model: profile for profile in (GEMINI_3_8_LIVE,)}
