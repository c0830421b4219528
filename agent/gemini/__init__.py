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
from agent.gemini.client_methods import client_method_of, client_tool
from agent.gemini.declarations import DeclarationError, check_tools, prepare_tools, undeclarable
from agent.gemini.endpoint import Endpoint, tls_context
from agent.gemini.events import Cause, During, Kind, Line, LinkEvent
from agent.gemini.exchange.caller_voice import CallerVoice, loudness
from agent.gemini.google_credentials import CredentialsError, GoogleAccessTokens
from agent.gemini.languages import is_spoken, is_translated, language_tag
from agent.gemini.limits import LinkLimits
from agent.gemini.listener import ModelListener, SilentListener
from agent.gemini.live_config import Voicing, live_config
from agent.gemini.live_features import NEWEST_MODEL, TRANSLATE_MODEL, LiveFeatures, features_of, is_known
from agent.gemini.live_refusals import PICTURES, Refusal, refusals
from agent.gemini.live_table import (
    DETECTION,
    TARGET_LANGUAGE,
    TOP_NAMES,
    LiveSettingError,
    check_live,
    check_name,
    live_schema,
    split_top,
    voice_named,
)
from agent.gemini.model import EarshotModel
from agent.gemini.model_events import (
    Code,
    CodeResult,
    ContextTokens,
    ModelEvent,
    Source,
    Sources,
    Thought,
    TurnCompleteReason,
    TurnUsage,
)
from agent.gemini.nested_tables import LiveTable, leaves, merged, nested, value_at, without
from agent.gemini.pace import PACED, Pace, Turns, paced
from agent.gemini.prices import ModelPrices, price_table, shipped_prices
from agent.gemini.session import EarshotSession
from agent.gemini.setup_trial import Trial, try_setup
from agent.gemini.snapshot import Owes, SavedCall, SavedExchange, SavedLink, SavedMessage, Snapshot, SnapshotError
from agent.gemini.sound_ring import SoundRing, SoundRingError
from agent.gemini.tool_answer import ToolAnswer
from agent.gemini.tool_options import ToolOptions, ToolOptionsError, options_of, tool_options, tool_warnings
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules
from agent.gemini.usage import TokenUsage

__all__ = [
    "CAPABILITIES",
    "DEFAULT_TURN_RULES",
    "DETECTION",
    "EMULATOR_KEY",
    "FRAME_MS",
    "GEMINI_URL",
    "GEMINI_VERSIONS",
    "INPUT_RATE_HZ",
    "NEWEST_MODEL",
    "OUTPUT_RATE_HZ",
    "PACED",
    "PICTURES",
    "TARGET_LANGUAGE",
    "TOP_NAMES",
    "TRANSLATE_MODEL",
    "VERTEX_VERSIONS",
    "VOICES",
    "Access",
    "ApiKey",
    "CallerVoice",
    "Capabilities",
    "Cause",
    "Code",
    "CodeResult",
    "ContextTokens",
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
    "LiveFeatures",
    "LiveSettingError",
    "LiveTable",
    "ModelEvent",
    "ModelListener",
    "ModelPrices",
    "Owes",
    "Pace",
    "Refusal",
    "SavedCall",
    "SavedExchange",
    "SavedLink",
    "SavedMessage",
    "SilentListener",
    "Snapshot",
    "SnapshotError",
    "SoundRing",
    "SoundRingError",
    "Source",
    "Sources",
    "Thought",
    "TokenUsage",
    "ToolAnswer",
    "ToolOptions",
    "ToolOptionsError",
    "Trial",
    "TurnCompleteReason",
    "TurnRules",
    "TurnUsage",
    "Turns",
    "Vertex",
    "Voicing",
    "capabilities_of",
    "check_live",
    "check_name",
    "check_tools",
    "client_method_of",
    "client_tool",
    "features_of",
    "is_known",
    "is_spoken",
    "is_translated",
    "key_or_token",
    "language_tag",
    "leaves",
    "live_config",
    "live_schema",
    "loudness",
    "merged",
    "nested",
    "options_of",
    "paced",
    "prepare_tools",
    "price_table",
    "refusals",
    "shipped_prices",
    "split_top",
    "tls_context",
    "tool_options",
    "tool_warnings",
    "try_setup",
    "undeclarable",
    "value_at",
    "vertex_url",
    "voice_named",
    "without",
]
