"""The spans of a process reach a collector by OTLP, LiveKit's beside ours, and without private text."""

import asyncio
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
NUMBER = "0151 23456789"
PAIR = {"livekit_api_key": "key", "livekit_api_secret": 32 * "x", "google_api_key": "key"}


def send_spans(url: str) -> None:
    """What a call's process does, which sets LiveKit's tracer for good."""
    settings = read_settings(
        None, **PAIR, agent_name="desk", otel_exporter_otlp_endpoint=url, otel_exporter_otlp_headers="x-key=secret%20key"
    )
    private = PrivateText()
    private.of_persona(["project apollo"])
    tracing = Tracing(settings, private)
    tracing.tracer.start_span("ours").end()
    with livekit_tracer.start_as_current_span("livekit's") as span:
        span.set_attribute("lk.pii.arguments", WORDS)
        span.record_exception(ValueError(WORDS))
        span.set_attribute("lk.of_a_tool", [f"call {NUMBER}"])
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
    for words in (WORDS, NUMBER, "Apollo"):
        assert words not in str(received.spans)
    [theirs] = [span for span in received.spans if span.name == "livekit's"]
    [attribute] = [attribute for attribute in theirs.attributes if attribute.key == "lk.of_a_tool"]
    assert attribute.value.array_value.values[0].string_value == "call [number]"
    assert theirs.status.code == StatusCode.ERROR.value
    assert {event.name for event in theirs.events} == {"exception", "called [number]"}


async def test_without_the_setting_there_are_no_spans() -> None:
    await Tracing().flush()
    assert not Tracing(read_settings(None, **PAIR)).tracer.start_span("none").is_recording()


def test_a_collector_is_named_by_a_url() -> None:
    with pytest.raises(
        SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is 'localhost:4317': it must be a URL such as http://"
    ):
        read_settings(None, **PAIR, otel_exporter_otlp_endpoint="localhost:4317")
