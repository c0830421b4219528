"""`python quickstart_agent.py start`: a LiveKit agent that knows nothing of Earshot, as LiveKit's documents show one.

Its environment says where LiveKit and Gemini are.
"""

from livekit import agents
from livekit.agents import Agent, AgentServer, AgentSession
from livekit.plugins import google

server = AgentServer(port=0, load_fnc=lambda _: 0.0, drain_timeout=1)  # a free port; never too busy for a test; a quick end


@server.rtc_session(agent_name="quickstart")
async def answer(ctx: agents.JobContext) -> None:
    """Answer one call."""
    session: AgentSession[None] = AgentSession(llm=google.realtime.RealtimeModel(model="gemini-3.8-live", voice="Puck"))
    await session.start(room=ctx.room, agent=Agent(instructions="You are a helpful voice AI assistant."))
    await session.generate_reply(instructions="Greet the user and offer your assistance.")


if __name__ == "__main__":
    agents.cli.run_app(server)
