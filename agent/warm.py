"""Imported once, in the process that call processes are forked from: what takes long the first time is done there.

Nothing is connected and no thread is started; calls share the result copy-on-write (docs/facts.md L10).
"""

from google import genai
from google.genai import types

import agent.call  # noqa: F401
from agent.gemini import tls_context

_options = types.HttpOptions(
    base_url="https://warm.invalid",
    async_client_args={"ssl": tls_context(), "verify": tls_context()},
    client_args={"verify": tls_context()},
)
genai.Client(api_key="warm", http_options=_options).close()
types.LiveServerMessage.model_validate({"serverContent": {"turnComplete": True}})
