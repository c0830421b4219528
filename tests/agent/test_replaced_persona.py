"""Who asks for a persona that the worker can't use is told which one answers, and which name they may have meant."""

from typing import Any

import pytest

from agent.call.replaced_persona import ReplacedPersona, replaced_persona

THERE_ARE = ["assistant", "boxing_coach", "stadtfuehrer"]


@pytest.mark.parametrize(
    ("asked", "near"), [("stadtfurer", "stadtfuehrer"), ("Boxing-Coach", "boxing_coach"), ("pirate", None), (7, None)]
)
def test_an_unknown_persona_is_told_with_the_name_that_is_like_it(asked: object, near: str | None) -> None:
    assert replaced_persona({"persona": asked}, "assistant", THERE_ARE) == ReplacedPersona(str(asked), "assistant", near)


def test_a_persona_whose_file_cannot_be_used_is_told_without_another_name() -> None:
    assert replaced_persona({"persona": "stadtfuehrer"}, "assistant", THERE_ARE) == ReplacedPersona(
        "stadtfuehrer", "assistant", None
    )


@pytest.mark.parametrize("wanted", [None, {}, {"persona": None}, {"persona": "boxing_coach"}, {"persona": "Boxing_Coach.toml"}])
def test_whoever_gets_what_was_asked_for_is_told_nothing(wanted: dict[str, Any] | None) -> None:
    assert replaced_persona(wanted, "boxing_coach", THERE_ARE) is None


def test_a_long_name_is_shortened() -> None:
    told = replaced_persona({"persona": "x" * 1000}, "assistant", THERE_ARE)
    assert told is not None
    assert len(told.asked) == 64
