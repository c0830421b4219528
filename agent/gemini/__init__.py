"""All that knows Gemini: the realtime model, its session, what each model can do. Imports nothing else of `agent`."""

from agent.gemini.capabilities import CAPABILITIES, VOICES, Capabilities
from agent.gemini.model import EarshotModel, Endpoint, Voicing, check_plugin, tls_context
from agent.gemini.orders import LinkLimits

__all__ = [
    "CAPABILITIES",
    "VOICES",
    "Capabilities",
    "EarshotModel",
    "Endpoint",
    "LinkLimits",
    "Voicing",
    "check_plugin",
    "tls_context",
]
