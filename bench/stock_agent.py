"""`python bench/stock_agent.py start`: LiveKit's own example of a Gemini Live worker, to compare ours with.

The example of LiveKit's documentation with the plugin as it is: `AgentServer`, `AgentSession`, `RealtimeModel`, a greeting by
`generate_reply`, every default. What differs is what a comparison needs: the model and its endpoint (`GEMINI_BASE_URL`,
`GEMINI_CA_FILE`, optionally `GEMINI_MODEL`), the caller's pause that ends a turn (`GEMINI_SILENCE_MS`), a free port, an end
that waits for nobody, and a load that is always low, since the default refuses calls while others keep the machine busy. It
reads what `python agent.py start` reads.
"""

import os
import ssl

from google.genai import types
from livekit import agents
from livekit.agents import Agent, AgentServer, AgentSession
from livekit.plugins import google

SILENCE_MS = int(os.environ.get("GEMINI_SILENCE_MS", "500"))
AGENT_NAME = os.environ.get("AGENT_NAME") or "earshot"

server = AgentServer(load_fnc=lambda _: 0.0, port=0, drain_timeout=1)


def model() -> google.realtime.RealtimeModel:
    """The plugin's model, aimed at the emulator."""
    tls = ssl.create_default_context(cafile=os.environ["GEMINI_CA_FILE"])
    detection = types.AutomaticActivityDetection(silence_duration_ms=SILENCE_MS)
    return google.realtime.RealtimeModel(
        model=os.environ.get("GEMINI_MODEL") or "gemini-3.8-live",
        api_key="no-key-leaves-this-machine",
        api_version="v1beta",
        realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=detection),
        http_options=types.HttpOptions(base_url=os.environ["GEMINI_BASE_URL"], async_client_args={"ssl": tls}),
    )


@server.rtc_session(agent_name=AGENT_NAME)
async def answer(ctx: agents.JobContext) -> None:
    """Answer one call."""
    session: AgentSession[None] = AgentSession(llm=model())
    await session.start(room=ctx.room, agent=Agent(instructions="You are a helpful voice AI assistant."))
    await session.generate_reply(instructions="Greet the user and offer your assistance.")


if __name__ == "__main__":
    agents.cli.run_app(server)
