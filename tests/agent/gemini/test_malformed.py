"""Whatever a service, or what stands before it, sends: it is skipped and counted, and the conversation goes on."""

import asyncio
import base64
import itertools
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from livekit import rtc
from livekit.agents import llm

from agent.gemini import CAPABILITIES, ApiKey, EarshotModel, Endpoint, LinkLimits, SilentListener, Voicing
from agent.gemini.events import Cause, Kind, LinkEvent
from agent.gemini.link import Link
from agent.gemini.messages import Received
from agent.gemini.session import EarshotSession
from tests.agent.gemini.listening import Told
from tests.agent.gemini.rig.adapter import Core
from tests.agent.gemini.rig.messages import voice
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, certified, sound, wire
from tests.e2e.stack import until

MODEL = "gemini-3.8-live"
NAMES = [
    *("serverContent", "toolCall", "toolCallCancellation", "sessionResumptionUpdate", "goAway", "voiceActivity"),
    *("modelTurn", "parts", "inlineData", "data", "mimeType", "text", "thought", "inputTranscription", "outputTranscription"),
    *("generationComplete", "turnComplete", "interrupted", "functionCalls", "id", "ids", "name", "args", "timeLeft"),
    *("newHandle", "resumable", "voiceActivityType", "type", "usageMetadata", "promptTokensDetails", "setupComplete"),
    *("groundingMetadata", "groundingChunks", "web", "uri", "groundingSupports", "segment", "groundingChunkIndices"),
    *("webSearchQueries", "searchEntryPoint", "urlContextMetadata", "urlMetadata", "executableCode", "turnCompleteReason"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["\ud800", "9.5s", "AAA="]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
GOOD: list[dict[str, Any]] = [
    voice(0.02, "Well, "),
    {"serverContent": {"inputTranscription": {"text": "Hello."}}},
    {
        "serverContent": {"turnComplete": True},
        "usageMetadata": {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]},
    },
    {
        "serverContent": {
            "turnComplete": True,
            "turnCompleteReason": "RESPONSE_REJECTED",
            "groundingMetadata": {
                "webSearchQueries": ["a"],
                "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "A"}}],
                "groundingSupports": [{"segment": {"text": "So."}, "groundingChunkIndices": [0]}],
                "searchEntryPoint": {"renderedContent": "<div>"},
            },
            "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://a.example/", "urlRetrievalStatus": "x"}]},
        }
    },
    {
        "serverContent": {
            "modelTurn": {
                "parts": [
                    {"text": "Hm.", "thought": True},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ]
            }
        }
    },
    {"toolCall": {"functionCalls": [{"id": "1", "name": "book", "args": {"slot": "3pm"}}, {"id": "1", "name": "book"}]}},
    {"toolCallCancellation": {"ids": ["1"]}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    {"goAway": {"timeLeft": "9.5s"}},
    {"voiceActivity": {"voiceActivityType": "ACTIVITY_START"}},
]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A message of the service's with another value somewhere in it."""
    message = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    holder: Any = message
    while True:
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        if isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
            holder = holder[key]
            continue
        holder[key] = draw(VALUES)
        return message


FRAMES = st.one_of(
    st.binary(max_size=20),
    damaged().map(lambda message: json.dumps(message).encode()),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3).map(lambda message: json.dumps(message).encode()),
    st.sampled_from(
        [b"[" * 5000, b'{"serverContent":' * 3000, b'{"a":"\xff"}', b'{"goAway":{"timeLeft":"' + b"9" * 5000 + b's"}}']
    ),
)


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """What is logged at ERROR, by anybody."""
    found: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    keeper = Keeper(logging.ERROR)
    logging.getLogger().addHandler(keeper)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(keeper)


