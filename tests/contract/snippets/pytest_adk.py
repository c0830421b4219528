import pytest
from google import genai
from google.adk.agents import Agent, LiveRequestQueue
from google.adk.agents.run_config import RunConfig
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import types

from emulator import GeminiLive


@pytest.mark.asyncio
async def test_the_agent_greets(gemini_live: GeminiLive) -> None:
    gemini_live.use_script('[otherwise]\nsays = "Welcome to the bakery."')
    client = genai.Client(api_key="any", http_options=types.HttpOptions(**gemini_live.http_options))
    agent = Agent(name="baker", model=Gemini(model="gemini-3.8-live", client=client))
    runner = InMemoryRunner(agent, app_name="bakery")
    session = await runner.session_service.create_session(app_name="bakery", user_id="me")
    requests = LiveRequestQueue()
    requests.send_content(types.Content(role="user", parts=[types.Part(text="Hello!")]))
    config = RunConfig(response_modalities=[types.Modality.AUDIO])
    said = ""
    live = runner.run_live(user_id="me", session_id=session.id, live_request_queue=requests, run_config=config)
    async for event in live:
        if event.output_transcription and event.partial:
            said += event.output_transcription.text or ""
        if event.turn_complete:
            break
    assert "bakery" in said
