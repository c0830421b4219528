"""The stock google-genai client against the emulator over wss: text, sound, barge-in, tools, and what is refused."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import websockets
from google import genai
from google.genai import types
from google.genai.errors import APIError

from caller.ear import dropouts, spans
from emulator import voice
from speech import synthesize
from tests.emulator.conftest import LONG, SHORT, Connect, Running

RATE_HZ = 24000
CLOCK = {"function_declarations": [{"name": "clock"}]}
VAD = types.RealtimeInputConfig(automatic_activity_detection=types.AutomaticActivityDetection(silence_duration_ms=300))
QUESTION = synthesize("What time is it?", sample_rate_hz=16000).tobytes() + bytes(16000)


class Heard:
    """What one turn brought."""

    def __init__(self) -> None:
        self.audio = b""
        self.text = ""
        self.transcript = ""
        self.calls: list[types.FunctionCall] = []
        self.interrupted = self.generated = False
        self.usage: types.UsageMetadata | None = None

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(self.audio, dtype=np.int16)

    def take(self, message: types.LiveServerMessage) -> None:
        content = message.server_content or types.LiveServerContent()
        if content.model_turn:
            for part in content.model_turn.parts or []:
                if part.inline_data and part.inline_data.data:
                    assert part.inline_data.mime_type == "audio/pcm;rate=24000"
                    self.audio += part.inline_data.data
        self.text += (content.output_transcription and content.output_transcription.text) or ""
        self.transcript += (content.input_transcription and content.input_transcription.text) or ""
        self.interrupted |= bool(content.interrupted)
        self.generated |= bool(content.generation_complete)
        self.calls += (message.tool_call and message.tool_call.function_calls) or []
        self.usage = message.usage_metadata or self.usage


async def turn(session: genai.live.AsyncSession) -> Heard:
    heard = Heard()
    async with asyncio.timeout(20):
        async for message in session.receive():
            heard.take(message)
    return heard


async def send(session: genai.live.AsyncSession, pcm: bytes) -> None:
    """Send sound at once: the emulator hears by the clock of the samples."""
    await session.send_realtime_input(audio=types.Blob(data=pcm, mime_type="audio/pcm;rate=16000"))


async def speak(session: genai.live.AsyncSession, pcm: bytes) -> None:
    """Send sound in real time, 20 ms by 20 ms."""
    due = time.monotonic()
    for offset in range(0, len(pcm), 640):
        await send(session, pcm[offset : offset + 640])
        due += 0.02
        await asyncio.sleep(max(due - time.monotonic(), 0))


async def test_a_typed_turn_is_spoken(connect: Connect) -> None:
    async with connect() as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Give me a long answer")]))
        heard = await turn(session)
    assert heard.text == LONG
    assert heard.generated
    [utterance] = spans(heard.samples, sample_rate_hz=RATE_HZ, pause_s=0.6)
    spoken = np.frombuffer(voice.speak(LONG, "", ""), dtype=np.int16)
    assert utterance.duration_s == pytest.approx(len(spoken) / RATE_HZ, abs=0.05)
    assert dropouts(heard.samples, spoken, sample_rate_hz=RATE_HZ) == []
    assert np.max(np.abs(heard.samples.astype(int))) < 30000
    assert heard.usage is not None
    assert heard.usage.response_tokens_details is not None
    counts = {detail.modality: detail.token_count for detail in heard.usage.response_tokens_details}
    assert counts[types.MediaModality.AUDIO] == round(len(spoken) / RATE_HZ * 25)


async def test_a_spoken_turn_with_a_tool_goes_round(connect: Connect) -> None:
    async with connect(tools=[CLOCK], realtime_input_config=VAD) as session:
        speaking = asyncio.create_task(speak(session, QUESTION))
        called = await turn(session)
        assert called.transcript == "What time is it?"
        [call] = called.calls
        assert (call.name, call.args) == ("clock", {"place": "Tokyo"})
        result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "noon"})
        await session.send_tool_response(function_responses=[result])
        answer = await turn(session)
        await speaking
    assert answer.text == "It is noon."
    assert 0.5 < len(answer.samples) / RATE_HZ < 3


async def test_speech_interrupts_the_answer(connect: Connect) -> None:
    async with connect(realtime_input_config=VAD) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Give me a long answer")]))
        heard = Heard()
        speaking = None
        async with asyncio.timeout(20):
            async for message in session.receive():
                heard.take(message)
                if speaking is None and len(heard.audio) > 48000:
                    speaking = asyncio.create_task(speak(session, QUESTION))
        assert heard.interrupted
        assert speaking is not None
        answer = await turn(session)
        await speaking
    assert answer.transcript == "What time is it?"
    assert answer.text == "It is something."


async def test_a_resumed_session_goes_on_where_it_was(connect: Connect) -> None:
    async with connect(realtime_input_config=VAD) as session:
        handle = None
        await send(session, QUESTION)
        async for message in session.receive():
            if message.session_resumption_update:
                handle = message.session_resumption_update.new_handle
        await session.close()
    async with connect(realtime_input_config=VAD, session_resumption=types.SessionResumptionConfig(handle=handle)) as session:
        await send(session, QUESTION)
        heard = await turn(session)
    assert heard.text == SHORT, "the first turn's rule was used up before the resume"


async def refused(connect: Connect, **config: Any) -> APIError:
    with pytest.raises(APIError) as caught:
        async with connect(**config) as session:
            await turn(session)
    return caught.value


async def test_a_wrong_key_is_refused(connect: Connect, emulator: Running) -> None:
    emulator[0].api_key = "the right one"
    error = await refused(connect, api_key="another")
    assert str(error) == "1007 None. API key not valid. Please pass a valid API key."


@pytest.mark.parametrize(
    ("config", "code", "sentence"),
    [
        ({"model": "gemini-9"}, 1008, "models/gemini-9 is not found for API version v1beta"),
        ({"response_modalities": ["TEXT"]}, 1007, "response modalities (TEXT) is not supported by the model"),
        ({"thinking_config": types.ThinkingConfig(thinking_budget=0)}, 1007, "thinking_config is not supported"),
        ({"session_resumption": types.SessionResumptionConfig(handle="bogus")}, 1008, "session not found"),
    ],
)
async def test_setups_that_the_model_can_not_serve_are_refused(
    connect: Connect, config: dict[str, Any], code: int, sentence: str
) -> None:
    error = await refused(connect, **config)
    assert error.code == code
    assert sentence in str(error)


PATH = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


@pytest.mark.parametrize(
    ("query", "frame", "code", "reason"),
    [
        ("?key=k", '{"setup": {"model": "models/gemini-3.8-live", "bogus": 1}}', 1007, 'Unknown name "bogus"'),
        ("?key=k", '{"realtimeInput": {"text": "x"}}', 1007, "Request contains an invalid argument."),
        ("?key=k", "{", 1007, "Invalid JSON payload received. Unexpected end of string."),
        ("", '{"setup": {"model": "models/gemini-3.8-live"}}', 1008, "Method doesn't allow unregistered callers"),
    ],
)
async def test_a_raw_socket_gets_the_closes_of_the_service(
    emulator: Running, query: str, frame: str, code: int, reason: str
) -> None:
    _, url, tls = emulator
    async with websockets.connect(f"{url.replace('https', 'wss')}//{PATH}{query}", ssl=tls) as socket:
        await socket.send(frame)
        with pytest.raises(websockets.ConnectionClosedError) as caught:
            await socket.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == code
    assert reason in caught.value.rcvd.reason


async def test_frames_are_binary_and_deflate_is_not_negotiated(emulator: Running) -> None:
    _, url, tls = emulator
    async with websockets.connect(f"{url.replace('https', 'wss')}/{PATH}?key=k", ssl=tls) as socket:
        await socket.send('{"setup": {"model": "models/gemini-3.8-live"}}')
        assert await socket.recv() == b'{"setupComplete":{}}'
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_another_path_is_not_found(emulator: Running) -> None:
    _, url, tls = emulator
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(url.replace("https", "wss") + "/elsewhere", ssl=tls)
    assert caught.value.response.status_code == 404


async def test_an_open_session_can_not_be_resumed(connect: Connect) -> None:
    async with connect() as session:
        message = await anext(aiter(session.receive()))
        assert message.session_resumption_update is not None
        handle = message.session_resumption_update.new_handle
        error = await refused(connect, session_resumption=types.SessionResumptionConfig(handle=handle))
    assert str(error) == "1011 None. Internal error encountered."


async def test_two_sessions_do_not_hear_each_other(connect: Connect) -> None:
    async with connect(realtime_input_config=VAD) as speaker, connect(realtime_input_config=VAD) as listener:
        await send(speaker, QUESTION)
        assert (await turn(speaker)).transcript == "What time is it?"
        await listener.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hello")]))
        assert (await turn(listener)).transcript == ""


async def test_the_journal_has_both_directions_and_no_sound(connect: Connect, tmp_path: Path) -> None:
    async with connect() as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hello")]))
        await turn(session)
    first, *lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert "started" in first["message"]
    assert {line["direction"] for line in lines} == {"received", "sent"}
    assert next(iter(lines[0]["message"])) == "setup"
    assert max(len(json.dumps(line)) for line in lines) < 2000
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
