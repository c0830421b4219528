"""The spans of a process reach a collector by OTLP, LiveKit's beside ours, and without private text."""

import asyncio
import json
import multiprocessing

import pytest
from livekit.agents.telemetry import tracer as livekit_tracer
from opentelemetry.trace import StatusCode

from agent.errors import SettingsError
from agent.settings import read_settings
from agent.tracing import Tracing
from configuration.private_text import PrivateText
from tests.otlp import collector

WORDS = "my house in Elm Street 5"
IDENTITY = "jane-of-elm-street"
NUMBER = "0151 23456789"
CALL_ID = "function-call-0000000000000000001"
PAIR = {"livekit_api_key": "key", "livekit_api_secret": 32 * "x", "google_api_key": "key"}


def send_spans(url: str, **given: str) -> None:
    """What a call's process does, which sets LiveKit's tracer for good."""
    given |= {"otel_exporter_otlp_endpoint": url, "otel_exporter_otlp_headers": "x-key=secret%20key"}
    settings = read_settings(None, **PAIR, agent_name="desk", **given)
    private = PrivateText()
    private.of_persona(["project apollo"])
    tracing = Tracing(settings, private)
    tracing.tracer.start_span("ours").end()
    with livekit_tracer.start_as_current_span("livekit's") as span:
        span.set_attribute("lk.pii.arguments", json.dumps({"note": f"{WORDS}:\n{NUMBER}, Project Apollo"}))
        span.set_attribute("gen_ai.output.messages", WORDS)
        for name in ("lk.pii.participant_identity", "lk.pii.room_name", "lk.rpc.caller_identity", "lk.pii.rpc.payload"):
            span.set_attribute(name, IDENTITY)
        span.record_exception(ValueError(WORDS))
        span.set_attribute("lk.of_a_tool", [f"call {NUMBER}"])
        span.set_attribute("gen_ai.tool.call.id", CALL_ID)
        span.add_event(f"called {NUMBER}", {"who": "Project Apollo"})
        span.set_status(StatusCode.ERROR, f"{NUMBER} is busy")
    asyncio.run(tracing.flush())
    tracing.tracer.start_span("the job's").end()


async def test_spans_reach_the_collector_with_its_headers_and_without_words() -> None:
    async with collector() as (received, url):
        process = multiprocessing.get_context("forkserver").Process(target=send_spans, args=(f"{url}/",))
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    assert {span.name for span in received.spans} == {"ours", "livekit's", "the job's"}, "the last one at the process's end"
    resource, *_ = received.resources
    named = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert named["service.name"] == "desk"
    assert received.keys == {"secret key"}
    for words in (WORDS, NUMBER, "Apollo", IDENTITY):
        assert words not in str(received.spans)
    [theirs] = [span for span in received.spans if span.name == "livekit's"]
    [attribute] = [attribute for attribute in theirs.attributes if attribute.key == "lk.of_a_tool"]
    assert attribute.value.array_value.values[0].string_value == "call [number]"
    assert CALL_ID in str(theirs.attributes)
    assert theirs.status.code == StatusCode.ERROR.value
    assert {event.name for event in theirs.events} == {"exception", "called [number]"}


async def test_spans_have_words_on_request_but_neither_numbers_nor_listed_texts_nor_who_calls() -> None:
    asked = {"otel_instrumentation_genai_capture_message_content": "SPAN_ONLY"}
    async with collector() as (received, url):
        process = multiprocessing.get_context("forkserver").Process(target=send_spans, args=(url,), kwargs=asked)
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    [theirs] = [span for span in received.spans if span.name == "livekit's"]
    told = {attribute.key: attribute.value.string_value for attribute in theirs.attributes}
    assert told["lk.pii.arguments"] == json.dumps({"note": f"{WORDS}:\n[number], [redacted]"})
    assert told["gen_ai.output.messages"] == WORDS
    for words in (NUMBER, "Apollo", IDENTITY):
        assert words not in str(received.spans)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("true", "on"),
        ("SPAN_AND_EVENT", "on"),
        ("span_only", "on"),
        ("EVENT_ONLY", "off"),
        ("NO_CONTENT", "off"),
        ("off", "off"),
    ],
)
def test_whether_words_are_sent_is_said_as_to_other_libraries(value: str, read: str) -> None:
    settings = read_settings(None, **PAIR, otel_instrumentation_genai_capture_message_content=value)
    assert settings.otel_instrumentation_genai_capture_message_content == read
    assert read_settings(None, **PAIR).otel_instrumentation_genai_capture_message_content == "off"


async def test_without_the_setting_there_are_no_spans() -> None:
    await Tracing().flush()
    assert not Tracing(read_settings(None, **PAIR)).tracer.start_span("none").is_recording()


def test_a_collector_is_named_by_a_url() -> None:
    with pytest.raises(
        SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is 'localhost:4317': it must be a URL such as http://"
    ):
        read_settings(None, **PAIR, otel_exporter_otlp_endpoint="localhost:4317")
