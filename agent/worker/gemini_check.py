"""The check of Gemini before the first call: one connection with the default persona's setup.

A setup that Gemini refuses now would be refused in every call, so the worker stops. A problem that may pass is a warning.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from livekit.agents import llm

from agent.endpoint import endpoint_of
from agent.errors import SettingsError
from agent.gemini import Cause, Endpoint, Trial, capabilities_of, live_config, try_setup
from agent.live_settings import voicing_of
from agent.persona import Persona
from agent.settings import Settings

_ANOTHER_TOKEN = "make another with `python -m agent.gemini token`"  # noqa: S105  an advice
_SWITCH = "GEMINI_CHECK=off starts the worker all the same"
_VERTEX_FIX = "set a service account's file, or log in with `gcloud auth application-default login`"

logger = logging.getLogger("earshot.worker")


@dataclass(frozen=True)
class GeminiProblem:
    """The reason why calls would have no model."""

    sentence: str
    refusal: SettingsError | None = None
    """The error about the setting that Gemini refuses; None for a problem that may pass by itself."""


async def check_gemini(
    settings: Settings, persona: Persona, tools: Sequence[llm.Tool | llm.Toolset], within_s: float
) -> GeminiProblem | None:
    """Ask Gemini once for what calls will ask for.

    Returns:
        The problem that may pass by itself, which is also logged; None if all is well.

    Raises:
        SettingsError: Gemini refuses the key, the model, the region or a setting. Google's reason is in the sentence.
    """
    problem = await find_problem(settings, persona, tools, within_s)
    if problem is not None and problem.refusal is not None:
        raise problem.refusal
    if problem is not None:
        logger.warning("%s", problem.sentence)
    return problem


async def find_problem(
    settings: Settings, persona: Persona, tools: Sequence[llm.Tool | llm.Toolset], within_s: float
) -> GeminiProblem | None:
    """Ask Gemini once for what calls will ask for; with GEMINI_CHECK=off nobody is asked."""
    if settings.gemini_check == "off":
        return None
    endpoint = endpoint_of(settings, persona.model)
    capabilities = capabilities_of(endpoint.model)
    config = live_config(voicing_of(settings, persona), capabilities, persona.system_instruction, llm.ToolContext(tools))
    trial = await try_setup(endpoint, config, within_s=within_s)
    if trial.cause is None:
        return None
    if trial.is_final and trial.cause is not Cause.QUOTA:
        refusal = _refusal(settings, persona, trial)
        return GeminiProblem(str(refusal), refusal)
    return GeminiProblem(f"Gemini at {_host(endpoint)} can't be used yet ({trial.cause}): {_reason(trial)}")


def _refusal(settings: Settings, persona: Persona, trial: Trial) -> SettingsError:
    """The setting that Gemini refuses, with what to do."""
    reason = _reason(trial)
    said = f"Gemini refuses it ({reason})"
    match trial.cause:
        case Cause.TOKEN_EXPIRED | Cause.TOKEN_USED_UP | Cause.KEY:
            return SettingsError(*_credential(settings), _credential_fix(settings, trial))
        case Cause.LOCATION:
            return SettingsError(*_place(settings), f"{said}; choose another region, or {_SWITCH}")
        case Cause.MODEL if trial.code == 404 and settings.gemini_base_url is not None:
            return SettingsError("GEMINI_BASE_URL", settings.gemini_base_url, f"no Live API is there ({reason})")
        case Cause.MODEL if persona.model is not None:
            return SettingsError("PERSONA", persona.name, f"its model {persona.model}: {said}; write another, or {_SWITCH}")
        case Cause.MODEL:
            return SettingsError("GEMINI_MODEL", settings.gemini_model, f"{said}; set another, or {_SWITCH}")
    return SettingsError("PERSONA", persona.name, f"{said}; change what the persona or GEMINI_* asks for, or {_SWITCH}")


def _credential_fix(settings: Settings, trial: Trial) -> str:
    if trial.cause is Cause.TOKEN_EXPIRED:
        return f"the ephemeral token has expired; {_ANOTHER_TOKEN}"
    if trial.cause is Cause.TOKEN_USED_UP:
        return f"the ephemeral token has no session left; {_ANOTHER_TOKEN}"
    if settings.google_genai_use_vertexai:
        return f"it can't be used ({_reason(trial)}); {_VERTEX_FIX}"
    return f"Gemini refuses it ({_reason(trial)}); set another, or {_SWITCH}"


def _credential(settings: Settings) -> tuple[str, str | None]:
    """The setting that lets us in, and what of its value may be shown."""
    if not settings.google_genai_use_vertexai:
        return "GOOGLE_API_KEY", "***"
    file = settings.google_application_credentials
    return "GOOGLE_APPLICATION_CREDENTIALS", None if file is None else str(file)


def _place(settings: Settings) -> tuple[str, str | None]:
    if settings.google_genai_use_vertexai:
        return "GOOGLE_CLOUD_LOCATION", settings.google_cloud_location
    return _credential(settings)  # the Gemini API looks where the worker runs


def _reason(trial: Trial) -> str:
    return trial.reason.rstrip(". ") or (f"code {trial.code}" if trial.code is not None else "no reason given")


def _host(endpoint: Endpoint) -> str:
    return endpoint.base_url or endpoint.access.url
