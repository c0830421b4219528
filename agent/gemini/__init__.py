"""All that knows Gemini: the realtime model, its session, what each model can do. Imports nothing else of `agent`."""

from agent.gemini.capabilities import CAPABILITIES, VOICES, Capabilities
from agent.gemini.declarations import DeclarationError, check_tools
from agent.gemini.limits import LinkLimits
from agent.gemini.model import EarshotModel, Endpoint, Voicing, check_plugin, tls_context

__all__ = [
    "CAPABILITIES",
    "VOICES",
    "Capabilities",
    "DeclarationError",
    "EarshotModel",
    "Endpoint",
    "LinkLimits",
    "Voicing",
    "check_plugin",
    "check_tools",
    "tls_context",
]
