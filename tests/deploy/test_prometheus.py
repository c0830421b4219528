"""A real Prometheus scrapes a worker's metrics with the shipped configuration, and its rules see what is wrong.

Prometheus is no package of the lock: `go install github.com/prometheus/prometheus/cmd/prometheus@v0.316.0` builds it.
"""

import dataclasses
import os
import re
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from agent.call_metrics import CallMetric, Measurement
from agent.worker.metrics import CONTENT_TYPE, WorkerMetrics
from demo.parts import Program, running
from tests.deploy.test_monitoring import ALL_FIGURES, FOLDER
from tests.e2e.stack import until
from tests.ports import free_port

PROMETHEUS = shutil.which("prometheus")
IS_MISSED = PROMETHEUS is None and os.environ.get("CI") != "true"
pytestmark = [pytest.mark.long, pytest.mark.skipif(IS_MISSED, reason="there is no prometheus on PATH")]


def configuration(folder: Path, port: int) -> Path:
    """The shipped files, with one worker and more scrapes."""
    shutil.copytree(FOLDER, folder / "prometheus")
    file = folder / "prometheus" / "prometheus.yaml"
    content = yaml.safe_load(file.read_text())
    content["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    content["scrape_configs"] = [content["scrape_configs"][0]]
    content["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    file.write_text(yaml.safe_dump(content))
    return file


async def test_prometheus_scrapes_a_worker_and_its_rules_see_a_worker_without_a_place(tmp_path: Path) -> None:
    metrics = WorkerMetrics(lambda: dataclasses.replace(ALL_FIGURES, calls=1))
    metrics.measured(Measurement(CallMetric.ENDED, labels=("caller_left",)))
    metrics.measured(Measurement(CallMetric.RESPONSE, 0.7))

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    app, port, own = web.Application(), free_port(), free_port()
    app.add_routes([web.get("/metrics", exposition)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    argv = [str(PROMETHEUS), f"--config.file={configuration(tmp_path, port)}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    argv.append(f"--web.listen-address=127.0.0.1:{own}")
    program = Program("prometheus", argv, dict(os.environ), re.compile("Server is ready"))
    async with running(program) as part, aiohttp.ClientSession() as http:
        await part.ready()

        async def asked(what: str, **words: str) -> Any:
            async with http.get(f"http://127.0.0.1:{own}/api/v1/{what}", params=words) as response:
                return (await response.json())["data"]

        async def value(expression: str) -> str | None:
            result = (await asked("query", query=expression))["result"]
            return result[0]["value"][1] if result else None

        async def rings() -> bool:
            alerts = (await asked("alerts"))["alerts"]
            return "EarshotFewPlaces" in {alert["labels"]["alertname"] for alert in alerts}

        async def is_up() -> bool:
            return await value('up{job="earshot-worker"}') == "1"

        await until(is_up, within_s=30)
        assert await value('earshot_calls_ended_total{ending="caller_left"}') == "1"
        assert await value('earshot_response_latency_seconds_bucket{le="0.8"}') == "1"
        await until(rings, within_s=30)
    await runner.cleanup()
