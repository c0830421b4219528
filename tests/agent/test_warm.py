"""What is imported before call processes are forked has built all that a call would otherwise build on its first sound."""

import subprocess
import sys

A_CALL = """
import asyncio, inspect, sys
import agent.worker.command_line, agent.worker.preload
from google.genai import types
from pydantic import BaseModel
from livekit.agents import llm
from agent.assistant import Assistant
from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing, tls_context
from agent.gemini.messages import Received
from agent.persona import Persona

def built():
    models = [thing for thing in vars(types).values() if inspect.isclass(thing) and issubclass(thing, BaseModel)]
    complete = {model.__name__ for model in models if model.__pydantic_complete__}
    return complete, tls_context.cache_info().misses, set(sys.modules)

async def call():
    endpoint = Endpoint("gemini-3.8-live", ApiKey("key"), base_url="https://127.0.0.1:9")
    async with EarshotModel(endpoint, Voicing("Puck", "en-US", 0.5)) as model:
        await hold(model.session())

async def hold(session):
    await session.update_instructions("Be brief.")
    await session.update_tools(Assistant(Persona("test", "Be brief."), None).tools)
    await asyncio.sleep(0)
    context = session.chat_ctx
    context.add_message(role="user", content="Hello?")
    context.items.append(llm.FunctionCallOutput(call_id="1", name="book", output="booked", is_error=False))
    await session.update_chat_ctx(context)
    session.generate_reply(instructions="Speak.").cancel()
    session.on_message(Received({"usageMetadata": {}}, pcm=bytes(2), words="Hello."))
    types.LiveClientRealtimeInput(audio=types.Blob(data=b"00", mime_type="audio/pcm;rate=16000"))
    await session.aclose()

before = built()
asyncio.run(call())
assert before[0], "nothing is built"
assert not {"grpc", "livekit.plugins.google"} & before[2], "each process pays for LiveKit's plugin (docs/facts.md L37)"
after = built()
assert after == before, sorted(after[0] - before[0]) + sorted(after[2] - before[2])
"""


def test_a_call_builds_nothing_anew() -> None:
    done = subprocess.run([sys.executable, "-c", A_CALL], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
