"""A real call from a telephone whose tools fail, as an operator sees it: metrics, spans, log lines, and nothing private."""

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from caller import AgentSilent, Caption
from tests.e2e.stack import Sfu, gemini, until, worker
from tests.e2e.test_words_in_logs import CALLS, SAID, SCRIPT
from tests.otlp import collector
from tests.ports import free_port

KEY = "the-key-of-the-collector"
CALLERS_NUMBER = "+15550001111"
TOLD_NUMBER = "0151 2345 6789"
KEYS = "47110815"
FROM = {
    "sip.phoneNumber": CALLERS_NUMBER,
    "sip.trunkPhoneNumber": "+15550002222",
    "sip.callID": "1",
    "sip.callStatus": "active",
}
SCRIPT_OF_KEYS = f"""
[[typed]]
matches = "^my number is"
says = "It did not work."
calls = [{{ name = "local_time", args = {{ place = "{TOLD_NUMBER}" }} }}]

[[typed]]
matches = "pressed on the telephone"
says = "I have your keys."
"""
TYPED = (*CALLS, f"my number is {TOLD_NUMBER}")


async def samples(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
        return {(sample.name, tuple(sample.labels.values())): sample.value for each in families for sample in each.samples}


async def test_what_an_operator_sees_of_a_call(server: Sfu, tmp_path: Path, room: str) -> None:
    health = free_port()
    async with collector() as (received, url), gemini(tmp_path, SCRIPT + SCRIPT_OF_KEYS) as model:
        exports = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={KEY}"}
        settings = {"AGENT_NAME": "observed", "HEALTH_PORT": str(health), "HEALTH_HOST": "127.0.0.1", **exports}
        async with worker(server, model, **settings) as part:
            async with server.telephone(room, FROM, agent_name="observed") as caller:
                await caller.first(AgentSilent, within_s=15)
                for line in TYPED:
                    mark = len(caller.log)
                    await caller.send_text(line)
                    await caller.first(Caption, since=mark, within_s=15, where=lambda caption: caption.final)
                for key in KEYS:
                    await caller.press(key)
                await caller.first(Caption, within_s=15, where=lambda caption: caption.final and "your keys" in caption.text)
                assert (await samples(health))["earshot_calls", ()] == 1
            await part.says("call ended: ")
            await until(lambda: any(span.name == "job_entrypoint" for span in received.spans))
            await until(lambda: ended(health))
            values = await samples(health)
            lines = [json.loads(line) for line in part.lines if line.startswith("{")]
    assert values["earshot_calls_started_total", ()] == 1
    assert values["earshot_calls_ended_total", ("caller_left",)] == 1
    assert values["earshot_greeting_latency_seconds_count", ()] == 1
    assert values["earshot_turns_total", ()] >= 2
    assert values["earshot_link_events_total", ("start", "connected")] == 1
    assert values["earshot_tool_duration_seconds_count", ("error", "local_time")] >= 1
    trace_ids = {span.trace_id.hex() for span in received.spans if span.name.startswith("invoke_agent")}
    spans = {span.span_id: span for span in received.spans if span.trace_id.hex() in trace_ids}
    names = {span.name for span in spans.values()}
    assert names >= {"gemini connection", "execute_tool local_time", "execute_tool send_dtmf", "agent_session"}
    [session] = [span for span in spans.values() if span.name == "agent_session"]
    assert above(session, spans) == ["invoke_agent assistant", "job_entrypoint"], (
        "LiveKit's spans are inside ours, and ours in its"
    )
    [tool, *_] = [span for span in spans.values() if span.name == "execute_tool send_dtmf"]
    assert above(tool, spans)[0] == "invoke_agent assistant"
    assert received.keys == {KEY}
    of_call = [line for line in lines if line["name"].startswith("earshot.") and line.get("job")]
    assert {"call ended: the caller left", "Gemini connection: connected (start)"} <= {line["message"] for line in of_call}
    assert {line["trace"] for line in of_call if "trace" in line} == trace_ids
    [(named, call_id)] = {(line["room"], line["call"]) for line in of_call}
    assert (named, call_id) == (room, of_call[-1]["room_id"])  # LiveKit's own field of the room's id
    assert call_id.startswith("RM_")
    told = "\n".join([*part.lines, *map(str, received.spans), *(str(name) for name in values)])
    for private in (*SAID, KEY, TOLD_NUMBER, CALLERS_NUMBER, KEYS, " ".join(KEYS)):
        assert private not in told
    assert room not in str(received.spans)


def above(span: Span, spans: Mapping[bytes, Span]) -> list[str]:
    """The names of the spans that a span is within, the nearest first."""
    names = []
    while (span := spans.get(span.parent_span_id, Span())).name:
        names.append(span.name)
    return names


async def ended(port: int) -> bool:
    return ("earshot_calls_ended_total", ("caller_left",)) in await samples(port)