class Keeping:
    """What a link tells, kept; what is true to the conversation is passed on to a session."""

    def __init__(self) -> None:
        self.events: list[LinkEvent] = []
        self.told: list[Received] = []
        self.pass_on: Callable[[Received], None] = self.told.append

    def on_received(self, received: Received) -> None:
        """Nothing hangs on what was not decided yet."""

    def on_message(self, received: Received) -> None:
        self.told.append(received)
        self.pass_on(received)

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        del is_loud, ago_s

    def on_event(self, event: LinkEvent) -> None:
        self.events.append(event)

    def on_opened(self, known_until: float) -> None:
        """No picture waits for a connection."""

    def on_snapshot_due(self) -> None:
        """No other process goes on here."""

    def on_skipped(self, *, is_unreadable: bool) -> None:
        """What was skipped shows in what was told."""


async def after(frames: list[bytes]) -> tuple[list[LinkEvent], list[Received]]:
    """A link that is connected gets those frames, and then an answer: what it tells, and what of the answer is passed on."""
    kept, core = Keeping(), Core(MODEL, LinkLimits())
    link = Link(Endpoint(MODEL, ApiKey("key")).address(), MODEL, core.machine, LinkLimits(), kept)
    model = EarshotModel(Endpoint(MODEL, ApiKey("key")), Voicing("Puck"))
    session = EarshotSession(model, link, Voicing("Puck"), CAPABILITIES[MODEL], SilentListener())
    kept.pass_on = session.on_message
    await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    core.start(now)
    core.upgraded(now)
    link.on_frame(b'{"setupComplete":{}}')
    for frame in frames:
        link.on_frame(frame)
    kept.told.clear()
    for message in (voice(0.2, "Here I am."), COMPLETE):
        link.on_frame(json.dumps(message).encode())
    await session.aclose()
    await asyncio.sleep(0)
    return kept.events, kept.told


@pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning")  # google-genai, of enums that it doesn't know
@settings(deadline=None, max_examples=200)
@given(frames=st.lists(FRAMES, min_size=1, max_size=6))
def test_no_message_costs_the_connection_or_the_next_answer(frames: list[bytes]) -> None:
    """Wrong types, ids, nesting, lone surrogates, half fields: no error here, no reconnect."""
    with errors_logged() as errors:
        events, told = asyncio.run(after(frames))
    assert errors == []
    kinds = {event.kind for event in events}
    assert Kind.CONNECTED in kinds
    assert not kinds & {Kind.LOST, Kind.RETRYING, Kind.FAILED}, "closed by the test, and not before"
    assert any(len(received.pcm) == 9600 for received in told)


