import pytest
from google import genai
from google.genai import types

from emulator import GeminiLive


@pytest.mark.asyncio
async def test_the_weather_is_told(gemini_live: GeminiLive) -> None:
    gemini_live.use_script('[otherwise]\nsays = "It is sunny in Lisbon."')
    client = genai.Client(api_key="any", http_options=types.HttpOptions(**gemini_live.http_options))
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO], output_audio_transcription=types.AudioTranscriptionConfig()
    )
    said = ""
    async with client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="How is the weather?")]))
        async for message in session.receive():
            if message.server_content and message.server_content.output_transcription:
                said += message.server_content.output_transcription.text or ""
    assert "sunny" in said
