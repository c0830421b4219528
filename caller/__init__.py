"""A headless caller: joins a LiveKit room, speaks, listens and measures. The demo's, the tests' and the benchmarks' ear.

Every time is in seconds on `time.monotonic()`: on one machine it can be compared between processes.
"""

from caller.call_endings import CallEnding
from caller.caller import Caller
from caller.ear import Ear, Span, dropouts, spans
from caller.errors import (
    CallEndedError,
    CallerError,
    JoinError,
    NoAgentError,
    NotHeardError,
    TokenError,
    UnknownPersonaError,
)
from caller.events import (
    AgentAttributes,
    AgentSilent,
    AgentSound,
    AgentTrack,
    BackgroundSilent,
    BackgroundSound,
    Caption,
    Event,
    Joined,
    Key,
    Left,
    RoomEvent,
    SpeechEnd,
    SpeechStart,
    Timing,
)
from caller.signing import sign_token
from caller.tokens import Grant, ask_for_token
from speech import SpeechError, Voice, read_wav, synthesize, write_wav

__all__ = [
    "AgentAttributes",
    "AgentSilent",
    "AgentSound",
    "AgentTrack",
    "BackgroundSilent",
    "BackgroundSound",
    "CallEndedError",
    "CallEnding",
    "Caller",
    "CallerError",
    "Caption",
    "Ear",
    "Event",
    "Grant",
    "JoinError",
    "Joined",
    "Key",
    "Left",
    "NoAgentError",
    "NotHeardError",
    "RoomEvent",
    "Span",
    "SpeechEnd",
    "SpeechError",
    "SpeechStart",
    "Timing",
    "TokenError",
    "UnknownPersonaError",
    "Voice",
    "ask_for_token",
    "dropouts",
    "read_wav",
    "sign_token",
    "spans",
    "synthesize",
    "write_wav",
]
