"""The emulator's model that translates: one stream of sound, behind the caller, without turns."""

from typing import Any

import numpy as np
import pytest

from emulator import closes, messages
from emulator.answers import Answers, Call, Rule
from emulator.auto import Auto
from emulator.profile import TranslationProfile
from emulator.profiles import GEMINI_3_5_TRANSLATE
from emulator.script import Script
from emulator.sessions import Memory
from emulator.translation import Translation
from tests.emulator.talk import VOICE, Talk

CHUNK_S = 0.25
LAG_S = TranslationProfile.lag_s
SCRIPT = Script(turns=(Rule(hears="Dzień dobry, jak się masz?", says="Good day."),))


def loud(seconds: float) -> bytes:
    return bytes((3000 * np.sin(np.arange(round(16000 * seconds)) * 0.3)).astype(np.int16).tobytes())


def quiet(seconds: float) -> bytes:
    return bytes(round(32000 * seconds))


class Interpreted(Talk):
    """A conversation with the model that translates."""

    def __init__(self, answers: Answers | None = None, target: str = "pl", **setup: Any) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.memory = Memory()
        asked: dict[str, Any] = {
            "translates": True,
            "target_language": target,
            "input_transcription": True,
            "output_transcription": True,
        }
        accepted = messages.Setup("models/gemini-3.5-live-translate-preview", **asked | setup)
        self.translation = Translation(GEMINI_3_5_TRANSLATE, accepted, answers or Auto(), self.memory, VOICE)
        self.conversation = self.translation  # type: ignore[assignment]
        self.translation.begin(0.0, resumed=False)
        self.pass_time(1.0)
        self.began = self.now

    @property
    def heard(self) -> str:
        """The caller's words."""
        return "".join(each["text"] for _, each in self.find("inputTranscription"))

    def loud_times(self) -> list[float]:
        """The times of messages with sound that is no silence, since the first sound was received."""
        parts = [(at, part["inlineData"]["data"]) for at, turn in self.find("modelTurn") for part in turn["parts"]]
        return [at - self.began for at, data in parts if data.strip("A=")]


def test_a_chunk_goes_out_for_each_chunk_that_comes_and_none_while_nothing_comes() -> None:
    talk = Interpreted()
    talk.say(quiet(2.0))
    assert talk.audio_s() == pytest.approx(2.0)
    talk.pass_time(5.0)
    assert talk.audio_s() == pytest.approx(2.0)


def test_the_translation_begins_while_the_caller_still_speaks() -> None:
    talk = Interpreted()
    talk.say(loud(6.0))
    assert talk.loud_times()[0] == pytest.approx(LAG_S, abs=2 * CHUNK_S)
    assert talk.heard == " one two three four five six"
    assert talk.text() == " pl-one pl-two pl-three pl-four"


def test_the_last_words_come_with_silence_and_no_turn_ever_ends() -> None:
    talk = Interpreted()
    talk.say(loud(3.0))
    talk.send(messages.AudioStreamEnd())
    talk.pass_time(5.0)
    assert talk.text() == " pl-one"
    talk.say(quiet(4.0))
    assert talk.text() == " pl-one pl-two pl-three"
    told = {name for _, message in talk.sent for name in message.get("serverContent", {})}
    assert told == {"modelTurn", "inputTranscription", "outputTranscription"}


def test_a_script_says_what_is_heard_and_its_translation() -> None:
    talk = Interpreted(SCRIPT)
    talk.say(loud(2.0) + quiet(4.0))
    assert talk.heard == " Dzień dobry, jak się masz?"
    assert talk.text() == " Good day."


def test_a_rule_that_calls_functions_is_for_other_models() -> None:
    """What it says would be about results, which a translator has none of."""
    rule = Rule(says="{clock}, as I see.", hears="What time is it?", calls=(Call("clock"),))
    talk = Interpreted(Script(turns=(rule,)))
    talk.say(loud(2.0) + quiet(6.0))
    assert "time" not in talk.heard
    assert talk.text()
    assert "clock" not in talk.text()


def test_without_a_target_language_only_silence_comes() -> None:
    talk = Interpreted(target="")
    talk.say(loud(4.0))
    assert talk.heard
    assert (talk.text(), talk.loud_times()) == ("", [])


def test_transcripts_come_if_they_are_asked_for() -> None:
    talk = Interpreted(input_transcription=False, output_transcription=False)
    talk.say(loud(4.0))
    assert talk.find("inputTranscription") + talk.find("outputTranscription") == []
    assert talk.loud_times()


@pytest.mark.parametrize(
    "message",
    [
        messages.Text("Hello"),
        messages.ClientContent("Hello", turn_complete=True),
        messages.Video(b"jpeg"),
        messages.ToolResponse(()),
        messages.ActivityStart(),
    ],
)
def test_all_but_sound_closes_the_socket(message: messages.ClientMessage) -> None:
    talk = Interpreted()
    talk.send(message)
    assert talk.translation.close == closes.INVALID_ARGUMENT


def test_handles_come_again_and_again() -> None:
    talk = Interpreted()
    talk.say(quiet(5.0))
    handles = [update["newHandle"] for _, update in talk.find("sessionResumptionUpdate")]
    assert len(set(handles)) == len(handles) >= 4