HUGE = 17 * 1024 * 1024
BAD: Frames = [
    b"\xff\xfe",
    b"[1]",
    {"serverContent": 3},
    {"serverContent": {"inputTranscription": {"text": 5}}},
    {"serverContent": {"outputTranscription": {"text": "\ud800"}}},
    {"toolCall": {"functionCalls": [{"id": ["a"], "name": "f"}, {"id": "a"}, 7]}},
    {"toolCallCancellation": {"ids": [["a"], {}]}},
    {"goAway": {"timeLeft": 5}},
    {"goAway": {"timeLeft": "soon"}},
    {"sessionResumptionUpdate": {"newHandle": 7, "resumable": True}},
    {"voiceActivity": {"type": ["ACTIVITY_START"]}},
    {"usageMetadata": {"promptTokenCount": "many"}},
    {
        "serverContent": {
            "modelTurn": {"parts": [{"inlineData": {"data": "A"}}, {"inlineData": {"mimeType": "image/png", "data": ""}}]}
        }
    },
    b" " * HUGE,
    [b" " * (HUGE // 4)] * 5,
]


def speaking(frames: Frames) -> Any:
    """Those frames, and then an answer, for whatever is asked."""

    def script(message: dict[str, Any]) -> Frames:
        return [*frames, sound("Here I am."), COMPLETE] if message.get("client_content", {}).get("turnComplete") else []

    return script


def at(endpoint: Wire) -> Endpoint:
    return Endpoint(MODEL, ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)


@asynccontextmanager
async def linked(
    endpoint: Endpoint, told: Told | None = None
) -> AsyncIterator[tuple[EarshotModel, EarshotSession, list[LinkEvent]]]:
    told = told or Told()
    async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as model:
        session = model.session()
        yield model, session, told.events
        await session.aclose()


async def heard(generation: llm.GenerationCreatedEvent) -> list[rtc.AudioFrame]:
    async with asyncio.timeout(15):
        return [frame async for message in generation.message_stream async for frame in message.audio_stream]


async def test_on_the_wire_the_answer_comes_by_the_same_connection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All that is skipped is counted, and the log has one line about it."""
    async with wire(tmp_path, speaking(BAD)) as endpoint, linked(at(endpoint)) as (model, session, events):
        frames = await heard(await asyncio.wait_for(session.generate_reply(instructions="Speak."), 20))
        assert sum(frame.samples_per_channel for frame in frames) == 4800
        assert len(endpoint.of("setup")) == 1
        assert [event.kind for event in events] == [Kind.CONNECTED]
        assert model.counts[Kind.IGNORED, Cause.UNREADABLE] == len(BAD)
    lines = [record for record in caplog.records if "is skipped" in record.message]
    assert [record.levelname for record in lines] == ["WARNING"]


@pytest.mark.parametrize("sizes", [[9600, 9601, 9600], [1] * 11, [4801, 4799, 9600, 1]])
async def test_sound_that_is_cut_at_any_byte_is_heard_whole(tmp_path: Path, sizes: list[int]) -> None:
    stream = bytes(range(256)) * 200
    chunks = [stream[end - size : end] for end, size in zip(itertools.accumulate(sizes), sizes, strict=True)]
    frames: Frames = [
        {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": base64.b64encode(chunk).decode()}}]}}}
        for chunk in chunks
    ]
    async with wire(tmp_path, speaking(frames)) as endpoint, linked(at(endpoint)) as (_, session, events):
        answer = b"".join(bytes(frame.data) for frame in await heard(await session.generate_reply(instructions="Speak.")))
        whole = sum(sizes) - sum(sizes) % 2
        assert answer[:whole] == stream[:whole]
        assert [event.kind for event in events] == [Kind.CONNECTED]


async def test_an_error_in_a_listener_is_logged_once_and_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Told):
        def on_caller_speaks(self) -> None:
            raise RuntimeError("a bug")

    begins: Frames = [{"voiceActivity": {"type": "ACTIVITY_START"}}] * 20
    async with wire(tmp_path, speaking(begins)) as endpoint, linked(at(endpoint), Broken()) as (model, session, events):
        assert await heard(await session.generate_reply(instructions="Speak."))
        await until(lambda: model.counts[Kind.IGNORED, Cause.WORKER] == 20)
        assert [event.kind for event in events] == [Kind.CONNECTED]
    assert sum("is skipped" in record.message for record in caplog.records) == 1


UPGRADES = [
    b"\xff\xfe\r\n\r\n",
    b"HTTP/1.1 \xff\r\n\r\n",
    b"HTTP/1.1 101\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\xff: \x00\r\n\r\n",
    b"a line without an end " * 5000,
]


@pytest.mark.parametrize("reply", UPGRADES)
async def test_an_answer_that_is_no_upgrade_is_asked_again(tmp_path: Path, reply: bytes) -> None:
    """Whatever a proxy or a portal answers, it is one failed attempt of those that are tried ever less often."""
    answered = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        answered += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    context, ca_file = certified(tmp_path)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with linked(Endpoint(MODEL, ApiKey("key"), base_url=url, ca_file=ca_file)) as (_, _, events):
            await until(lambda: len(events) >= 3)
    assert {event.kind for event in events} <= {Kind.RETRYING, Kind.WAITING}
    assert answered <= 5
