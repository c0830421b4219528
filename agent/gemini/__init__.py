"""All that knows Gemini: the realtime model, its session, what each model can do. Imports nothing else of `agent`."""

from agent.gemini.capabilities import CAPABILITIES, VOICES, Capabilities
from agent.gemini.declarations import DeclarationError, check_tools
from agent.gemini.listener import ModelListener, SilentListener
from agent.gemini.live_config import Voicing
from agent.gemini.model import EarshotModel, Endpoint, tls_context
from agent.gemini.orders import LinkLimits

__all__ = [
    "CAPABILITIES",
    "VOICES",
    "Capabilities",
    "DeclarationError",
    "EarshotModel",
    "Endpoint",
    "LinkLimits",
    "ModelListener",
    "SilentListener",
    "Voicing",
    "check_tools",
    "tls_context",
]
