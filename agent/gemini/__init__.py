"""All that knows Gemini: the realtime model, its session, what each model can do. Imports nothing else of `agent`.

What stands in `__all__` is all that others use of it.
"""

from agent.gemini.audio import FRAME_MS, INPUT_RATE_HZ, OUTPUT_RATE_HZ
from agent.gemini.capabilities import CAPABILITIES, VOICES, Capabilities
from agent.gemini.declarations import DeclarationError, check_tools
from agent.gemini.events import Cause, During, Kind, Line, LinkEvent
from agent.gemini.limits import LinkLimits
from agent.gemini.listener import ModelListener, SilentListener
from agent.gemini.live_config import Voicing
from agent.gemini.model import EMULATOR_KEY, EarshotModel, Endpoint, tls_context
from agent.gemini.model_events import Code, CodeResult, ContextTokens, ModelEvent, Source, Sources, Thought, TurnCompleteReason
from agent.gemini.session import EarshotSession

__all__ = [
    "CAPABILITIES",
    "EMULATOR_KEY",
    "FRAME_MS",
    "INPUT_RATE_HZ",
    "OUTPUT_RATE_HZ",
    "VOICES",
    "Capabilities",
    "Cause",
    "Code",
    "CodeResult",
    "ContextTokens",
    "DeclarationError",
    "During",
    "EarshotModel",
    "EarshotSession",
    "Endpoint",
    "Kind",
    "Line",
    "LinkEvent",
    "LinkLimits",
    "ModelEvent",
    "ModelListener",
    "SilentListener",
    "Source",
    "Sources",
    "Thought",
    "TurnCompleteReason",
    "Voicing",
    "check_tools",
    "tls_context",
]
