"""The tests of `make real` run as they are: here against the emulator, which `GEMINI_BASE_URL` names."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.contract.stack import PYTHON, run
from tests.e2e.real.gemini import SCRIPT
from tests.e2e.stack import emulator

pytestmark = [pytest.mark.contract, pytest.mark.timeout(900)]


async def test_the_tests_for_google_pass_against_the_emulator(tmp_path: Path) -> None:
    """None is skipped: the emulator serves every model, Vertex's as well. Of the whole calls, which `make test` holds, one."""
    report = tmp_path / "report.xml"
    async with emulator(tmp_path, "--script", str(SCRIPT)) as model:
        gemini = {"GEMINI_BASE_URL": model.url, "GEMINI_CA_FILE": str(model.ca_file), "GOOGLE_CLOUD_PROJECT": "project"}
        argv = [PYTHON, "-m", "tests.e2e.real", "-k", "not whole_call or thinking", "--junit-xml", str(report)]
        await run(argv, environment=gemini, within_s=800)
    suite = ET.parse(report).getroot()[0]
    assert int(suite.get("tests", 0)) > 0
    assert {name: suite.get(name) for name in ("skipped", "failures", "errors")} == {
        "skipped": "0",
        "failures": "0",
        "errors": "0",
    }
