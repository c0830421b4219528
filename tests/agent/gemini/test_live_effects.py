"""What a setting of a persona file changes in the conversation: the setup that the emulator got decides how it behaves."""

import itertools
from pathlib import Path

import pytest

from emulator.answers import Rule
from emulator.profiles import PROFILES
from emulator.script import Script
from tests.agent.gemini.test_live_wire import ET, V3_8, received
from tests.emulator.talk import LONG, LOUD, QUIET, Talk

SCRIPT = Script((), otherwise=Rule(LONG, thinks="**Plan**\n\nI will say it.", searches="what to say"))


def talk(folder: Path, text: str, model: str = V3_8) -> Talk:
    """A conversation with the emulator's model, which was set up by a call with that persona file."""
    _, setup = received(text, folder, model)
    return Talk(
        SCRIPT,
        profile=PROFILES[model],
        vad=setup.vad,
        interruptible=setup.interruptible,
        searches=setup.searches,
        include_thoughts=setup.include_thoughts,
        compression=setup.compression,
    )


@pytest.mark.parametrize(("pace", "silence_s"), [("patient", 1.2), ("normal", 0.5), ("quick", 0.25)])
def test_the_answer_begins_as_soon_as_the_pace_says(tmp_path: Path, pace: str, silence_s: float) -> None:
    heard = talk(tmp_path, f'hearing.pace = "{pace}"')
    spoken_from = heard.now
    heard.say(LOUD + QUIET)
    heard.pass_time(3)
    hearing, speaking = PROFILES[V3_8].hearing, PROFILES[V3_8].speaking
    begins_s = heard.times("modelTurn")[0] - spoken_from - len(LOUD) / 32_000
    assert begins_s == pytest.approx(silence_s + hearing.end_s + speaking.think_s, abs=0.1)


@pytest.mark.parametrize(("handling", "interruptions"), [("START_OF_ACTIVITY_INTERRUPTS", 1), ("NO_INTERRUPTION", 0)])
def test_the_caller_interrupts_unless_the_file_says_otherwise(tmp_path: Path, handling: str, interruptions: int) -> None:
    speaking = talk(tmp_path, f'live.realtime_input_config.activity_handling = "{handling}"')
    speaking.type("Go on.")
    speaking.pass_time(1.5)
    speaking.say(LOUD)
    assert len(speaking.find("interrupted")) == interruptions


@pytest.mark.parametrize(("text", "searches"), [("live.tools = [{ google_search = {} }]", 1), ("", 0)])
def test_the_model_searches_if_the_file_has_the_tool(tmp_path: Path, text: str, searches: int) -> None:
    searching = talk(tmp_path, text)
    searching.type("Go on.")
    searching.pass_time(10)
    assert len(searching.find("groundingMetadata")) == searches


@pytest.mark.parametrize(("text", "shown"), [("live.thinking_config.include_thoughts = true", True), ("", False)])
def test_thoughts_come_if_the_file_asks_for_them(tmp_path: Path, text: str, shown: bool) -> None:
    thinking = talk(tmp_path, text, ET)
    thinking.type("Go on.")
    thinking.pass_time(10)
    assert any(part.get("thought") for _, turn in thinking.find("modelTurn") for part in turn["parts"]) == shown


@pytest.mark.parametrize(
    ("text", "falls"),
    [
        ("live.context_window_compression = { trigger_tokens = 900, sliding_window = { target_tokens = 700 } }", True),
        ("", False),
    ],
)
def test_the_context_is_cut_where_the_file_says(tmp_path: Path, text: str, falls: bool) -> None:
    long = talk(tmp_path, text)
    for _ in range(8):
        long.type("x" * 80)
        long.pass_time(10)
    counts = [message["usageMetadata"]["promptTokenCount"] for _, message in long.sent if "usageMetadata" in message]
    assert any(later < earlier for earlier, later in itertools.pairwise(counts)) == falls
