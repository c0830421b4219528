import asyncio
import ssl

from google import genai
from google.adk.agents import Agent, LiveRequestQueue
from google.adk.agents.run_config import RunConfig
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import types

tls = ssl.create_default_context(cafile="ca.pem")
options = types.HttpOptions(base_url="https://127.0.0.1:7883", api_version="v1beta", async_client_args={"ssl": tls})
model = Gemini(model="gemini-3.8-live", client=genai.Client(api_key="any", http_options=options))


async def main() -> None:
    runner = InMemoryRunner(Agent(name="emulated", model=model), app_name="emulated")
    session = await runner.session_service.create_session(app_name="emulated", user_id="me")
    requests = LiveRequestQueue()
    requests.send_content(types.Content(role="user", parts=[types.Part(text="Hello!")]))
    config = RunConfig(response_modalities=[types.Modality.AUDIO])
    live = runner.run_live(user_id="me", session_id=session.id, live_request_queue=requests, run_config=config)
    async for event in live:
        if event.output_transcription and event.partial:
            print(event.output_transcription.text)
        if event.turn_complete:
            break


asyncio.run(main())
