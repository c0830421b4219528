"""Imported once, in the process that call processes are forked from: what takes long the first time is done there.

Nothing is connected and no thread is started; calls share the result copy-on-write (docs/facts.md L10).
"""

from google import genai
from google.genai import types

import agent.call  # noqa: F401
from agent import local_voice
from agent.gemini import tls_context

local_voice.load()
_tls = tls_context(None)
_options = types.HttpOptions(
    base_url="https://warm.invalid", async_client_args={"ssl": _tls, "verify": _tls}, client_args={"verify": _tls}
)
genai.Client(api_key="warm", http_options=_options).close()

# google-genai builds a model's validator at its first use: together that would hold up a call's first sound by 150 ms
for _message in (
    *(types.AutomaticActivityDetection, types.RealtimeInputConfig, types.ContextWindowCompressionConfig, types.SlidingWindow),
    *(types.AudioTranscriptionConfig, types.SessionResumptionConfig, types.GenerationConfig, types.SpeechConfig),
    *(types.VoiceConfig, types.PrebuiltVoiceConfig, types.LiveConnectConfig, types.LiveConnectParameters),
    *(types.LiveClientSetup, types.LiveClientMessage, types.LiveClientContent, types.Content, types.Part, types.Blob),
    *(types.LiveClientRealtimeInput, types.LiveClientToolResponse, types.FunctionResponse, types.LiveServerMessage),
):
    _message.model_rebuild()
