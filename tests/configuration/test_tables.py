"""Tables of files: the first mistake is one sentence that names the place, the value and the fix."""

from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, ValidationError

from configuration import Place, Table, Wanted, dotted, first_mistake, sentence


def _even(value: int) -> int:
    if value % 2:
        raise ValueError(f"is {value}; it must be even")
    return value


def _known(value: str) -> str:
    if value == "nobody":
        raise sentence(f"{{name}}: there is no {value!r}")
    return value


class Door(Table):
    """A table in a table."""

    colour: str = "red"
    """The colour of the door."""
    steps: Annotated[int, AfterValidator(_even)] = 2
    owner: Annotated[str, AfterValidator(_known)] = "me"


class House(Table):
    rooms: Annotated[int, Field(ge=1), Wanted("it must be a number of rooms")]
    key: Annotated[str, Field(min_length=4), Wanted("must be a text of four letters", shows_value=False)] = "abcd"
    door: Door = Door()
    doors: list[Door] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "rooms is missing; it must be a number of rooms"),
        ({"rooms": 0}, "rooms is 0; it must be a number of rooms"),
        ({"rooms": True}, "rooms is True; it must be a number of rooms"),
        ({"rooms": 1, "key": "ab"}, "key must be a text of four letters"),
        (
            {"rooms": 1, "roms": 2},
            "the key 'roms' is unknown; did you mean rooms? known are door, doors, key, rooms",
        ),
        ({"rooms": 1, "door": {"color": "x"}}, "the key 'door.color' is unknown; did you mean colour? known are colour, own"),
        ({"rooms": 1, "door": 3}, "door is 3; it must be a table: write [door]"),
        ({"rooms": 1, "doors": 3}, "doors is 3; it must be a list in brackets"),
        ({"rooms": 1, "doors": [{}, {"colour": 3}]}, "doors[1].colour must be a text in quotes"),
        ({"rooms": 1, "doors": [{"steps": 3}]}, "doors[0].steps is 3; it must be even"),
        ({"rooms": 1, "door": {"owner": "nobody"}}, "door.owner: there is no 'nobody'"),
        ({"rooms": 1, "door": {"steps": "x" * 500}}, "door.steps is 'xxx"),
    ],
)
def test_the_first_mistake_is_one_sentence(content: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        House.model_validate(content)
    found = first_mistake(invalid.value)
    assert found.startswith(said)
    assert len(found) < 200


def test_a_file_may_call_its_places_otherwise() -> None:
    def named(place: Place) -> str:
        return f"<{dotted(place)}>"

    with pytest.raises(ValidationError) as invalid:
        House.model_validate({"rooms": 1, "door": {"steps": 3}})
    assert first_mistake(invalid.value, named) == "<door.steps> is 3; it must be even"


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_any_table_is_taken_or_told_in_one_line(content: dict[str, Any]) -> None:
    try:
        House.model_validate({"rooms": 1} | content)
    except ValidationError as invalid:
        assert first_mistake(invalid)


def test_docstrings_are_descriptions() -> None:
    assert Door.model_json_schema()["properties"]["colour"]["description"] == "The colour of the door."
