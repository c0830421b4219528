"""What the emulator says to clients it knows nothing about: long enough, from memory, and by their tools."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.answers import Call, Situation, fill
from emulator.auto import GREETING, Auto
from emulator.auto.facts import MOST_FACTS
from emulator.voice import RATE_HZ, speak

AUTO = Auto()
CITY = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
TOOLS: dict[str, Any] = {
    "get_weather": CITY,
    "turn_on_the_lights": {"type": "OBJECT", "properties": {}},
    "turn_off_the_lights": {},
}


def said(*typed: str, told: str = "") -> str:
    """The answer to the last of some typed turns; the memory goes through JSON after each, as in a resume."""
    memory: dict[str, Any] = {}
    AUTO.take_note(told, memory)
    answer = ""
    for text in typed:
        answer = fill(AUTO.answer(Situation(text, notes=memory)).says, {"typed": text})
        memory = json.loads(json.dumps(memory))
    return answer


def seconds(says: str) -> float:
    return len(speak(says, "Puck", "en-US")) / 2 / RATE_HZ


@pytest.mark.parametrize(
    ("statement", "question", "known"),
    [
        ("my name is Ada", "what is my name?", "Ada"),
        ("Hi, my name is Ada and I am new here.", "Who am I?", "Ada"),
        ("Hello! I'm Grace Hopper.", "Do you remember my name?", "Grace Hopper"),
        ("Call me Ishmael.", "What's my name", "Ishmael"),
        ("My favourite colour is teal.", "which colour do I like?", "teal"),
        ("My favorite color is teal", "What is my favourite colour?", "teal"),
        ("Remember the number 42. Just acknowledge it.", "What number did I ask you to remember?", "42"),
        ("remember the number 42", "what number did I say?", "42"),
        ("Please remember this: the code word is pelican.", "What was the code word?", "pelican"),
        ("the code word is pelican", "Tell me the code word.", "pelican"),
        ("I live in Oslo", "Where do I live?", "Oslo"),
        ("The price is 3.50 euros. Thanks.", "What is the price?", "3.50 euros"),
        ("Remember that dinner starts at eight", "When does dinner start?", "eight"),
        ("Remember the word {typed}", "Which word did I say?", "typed"),
        ("Remember the number 7", "What did I say?", "7"),
    ],
)
def test_what_was_typed_is_remembered_through_a_resume(statement: str, question: str, known: str) -> None:
    assert known in said(statement, question)
    assert known in said(statement, "Hello there", question)
    assert known in said(question, told=statement)
    assert known in said("Remember the cat Tom", statement, question)


def test_the_newest_of_two_statements_is_true_and_names_are_not_mixed_up() -> None:
    assert "43" in said("Remember the number 42", "Remember the number 43", "What number did I say?")
    assert "Ada" in said("My name is Ada", "What is my name?", told="Your name is Marvin.")
    assert "Marvin" in said("My name is Ada", "What is your name?", told="Your name is Marvin.")


def test_what_nobody_said_is_not_known() -> None:
    assert "You wrote: What is my name?" in said("The sky is blue", "What is my name?")


def test_a_long_talk_is_not_remembered_whole() -> None:
    memory: dict[str, Any] = {}
    for number in range(MOST_FACTS + 50):
        AUTO.answer(Situation(f"the thing{number} is {'x' * 10_000}", notes=memory))
    assert len(memory["facts"]) == MOST_FACTS
    assert max(len(json.dumps(fact)) for fact in memory["facts"]) < 500


@pytest.mark.parametrize(
    "typed", ["Hi", "Say hello.", ".", "", "<instructions>\nGreet the user.\n</instructions>", "my name is Al"]
)
def test_any_typed_turn_is_answered_with_two_seconds_of_speech(typed: str) -> None:
    assert seconds(said(typed)) >= 2


def test_an_answer_from_memory_and_one_about_a_result_are_two_seconds_long_too() -> None:
    assert seconds(said("I live in Rome", "Where do I live?")) >= 2
    assert seconds(fill(AUTO.answer(Situation(spoken_turns=1)).says, {"heard_s": "1.0"})) >= 2
    assert seconds(fill(AUTO.answer(Situation(tools={"f": {}})).says, {"f": "ok"})) >= 2


@pytest.mark.parametrize(
    "typed", ["Tell me a story", "Give me a long answer", "Count to 3", "count to twenty", "Explain in detail how TCP works"]
)
def test_what_is_asked_for_at_length_takes_ten_seconds(typed: str) -> None:
    assert seconds(said(typed)) >= 10


def test_it_counts_as_far_as_anybody_listens() -> None:
    assert said("Please count to 12.").startswith("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12. ")
    assert "100" in said("count to 999999999")
    assert "101" not in said("count to 999999999")


def test_instructions_of_the_livekit_plugin_are_a_prompt_to_greet() -> None:
    assert said("<instructions>\nTell a story about lights\n</instructions>") == GREETING


@pytest.mark.parametrize(
    ("typed", "call"),
    [
        ("Please turn on the lights.", Call("turn_on_the_lights")),
        ("turn on the lights", Call("turn_on_the_lights")),
        ("Turn off the lights!", Call("turn_off_the_lights")),
        ("what's the weather in Paris?", Call("get_weather", {"city": "Paris"})),
        ("What's the weather like in San Francisco today?", Call("get_weather", {"city": "San Francisco"})),
        ("how is the weather in oslo", Call("get_weather", {"city": "oslo"})),
        ('Call get_weather for "New York"', Call("get_weather", {"city": "New York"})),
        ("Weather!", Call("get_weather", {"city": "Paris"})),
        ("Hello there", None),
        ("What is on TV?", None),
    ],
)
def test_a_typed_turn_calls_the_function_whose_words_it_uses(typed: str, call: Call | None) -> None:
    rule = AUTO.answer(Situation(typed, tools=TOOLS))
    assert rule.calls == ((call,) if call else ())
    if call is not None:
        assert f"{call.name} says: sunny" in fill(rule.says, {call.name: {"result": "sunny"}})


def test_a_camel_case_name_is_read_as_words() -> None:
    assert AUTO.answer(Situation("book a table for 4", tools={"bookTable": {}})).calls == (Call("bookTable"),)


def test_the_first_spoken_turn_calls_the_first_function_once() -> None:
    assert AUTO.answer(Situation(tools=TOOLS)).calls == (Call("get_weather", {"city": "Paris"}),)
    assert AUTO.answer(Situation(spoken_turns=1, tools=TOOLS)).calls == ()
    assert AUTO.answer(Situation()).calls == ()


def test_spoken_turns_are_told_apart() -> None:
    assert len({AUTO.answer(Situation(spoken_turns=index)).says for index in range(5)}) == 5


def test_json_schema_is_read_too() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert AUTO.answer(Situation("roll 3 dice", tools={"roll_dice": schema})).calls == (Call("roll_dice", {"n": 3}),)


@settings(deadline=None, max_examples=200)  # the machine may be busy
@given(st.lists(st.text(max_size=80) | st.sampled_from(["my name is ", "what is my name?", "remember the "]), max_size=6))
def test_any_text_is_answered_and_the_memory_stays_json(texts: list[str]) -> None:
    memory: dict[str, Any] = {}
    for text in texts:
        rule = AUTO.answer(Situation(text, tools=TOOLS, notes=memory))
        assert len(rule.says.split()) >= 8
        assert json.loads(json.dumps(memory)) == memory
