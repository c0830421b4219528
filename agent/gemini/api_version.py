"""The version of the API that a connection goes to. Pure."""

from google.genai import types

from agent.gemini.access import Access, EphemeralToken, Vertex

GEMINI_VERSIONS = ("v1beta", "v1alpha")
"""Versions of the Gemini API with Live models: `v1` has none (docs/facts.md L7)."""
VERTEX_VERSIONS = ("v1beta1", "v1")


def api_version(access: Access, model: str, config: types.LiveConnectConfig | None = None, wanted: str | None = None) -> str:
    """Choose the version by what is asked for (docs/facts.md G45). The first row that holds decides.

    | way in | what is asked for | version |
    |---|---|---|
    | any | GEMINI_API_VERSION is set | that one |
    | Vertex | anything | v1beta1 |
    | ephemeral token | anything | v1alpha |
    | API key | affective dialog | v1alpha |
    | API key | proactive audio of a 2.5 model | v1alpha |
    | API key | anything else | v1beta |

    Args:
        access: the way in.
        model: the model's name.
        config: what the connection's setup asks for.
        wanted: GEMINI_API_VERSION, if it is set.
    """
    if wanted is not None:
        return wanted
    if isinstance(access, Vertex):
        return "v1beta1"
    if isinstance(access, EphemeralToken) or (config is not None and _needs_alpha(model, config)):
        return "v1alpha"
    return "v1beta"


def _needs_alpha(model: str, config: types.LiveConnectConfig) -> bool:
    is_proactive = config.proactivity is not None and bool(config.proactivity.proactive_audio)
    return bool(config.enable_affective_dialog) or (is_proactive and "2.5" in model)
