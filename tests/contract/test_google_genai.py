"""google-genai's own `tests/live_api`, as it is in the installed wheel, passes whole: nothing skipped, nothing left out."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.contract.stack import PYTHON, auto, run
from tests.e2e.stack import ROOT

pytestmark = pytest.mark.timeout(180)  # a conversation takes its time, on a busy machine much of it

SUITE = "google.genai.tests.live_api.test_live_session"
OPTIONS = ["--noconftest", "-c", "/dev/null", "-p", "no:cacheprovider", "-p", "tests.contract.google_suite", "--mode=api", "-q"]
# `google` is a namespace package: without these two the suite would run with a second copy of the SDK
OPTIONS += ["--import-mode=importlib", "-o", "consider_namespace_packages=true"]
OPTIONS += ["-o", "asyncio_default_fixture_loop_scope=function", "-n", "4"]  # turns take their time, not the machine's


@pytest.mark.long
async def test_googles_own_live_suite_passes_whole(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    async with auto(tmp_path) as model:
        environment = {"EMULATOR_URL": model.url, "EMULATOR_CA": str(model.ca_file), "PYTHONPATH": str(ROOT)}
        argv = [PYTHON, "-m", "pytest", *OPTIONS, "--rootdir", str(tmp_path), "--junit-xml", str(report), "--pyargs", SUITE]
        await run(argv, environment=environment, folder=tmp_path)
    suite = ET.parse(report).getroot()[0]
    assert {name: suite.get(name) for name in ("tests", "skipped", "failures", "errors")} == {
        "tests": "7",
        "skipped": "0",
        "failures": "0",
        "errors": "0",
    }
