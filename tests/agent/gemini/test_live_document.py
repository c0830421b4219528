"""docs/live.md says what the code says, and every feature's row names a test that exists."""

import ast
import re
from pathlib import Path

import pytest

from agent.gemini.commands import main
from agent.gemini.live_features import FEATURES
from agent.gemini.live_table import WORKER_SETS
from agent.gemini.model_table import table
from agent.gemini.pace import paced

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "live.md").read_text()
_TABLE = DOCUMENT.split("| feature | models | how it is set | test |\n|---|---|---|---|\n")[1]
ROWS = _TABLE.split("\n\n")[0].splitlines()
"""All rows of the table of features, whatever stands in them."""


def test_the_table_of_models_is_what_the_command_prints() -> None:
    shown = re.search(r"<!-- models -->\n```\n(.*?)\n```", DOCUMENT, re.DOTALL)
    assert shown is not None
    assert shown[1] == table(), "paste what `python -m agent.gemini models` prints"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_the_test_that_a_row_names_exists(row: str) -> None:
    named = re.search(r"`(tests/[^`]*)::(\w+)` \|$", row)
    assert named is not None, "the last cell names no test"
    tree = ast.parse((ROOT / named[1]).read_text())
    assert named[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert capsys.readouterr().out.strip() == table().strip()


def test_every_feature_of_the_model_table_has_a_row() -> None:
    assert len(ROWS) >= len(FEATURES)
    text = "\n".join(ROWS)
    settings = [setting.strip() for feature in FEATURES for setting in feature.setting.split(",")]
    for setting in filter(None, settings):
        for key in setting.removeprefix("tools.").split("."):
            assert key in text, setting


def test_what_the_worker_sets_itself_is_listed_with_what_to_do_instead() -> None:
    for name, instead in WORKER_SETS.items():
        assert f"| `{name}` | {instead} |" in DOCUMENT


def test_the_paces_are_listed_with_their_values() -> None:
    for pace in ("patient", "quick"):
        detection = paced(pace, 500)["realtime_input_config"]["automatic_activity_detection"]
        silence, sensitivity = detection["silence_duration_ms"], detection["end_of_speech_sensitivity"]
        assert f"| `{pace}` | {silence} ms | `{sensitivity}` |" in DOCUMENT
