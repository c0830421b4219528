"""The examples' personas can be used: each names its agent, whose tools can be declared."""

from pathlib import Path

import pytest

from agent.persona import load, names
from agent.worker.checks import tools_of

FOLDER = Path(__file__).parents[2] / "examples" / "personas"


@pytest.mark.parametrize("name", names(FOLDER))
def test_an_example_can_be_run_by_its_persona(name: str) -> None:
    persona = load(name, FOLDER)
    assert persona.agent is not None
    assert persona.agent.startswith("examples.")
    assert tools_of(persona)
