"""Imported once, in the process that call processes are forked from: what takes long the first time is done there.

Nothing is connected and no thread is started; calls share the result copy-on-write (docs/facts.md L10).
"""

import encodings.ascii  # noqa: F401

import livekit.agents.llm.async_toolset  # noqa: F401
from google.genai import types

import agent.call.job  # noqa: F401
from agent.assistant import Assistant
from agent.gemini import check_tools, tls_context
from agent.persona import Persona
from agent.tools import NoCall
from agent.voice import local_voice

local_voice.load()
tls_context(None)

# pydantic builds the validator of one of google-genai's types at its first use: together that would hold up a call's first
# sound by 150 ms
for _message in (
    *(types.AutomaticActivityDetection, types.RealtimeInputConfig, types.ContextWindowCompressionConfig, types.SlidingWindow),
    *(types.AudioTranscriptionConfig, types.SpeechConfig, types.VoiceConfig, types.PrebuiltVoiceConfig),
    *(types.LiveConnectConfig, types.LiveClientContent, types.Content, types.Part, types.Blob, types.LiveClientRealtimeInput),
    types.Tool,
):
    _message.model_rebuild()
# and the validators of tools with them: another 100 ms before the first connection is asked for anything
_tools = Assistant(Persona(name="warm", instructions="-"), NoCall()).tools
check_tools(_tools)
