import asyncio
import ssl

from google.genai import types
from livekit.agents import Agent, AgentSession
from livekit.plugins import google

tls = ssl.create_default_context(cafile="ca.pem")
options = types.HttpOptions(base_url="https://127.0.0.1:7883", api_version="v1beta", async_client_args={"ssl": tls})


async def main() -> None:
    model = google.realtime.RealtimeModel(model="gemini-3.8-live", api_key="any", http_options=options)
    session: AgentSession[None] = AgentSession(llm=model)
    await session.start(Agent(instructions="Be brief."))
    answer = await session.generate_reply(user_input="Hello!")
    for item in answer.chat_items:
        if item.type == "message":
            print(item.text_content)
    await session.aclose()


asyncio.run(main())
