"""Prometheus's own check of the metrics, the alerts, the configuration and the dashboard's expressions.

promtool is no package of the lock: `go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0` builds it.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.call_metrics import CallMetric, Measurement
from agent.worker.metrics import WorkerMetrics
from tests.deploy.test_monitoring import ALL_FIGURES, FOLDER, PANELS
from token_server.metrics import TokenMetrics

PROMTOOL = shutil.which("promtool")
pytestmark = [pytest.mark.long, pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool on PATH")]


def check(*words: str, given: bytes = b"") -> None:
    assert PROMTOOL is not None
    checked = subprocess.run([PROMTOOL, "check", *words], input=given, capture_output=True, check=False)
    said = (checked.stdout + checked.stderr).decode()
    assert checked.returncode == 0, said


def test_the_metrics_are_named_as_prometheus_asks() -> None:
    metrics = WorkerMetrics(lambda: ALL_FIGURES)
    metrics.job_refused("full")
    for metric in CallMetric:
        metrics.measured(Measurement(metric, labels=tuple("x" for _ in metric.value.labels)))
    for exposition in (metrics.exposition(), TokenMetrics().exposition()):
        check("metrics", given=exposition)


def test_prometheus_takes_the_configuration_and_the_alerts(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "metrics_key").write_text("the-key-of-prometheus")
    check("config", str(tmp_path / "prometheus" / "prometheus.yaml"))
    check("rules", str(FOLDER / "alerts.yaml"))


def test_prometheus_can_read_the_dashboards_expressions(tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    filled = [each.replace("$__rate_interval", "1m").replace("$instance", ".*") for each in expressions]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(filled)]
    file = tmp_path / "dashboard.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    check("rules", str(file))
