"""Whatever a client sends, the emulator takes it or closes with a code and a sentence: no traceback, no lost connection."""

import asyncio
import base64
import functools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection

from emulator import messages, protos, wire
from emulator.answers import Answers, SayBack
from emulator.auto import Auto
from emulator.conversation import Conversation
from emulator.errors import RefusedError
from emulator.profile import Profile
from emulator.profiles import PROFILES
from emulator.sessions import Memory
from emulator.translation import Translation
from tests.emulator.conftest import Running
from tests.emulator.talk import StandIn

PATH = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"
SETUP = json.dumps({"setup": {"model": "models/quick", "outputAudioTranscription": {}}})
GEMINI = protos.gemini("v1beta")
Frame = str | bytes


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@asynccontextmanager
async def connected(running: Running) -> AsyncIterator[ClientConnection]:
    _, url, tls = running
    async with websockets.connect(f"{url.replace('https', 'wss')}/{PATH}", ssl=tls, max_size=None) as socket:
        yield socket


async def end_of(running: Running, frames: list[Frame]) -> tuple[int, str]:
    """Send frames; the emulator's close, or (1000, "") if it is still there when all are taken.

    What follows a setup is sent when that is complete.
    """
    async with connected(running) as socket, asyncio.timeout(30):
        try:
            for frame in frames:
                await socket.send(frame)
                if frame is SETUP:
                    while b"setupComplete" not in await socket.recv(decode=False):
                        pass
            await (await socket.ping())
        except websockets.ConnectionClosed:
            await socket.wait_closed()
            assert socket.close_code is not None
            return socket.close_code, socket.close_reason or ""
    return 1000, ""


def nested(levels: int, inner: str = "1") -> str:
    return '{"x":' * levels + inner + "}" * levels


def realtime(name: str, value: str) -> str:
    return f'{{"realtimeInput": {{"{name}": {value}}}}}'


def told(text: str) -> str:
    return json.dumps({"clientContent": {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}})


def declared(schema: str) -> str:
    function = f'{{"name": "f", "parametersJsonSchema": {schema}}}'
    return f'{{"setup": {{"model": "models/gemini-3.8-live", "tools": [{{"functionDeclarations": [{function}]}}]}}}}'


SOUND = base64.b64encode(bytes(1_000_000)).decode()
REFUSED: dict[str, Frame] = {
    "nothing": "",
    "no JSON": "hello",
    "no UTF-8": b'{"setup": {"model": "\xff"}}',
    "bytes": bytes(range(256)),
    "a list": "[]",
    "a number": "1e400",
    "not a number": realtime("text", "NaN"),
    "a long number": realtime("text", "9" * 100_000),
    "a deep list": "[" * 200_000,
    "a deep object": nested(50_000),
    "deep tool arguments": f'{{"toolResponse": {{"functionResponses": [{{"name": "f", "response": {nested(500)}}}]}}}}',
    "a deep schema": declared(nested(200, "{}")),
    "half a surrogate": realtime("text", '"\\ud83d"'),
    "half a surrogate as a name": '{"setup": {"\\ude00": 1}}',
    "half a surrogate in a tool's answer": '{"toolResponse": {"functionResponses": [{"response": {"\\ud800": "\\ud800"}}]}}',
    "an unknown field": '{"setup": {"model": "m", "x": 1}}',
    "two fields": '{"setup": {"model": "m"}, "realtimeInput": {"text": "a"}}',
    "an instruction as text": '{"setup": {"model": "models/gemini-3.8-live", "systemInstruction": "Be brief."}}',
    "an instruction as part": '{"setup": {"model": "models/gemini-3.8-live", "systemInstruction": {"text": "Be brief."}}}',
    "a part as instruction of an update": '{"contextUpdate": {"systemInstruction": [{"text": "Be brief."}]}}',
    "bad base64": realtime("audio", '{"data": "a", "mimeType": "audio/pcm"}'),
    "a list of lists": '{"clientContent": {"turns": [[[[3]]]]}}',
}
TAKEN: dict[str, Frame] = {
    "a long text": told("What about " + "x" * 1_000_000 + "?"),
    "many sentences": told("My name is Ada. " * 30_000),
    "nulls in a text": told("a\0b"),
    "every plane": told("\U0001f600 \u202e \x1b[2J \u2028"),
    "the same key twice": '{"realtimeInput": {"text": "a", "text": "b"}}',
    "binary": realtime("text", '"a"').encode(),
    "much sound": realtime("audio", f'{{"data": "{SOUND}", "mimeType": "audio/pcm;rate=8000"}}'),
    "an odd byte": realtime("audio", '{"data": "AAAA", "mimeType": "audio/pcm;rate=192000"}'),
    "no sound": realtime("audio", '{"mimeType": "audio/pcm"}'),
    "a null beside": '{"setup": null, "realtimeInput": {"text": "a", "audio": null}}',
    "an answer to nothing": '{"toolResponse": {"functionResponses": [{"id": "x", "response": {"a": [null, 1e300]}}]}}',
    "no answer": '{"toolResponse": {}}',
    "deep, but not too deep": f'{{"toolResponse": {{"functionResponses": [{{"response": {nested(90)}}}]}}}}',
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("set_up", [True, False])
async def test_what_is_no_message_is_closed_with_a_sentence(quick: Running, name: str, set_up: bool) -> None:
    code, reason = await end_of(quick, [*([SETUP] if set_up else []), REFUSED[name]])
    assert code == 1007
    assert reason


@pytest.mark.parametrize("name", TAKEN)
async def test_odd_messages_are_taken(quick: Running, name: str) -> None:
    quick[0].answers = Auto()
    assert await end_of(quick, [SETUP, TAKEN[name]]) == (1000, "")


@pytest.mark.parametrize("name", ["a long text", "many sentences", "nulls in a text", "every plane"])
@pytest.mark.parametrize("answers", [Auto(), SayBack()])
async def test_odd_texts_are_answered(quick: Running, answers: Answers, name: str) -> None:
    """Aloud, and soon: nobody waits for a megabyte of speech."""
    quick[0].answers = answers
    async with connected(quick) as socket, asyncio.timeout(10):
        await socket.send(SETUP)
        await socket.send(TAKEN[name])
        while b"inlineData" not in await socket.recv(decode=False):
            pass


async def test_a_language_that_is_none_is_spoken_in_english(quick: Running) -> None:
    speech = {"speechConfig": {"languageCode": "../" * 100_000}}
    setup = {"setup": {"model": "models/gemini-3.8-live", "generationConfig": speech}}
    async with connected(quick) as socket, asyncio.timeout(10):
        await socket.send(json.dumps(setup))
        await socket.send(told("Hello"))
        while b"inlineData" not in await socket.recv(decode=False):
            pass


async def test_a_frame_that_is_too_big_is_closed(quick: Running) -> None:
    code, _ = await end_of(quick, [SETUP, told("x" * 5_000_000)])
    assert code == 1009


@functools.cache
def values(field: protos.Field, depth: int) -> st.SearchStrategy[Any]:
    """Mostly what the field holds."""
    right: st.SearchStrategy[Any]
    if field.kind in GEMINI.fields:
        right = bodies(field.kind, depth)
    elif field.kind in protos.NUMBERED:
        right = st.sampled_from([*protos.NUMBERED[field.kind], 1, 99])
    else:
        right = {
            "string": st.sampled_from(["user", "model", "models/gemini-3.8-live", "f", "audio/pcm", ""]) | st.text(max_size=9),
            "bool": st.booleans(),
            "bytes": st.sampled_from(["", "AAAA", SOUND[:40_000], "_-8"]),
            "Struct": st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2),
            "Value": ANYTHING,
        }.get(field.kind, st.integers(-5, 5) | st.integers(0, 2**31) | st.floats(allow_nan=False, allow_infinity=False))
    if field.mapped:
        right = st.dictionaries(st.text(max_size=3), right, max_size=2)
    return st.one_of(*[st.lists(right, max_size=3) if field.repeated else right] * 20, ANYTHING)


