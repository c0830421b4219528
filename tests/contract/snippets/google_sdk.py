import asyncio
import ssl

from google import genai
from google.genai import types

tls = ssl.create_default_context(cafile="ca.pem")
options = types.HttpOptions(base_url="https://127.0.0.1:7883", api_version="v1beta", async_client_args={"ssl": tls})
client = genai.Client(api_key="any", http_options=options)


async def main() -> None:
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO], output_audio_transcription=types.AudioTranscriptionConfig()
    )
    async with client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hello!")]))
        async for message in session.receive():
            if message.server_content and message.server_content.output_transcription:
                print(message.server_content.output_transcription.text)


asyncio.run(main())
