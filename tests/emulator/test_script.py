"""Scripts: what is written is what is said, and mistakes are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.answers import Call, Rule, Situation, WebPage, fill
from emulator.errors import ScriptError
from emulator.faults.catalogue import fault_from_table
from emulator.script import Script, load
from speech import write_wav

ROOT = Path(__file__).parents[2]
RAMP = np.arange(24000, dtype=np.int16)


def typed(script: Script, text: str) -> Rule:
    return script.answer(Situation(text))


def spoken(script: Script, number: int) -> Rule:
    """The answer to a spoken turn, from 0."""
    return script.answer(Situation(spoken_turns=number))


def write(folder: Path, text: str) -> Path:
    path = folder / "script.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", ["demo/script.toml"])
def test_the_shipped_scripts_can_be_read(path: str) -> None:
    script = load(ROOT / path)
    assert typed(script, "<instructions>\nGreet the caller in one short sentence.\n</instructions>").says.startswith("Hello")
    assert "emulator" in typed(script, "<instructions>\nGreet the caller.\n</instructions>").says
    assert spoken(script, 99).says


def test_spoken_turns_go_in_order_and_then_otherwise(tmp_path: Path) -> None:
    script = load(write(tmp_path, '[[turn]]\nsays = "one"\n[[turn]]\nsays = "two"\n[otherwise]\nsays = "more"\n'))
    assert [spoken(script, n).says for n in range(4)] == ["one", "two", "more", "more"]


def test_typed_turns_are_matched_in_order(tmp_path: Path) -> None:
    text = '[[typed]]\nmatches = "LIGHT"\nsays = "a"\ncalls = [{name = "on", args = {room = "all"}}]\n'
    script = load(write(tmp_path, text + '[[typed]]\nmatches = "."\nsays = "b"\n'))
    assert typed(script, "the lights, please").calls == (Call("on", {"room": "all"}),)
    assert typed(script, "hello").says == "b"


TOOLS: dict[str, Any] = {
    "roll_dice": {"type": "OBJECT", "properties": {"sides": {"type": "INTEGER"}}, "required": ["sides"]},
    "turn_on_the_lights": {"type": "OBJECT"},
}


def test_a_rule_calls_the_declared_function_that_a_text_names(tmp_path: Path) -> None:
    """And is passed over where the text names none, or nothing of that name is declared."""
    text = '[[typed]]\ncalls = "auto"\nsays = "Done. {result}"\n[[typed]]\nmatches = "."\nsays = "b"\n'
    script = load(write(tmp_path, text))
    rule = script.answer(Situation("roll the dice with 20 sides", tools=TOOLS))
    assert (rule.calls, rule.says) == ((Call("roll_dice", {"sides": 20}),), "Done. {roll_dice}")
    assert script.answer(Situation("hello", tools=TOOLS)).says == "b"
    assert typed(script, "roll the dice").says == "b"
    prompt = "<instructions>\nSay that the caller may roll the dice.\n</instructions>"
    assert script.answer(Situation(prompt, tools=TOOLS)).says == "b"


def test_a_spoken_turn_whose_function_is_not_declared_is_passed_over(tmp_path: Path) -> None:
    turns = '[[turn]]\nsays = "one"\n[[turn]]\nhears = "Turn on the lights."\ncalls = "auto"\n[[turn]]\nsays = "two"\n'
    script = load(write(tmp_path, turns))
    assert [script.answer(Situation(spoken_turns=n)).says for n in range(2)] == ["one", "two"]
    with_lights = [script.answer(Situation(spoken_turns=n, tools=TOOLS)) for n in range(3)]
    assert [rule.says for rule in with_lights] == ["one", "{turn_on_the_lights}", "two"]
    assert with_lights[1].calls == (Call("turn_on_the_lights"),)


def test_a_rule_for_the_first_turn_is_for_no_other(tmp_path: Path) -> None:
    """The first turn may be asked for again, after a lost connection, and is answered the same then."""
    text = '[[typed]]\nmatches = "<instructions>"\nfirst = true\nsays = "hello"\n[[typed]]\nmatches = "."\nsays = "later"\n'
    script = load(write(tmp_path, text))
    greet, end = "<instructions>\nBegrüße den Anrufer.\n</instructions>", "<instructions>\nVerabschiede dich.\n</instructions>"
    notes: dict[str, Any] = {}
    assert [script.answer(Situation(asked, notes=notes)).says for asked in (greet, greet, end)] == ["hello", "hello", "later"]
    after_speech: dict[str, Any] = {}
    script.answer(Situation(notes=after_speech))
    assert script.answer(Situation(greet, notes=after_speech)).says == "later"


def test_the_demos_script_needs_no_line_for_a_tool_and_greets_in_any_language() -> None:
    script = load(ROOT / "demo" / "script.toml")
    assert script.answer(Situation("roll the dice", tools=TOOLS)).calls == (Call("roll_dice", {"sides": 1}),)
    assert typed(script, "<instructions>\nBegrüße den Anrufer.\n</instructions>").says.startswith("Hello")
    without = [spoken(script, number) for number in range(4)]
    assert not any("light" in rule.hears for rule in without)
    assert script.answer(Situation(spoken_turns=1, tools=TOOLS)).calls == (Call("turn_on_the_lights"),)


def test_a_search_has_pages_and_a_turn_a_reason(tmp_path: Path) -> None:
    text = 'says = "x"\nsearches = "y"\npages = [{uri = "https://a.example/", title = "A"}]\ncomplete_reason = "BLOCKLIST"'
    rule = spoken(load(write(tmp_path, f"[[turn]]\n{text}")), 0)
    assert (rule.pages, rule.complete_reason) == ((WebPage("https://a.example/", "A"),), "BLOCKLIST")


def test_blanks_are_filled_from_facts() -> None:
    facts = {"heard_s": "1.5", "clock": {"output": "noon"}, "list": {"a": 1}}
    assert fill("{heard_s} {clock} {list} {unknown}", facts) == '1.5 noon {"a": 1} something'


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_any_sentence_can_be_filled(says: str, facts: dict[str, str]) -> None:
    assert isinstance(fill(says, facts), str)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense", "no TOML"),
        ('[[turns]]\nsays = "x"', "unknown key 'turns'"),
        ('[[turn]]\nsay = "x"', "turn 1 has the unknown key 'say'"),
        ('[[turn]]\nhears = "x"', "turn 1 needs `says`"),
        ('[[typed]]\nmatches = "("\nsays = "x"', "regular expression"),
        ('[[typed]]\nsays = "x"', "regular expression"),
        ('[[turn]]\nsays = "x"\ncalls = ["a"]', "a call is written"),
        ('think_ms = "soon"', "think_ms is 'soon'"),
        ("think_ms = -1", "think_ms is -1"),
        ('[[turn]]\ncalls = "auto"', 'calls = "auto" is for [[typed]], and for a [[turn]] with `hears`'),
        ('[[result]]\ntool = "a"\ncalls = "auto"', 'result 1: calls = "auto" is for [[typed]]'),
        ('[[typed]]\nmatches = "a"\nsays = "x"\nfirst = "yes"', "typed 1: first is 'yes'; it must be true or false"),
        ("turn = [1]", "turn 1 must be a table"),
        ('[[turn]]\nsays = "x"\nplays = "nowhere.wav"', "turn 1: "),
        ('[[turn]]\nsilent = true\nplays = "tones.wav"', "needs `says` for its words"),
        ('[[turn]]\nsays = "x"\npages = "https://a.example/"', "`pages` is a list of"),
        ('[[turn]]\nsays = "x"\npages = [{url = "https://a.example/"}]', "`pages` is a list of"),
        ('[[turn]]\nsays = "x"\nplays_s = [0, 1]', "`plays` is a WAV file"),
        ('[[turn]]\nsays = "x"\nplays = "tones.wav"\nplays_s = [2, 1]', "plays_s is [2, 1]"),
        ('[[turn]]\nsays = "x"\nplays = "tones.wav"\nplays_s = [9, 10]', "no sound from 9 s on"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, sentence: str) -> None:
    write_wav(tmp_path / "tones.wav", RAMP, sample_rate_hz=24000)
    with pytest.raises(ScriptError) as caught:
        load(write(tmp_path, text))
    assert sentence in str(caught.value)
    assert "script.toml" in str(caught.value)


def test_a_missing_script_is_named() -> None:
    with pytest.raises(ScriptError, match=r"nowhere\.toml: No such file"):
        load(Path("nowhere.toml"))


def test_a_script_without_a_word_has_an_answer() -> None:
    assert spoken(Script(), 0).says


def test_results_and_faults_are_read(tmp_path: Path) -> None:
    text = '[[result]]\ntool = "clock"\nmatches = "late"\nsays = "Hurry."\n[[fault]]\nname = "goaway"\nseconds = 3\n'
    script = load(write(tmp_path, text))
    assert script.about({"clock": {"output": "It is late."}}) == script.results[0]
    assert script.about({"clock": {"output": "early"}}) is None
    [fault] = map(fault_from_table, script.faults)
    assert fault.parameters()["seconds"] == 3


def test_a_rule_plays_a_file_or_a_part_of_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "tones.wav", RAMP, sample_rate_hz=24000)
    text = '[[turn]]\nsays = "a b"\nplays = "tones.wav"\n[[turn]]\nsays = "b"\nplays = "tones.wav"\nplays_s = [0.25, 0.5]\n'
    whole, part = (spoken(load(write(tmp_path, text)), n).plays for n in range(2))
    assert np.array_equal(np.frombuffer(whole, dtype="<i2"), RAMP)
    assert np.array_equal(np.frombuffer(part, dtype="<i2"), RAMP[6000:12000])