@functools.cache
def bodies(kind: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    fields = GEMINI.fields[kind]
    if depth > 5:
        return st.just({})
    chosen = st.lists(st.sampled_from(sorted(fields) or ["x"]), max_size=3, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: values(fields[name], depth + 1) for name in names if name in fields})
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
CLIENT = GEMINI.fields["BidiGenerateContentClientMessage"]
MESSAGES = st.sampled_from(sorted(CLIENT)).flatmap(lambda name: bodies(CLIENT[name].kind).map(lambda body: {name: body}))
FRAMES = st.one_of(st.binary(max_size=100), st.text(max_size=100), *[MESSAGES.map(json.dumps)] * 8)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.booleans(), st.lists(FRAMES, min_size=1, max_size=5))
async def test_any_frames_are_taken_or_closed(quick: Running, set_up: bool, frames: list[Frame]) -> None:
    quick[0].answers = Auto()
    code, reason = await end_of(quick, [*([SETUP] if set_up else []), *frames])
    assert (code, bool(reason)) in {(1000, False), (1007, True), (1008, True)}


SETUPS = bodies("BidiGenerateContentSetup").map(lambda body: {"setup": {**body, "model": "models/gemini-3.8-live"}})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(SETUPS, st.lists(MESSAGES, max_size=6), st.sampled_from(list(PROFILES.values())), st.floats(0, 5))
def test_a_conversation_bears_whatever_a_frame_can_hold(
    setup: dict[str, Any], frames: list[dict[str, Any]], profile: Profile, pause_s: float
) -> None:
    """With time between the frames and long after, without a socket."""
    try:
        opened = wire.read(wire.load(json.dumps(setup), GEMINI))
        assert isinstance(opened, messages.Setup)
        kind = Translation if profile.translation.translates else Conversation
        conversation: Translation | Conversation = kind(profile, opened, Auto(), Memory(), StandIn())
        conversation.begin(0, resumed=False)
        for number, frame in enumerate(frames):
            conversation.receive(wire.read(wire.load(json.dumps(frame), GEMINI)), 1 + number * pause_s)
    except RefusedError as refused:
        assert refused.close.reason
    else:
        conversation.advance(1000)
        assert all(wire.encode(message) for message in conversation.take())
