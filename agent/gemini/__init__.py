"""All that knows Gemini: the realtime model, its session, what each model can do. Imports nothing else of `agent`.

What stands in `__all__` is all that others use of it.
"""

from agent.gemini.access import (
    EMULATOR_KEY,
    GEMINI_URL,
    Access,
    ApiKey,
    EphemeralToken,
    FixedToken,
    Vertex,
    key_or_token,
    vertex_url,
)
from agent.gemini.api_version import GEMINI_VERSIONS, VERTEX_VERSIONS
from agent.gemini.audio import FRAME_MS, INPUT_RATE_HZ, OUTPUT_RATE_HZ
from agent.gemini.capabilities import CAPABILITIES, VOICES, Capabilities, capabilities_of
from agent.gemini.declarations import DeclarationError, check_tools
from agent.gemini.endpoint import Endpoint, tls_context
from agent.gemini.events import Cause, During, Kind, Line, LinkEvent
from agent.gemini.google_credentials import CredentialsError, GoogleAccessTokens
from agent.gemini.limits import LinkLimits
from agent.gemini.listener import ModelListener, SilentListener
from agent.gemini.live_config import Voicing, live_config
from agent.gemini.model import EarshotModel
from agent.gemini.session import EarshotSession
from agent.gemini.setup_trial import Trial, try_setup

__all__ = [
    "CAPABILITIES",
    "EMULATOR_KEY",
    "FRAME_MS",
    "GEMINI_URL",
    "GEMINI_VERSIONS",
    "INPUT_RATE_HZ",
    "OUTPUT_RATE_HZ",
    "VERTEX_VERSIONS",
    "VOICES",
    "Access",
    "ApiKey",
    "Capabilities",
    "Cause",
    "CredentialsError",
    "DeclarationError",
    "During",
    "EarshotModel",
    "EarshotSession",
    "Endpoint",
    "EphemeralToken",
    "FixedToken",
    "GoogleAccessTokens",
    "Kind",
    "Line",
    "LinkEvent",
    "LinkLimits",
    "ModelListener",
    "SilentListener",
    "Trial",
    "Vertex",
    "Voicing",
    "capabilities_of",
    "check_tools",
    "key_or_token",
    "live_config",
    "tls_context",
    "try_setup",
    "vertex_url",
]
