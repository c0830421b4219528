# SSL_CERT_FILE=ca.pem GOOGLE_GEMINI_BASE_URL=https://127.0.0.1:7883 GOOGLE_GENAI_API_VERSION=v1beta \
#     GEMINI_API_KEY=any python environment.py
import asyncio

from google import genai
from google.genai import types


async def main() -> None:
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO], output_audio_transcription=types.AudioTranscriptionConfig()
    )
    async with genai.Client().aio.live.connect(model="gemini-3.8-live", config=config) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hello!")]))
        async for message in session.receive():
            if message.server_content and message.server_content.output_transcription:
                print(message.server_content.output_transcription.text)


asyncio.run(main())
