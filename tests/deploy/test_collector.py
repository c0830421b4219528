"""The real OpenTelemetry Collector takes the spans of a call's process, and has them whole and without private text.

The collector is no package of the lock: otelcol/builder.yaml says how it is built. Without it tests/otlp.py stands in for it,
in tests/agent/test_tracing.py and tests/e2e/test_observed.py.
"""

import asyncio
import json
import multiprocessing
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.parts import Program, running
from tests.agent.test_tracing import NUMBER, WORDS, send_spans
from tests.e2e.stack import until
from tests.ports import free_port

OTELCOL = shutil.which("otelcol")
IS_MISSED = OTELCOL is None and os.environ.get("CI") != "true"
pytestmark = [pytest.mark.long, pytest.mark.skipif(IS_MISSED, reason="there is no otelcol on PATH")]


def configuration(folder: Path, port: int) -> Path:
    """OTLP over HTTP in, a line of JSON for each request out."""
    content = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"file": {"path": str(folder / "spans.jsonl"), "flush_interval": "100ms"}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    file = folder / "otelcol.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


async def test_the_collector_takes_the_spans_of_a_process(tmp_path: Path) -> None:
    port, written = free_port(), tmp_path / "spans.jsonl"
    argv = [str(OTELCOL), f"--config=file:{configuration(tmp_path, port)}"]
    async with running(Program("otelcol", argv, dict(os.environ), re.compile("Everything is ready"))) as part:
        await part.ready()
        url = f"http://127.0.0.1:{port}"
        process = multiprocessing.get_context("forkserver").Process(target=send_spans, args=(url,))
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
        await until(lambda: written.exists() and "the job's" in written.read_text())
    told = written.read_text()
    spans: dict[str, dict[str, Any]] = {}
    for line in told.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            assert {"key": "service.name", "value": {"stringValue": "desk"}} in resource["resource"]["attributes"]
            spans |= {span["name"]: span for scope in resource["scopeSpans"] for span in scope["spans"]}
    assert set(spans) == {"ours", "livekit's", "the job's"}
    assert "call [number]" in told
    for words in (WORDS, NUMBER, "Apollo"):
        assert words not in told
