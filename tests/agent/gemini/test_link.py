"""The link's edge against the real emulator: sockets that open late, close, break, stall, and what the conversation sees."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import rtc

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.gemini.events import Cause, Kind, LinkEvent
from agent.gemini.session import EarshotSession
from speech import synthesize
from tests.agent.gemini.listening import Told
from tests.e2e.stack import Gemini, emulator, gemini, until

MODEL = "gemini-3.8-live"
SCRIPT = """
think_ms = 50

[[typed]]
matches = "cut off"
says = "And so it ends."

[otherwise]
says = "This is an answer that takes a while to say, and then it is over."
"""


@asynccontextmanager
async def linked(
    model: Gemini, proxy: str | None = None, name: str = MODEL
) -> AsyncIterator[tuple[EarshotModel, EarshotSession, list[LinkEvent]]]:
    told = Told()
    endpoint = Endpoint(name, ApiKey("key"), base_url=model.url, ca_file=model.ca_file, proxy=proxy)
    async with EarshotModel(endpoint, Voicing("Puck", silence_ms=300), listener=told) as earshot:
        session = earshot.session()
        yield earshot, session, told.events
        await session.aclose()


@pytest.fixture
async def model(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Gemini]:
    faults = [f'[[fault]]\nname = "{name}"\n{rest}' for name, rest in getattr(request, "param", [])]
    async with gemini(tmp_path / "gemini", SCRIPT + "\n".join(faults)) as running:
        yield running


def has(events: list[LinkEvent], kind: Kind) -> bool:
    return any(event.kind is kind for event in events)


async def test_it_connects_and_closes(model: Gemini) -> None:
    async with linked(model) as (earshot, _, events):
        assert await earshot.connected()
    assert [(event.kind, event.attempts) for event in events] == [(Kind.CONNECTED, 1)]


@pytest.mark.parametrize("model", [[("upgrade_refused", "times = 3")]], indirect=True)
async def test_a_refused_connect_is_tried_again(model: Gemini) -> None:
    async with linked(model) as (earshot, _, events):
        assert await earshot.connected()
    tries = [event for event in events if event.kind is not Kind.WAITING]
    assert [event.kind for event in tries] == [Kind.RETRYING] * 3 + [Kind.CONNECTED]
    assert {event.code for event in tries[:3]} == {503}


async def test_a_proxy_that_refuses_is_asked_again(model: Gemini) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        async with linked(model, f"http://127.0.0.1:{port}") as (_, _, events):
            await until(lambda: len(events) >= 3)
    assert {(event.kind, event.cause) for event in events} == {(Kind.RETRYING, Cause.UNAVAILABLE)}


@pytest.mark.parametrize("model", [[("close", 'at = "setup"\ncode = 1007\nreason = "API key not valid."')]], indirect=True)
async def test_a_wrong_key_is_not_tried_again(model: Gemini) -> None:
    async with linked(model) as (earshot, session, events):
        assert not await earshot.connected()
        with pytest.raises(Exception, match="no connection"):
            await asyncio.wait_for(session.generate_reply(), 1)
    assert [(event.kind, event.cause) for event in events] == [(Kind.FAILED, Cause.KEY)]


@pytest.mark.parametrize("model", [[("stalled_socket", 'at = "audio"')]], indirect=True)
async def test_a_stalled_socket_closes_in_time(model: Gemini) -> None:
    async with linked(model) as (earshot, session, _):
        assert await earshot.connected()
        reply = session.generate_reply(instructions="speak")
        await reply
        pcm = synthesize("Hello, can you hear me?", sample_rate_hz=16000).tobytes()
        for _ in range(300):
            session.push_audio(rtc.AudioFrame(pcm[:640], 16000, 1, 320))
        began = time.monotonic()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("model", [[("abrupt_1006", 'at = "audio"\nafter_s = 0.3')]], indirect=True)
async def test_an_answer_that_breaks_off_goes_on_in_the_same_message(model: Gemini) -> None:
    async with linked(model) as (earshot, session, events):
        assert await earshot.connected()
        generation = await session.generate_reply(instructions="speak")
        async with asyncio.timeout(10):
            texts = ["".join([piece async for piece in message.text_stream]) async for message in generation.message_stream]
        await until(lambda: has(events, Kind.RESTORED))
    [text] = texts
    assert text.startswith("This is an answer")
    assert text.endswith("And so it ends.")
    assert [event.kind for event in events if event.kind is not Kind.RETRYING] == [Kind.CONNECTED, Kind.LOST, Kind.RESTORED]


@pytest.mark.parametrize("name", ["gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025"])
async def test_what_was_told_before_a_drop_is_known_after_it(tmp_path: Path, name: str) -> None:
    """The drop is in the answer, and the handles of these models are from before the question."""

    async def ask(session: EarshotSession, text: str) -> AsyncIterator[str]:
        context = session.chat_ctx.copy()
        context.add_message(role="user", content=text)
        await session.update_chat_ctx(context)
        generation = await session.generate_reply()
        async for message in generation.message_stream:
            async for piece in message.text_stream:
                yield piece

    async with (
        asyncio.timeout(40),
        emulator(tmp_path, "--script", "auto", "--fault", "abrupt_1006:at=audio,after_s=0.3,turn=1") as service,
        linked(service, name=name) as (earshot, session, events),
    ):
        assert await earshot.connected()
        async for _ in ask(session, "My password is rosebud."):
            pass
        assert has(events, Kind.RESTORED)
        assert any([("rosebud" in piece) async for piece in ask(session, "What is my password?")])


async def test_who_closes_the_microphone_is_answered_and_goes_on(model: Gemini) -> None:
    """Without the end of the stream, a service that hears nothing more waits for the end of the turn."""
    pcm = synthesize("Hello, can you hear me?", sample_rate_hz=16000).tobytes()
    frames = [rtc.AudioFrame(pcm[at : at + 640], 16000, 1, 320) for at in range(0, len(pcm) - 640, 640)]

    def answers() -> int:
        return sum(bool(line["message"].get("serverContent", {}).get("turnComplete")) for line in model.lines())

    async with linked(model) as (earshot, session, _):
        assert await earshot.connected()
        for turn in (1, 2):
            earshot.microphone(is_open=True)
            for frame in frames:
                session.push_audio(frame)
            earshot.microphone(is_open=False)
            session.push_audio(frames[0])
            await until(lambda turn=turn: answers() == turn)  # type: ignore[misc]
    lines = [line["message"] for line in model.lines() if line["direction"] == "received"]
    assert sum("audioStreamEnd" in str(line) for line in lines) == 2
