"""A persona file makes a model proactive; the emulator's model then leaves words unanswered; the link raises no alarm.

The emulator's own conversation and the link's core run on one clock that the test moves.
"""

from pathlib import Path

import pytest

from agent.gemini import features_of
from agent.gemini.turn_rules import turn_rules
from emulator.answers import Rule
from emulator.profile import SILENCES
from emulator.profiles import PROFILES
from emulator.script import Script
from tests.agent.gemini.rig import Kind, Rig, connected
from tests.agent.gemini.test_live_wire import ET, V2_5, V3_1, V3_8, received
from tests.emulator.talk import LOUD, QUIET, Talk

VERTEX = "vertex/gemini-live-2.5-flash-native-audio"
ASIDE, SAYS = "Honey, where are my keys?", "I don't know where they are."
PROACTIVE = "live.proactivity.proactive_audio = true"
WAITS_S = 60


def overheard(folder: Path, name: str, text: str, shown: str) -> tuple[Talk, Rig]:
    """The caller talks to somebody else in the room; a minute passes for the emulator's model and for the link."""
    vertex, model = PROFILES[name].vertex, PROFILES[name].model
    version = "v1beta1" if vertex else "v1alpha" if "2.5" in model else "v1beta"
    _, setup = received(text, folder, name, version)
    talk = Talk(
        Script((Rule(SAYS, hears=ASIDE, ignored=shown),), think_ms=200),
        profile=PROFILES[name],
        vad=setup.vad,
        proactive=setup.proactive,
    )
    began = talk.now
    talk.say(LOUD + QUIET)
    talk.pass_time(WAITS_S)
    live = {"proactivity": {"proactive_audio": True}} if text == PROACTIVE else {}
    rig = connected(model, rules=turn_rules(live, features_of(model, vertex=vertex)))
    rig.gemini.answers_pings()
    offset = rig.now - began
    rig.caller.speaks(1, 50)
    rig.caller.pauses(51, 60)
    for at, message in talk.sent:
        if at > began:
            rig.passes_connected(max(at + offset - rig.now, 0))
            rig.gemini.sends(message)
    rig.passes_connected(WAITS_S)
    return talk, rig


@pytest.mark.parametrize("shown", ["profile", *SILENCES])
@pytest.mark.parametrize(("model", "text"), [(V3_8, ""), (ET, ""), (V2_5, PROACTIVE), (VERTEX, PROACTIVE)])
def test_a_model_that_stays_silent_on_purpose_raises_no_alarm(tmp_path: Path, model: str, text: str, shown: str) -> None:
    talk, rig = overheard(tmp_path, model, text, shown)
    assert talk.find("inputTranscription")
    assert talk.find("modelTurn") == []
    asked = [] if shown == "waiting" else [Kind.CHECKED]
    assert [event.kind for event in rig.events] == [Kind.CONNECTED, *asked]
    assert len(rig.gemini.texts) == len(asked)


@pytest.mark.parametrize("shown", SILENCES)
def test_the_emulators_model_stays_silent_when_it_is_asked_about_those_words(shown: str) -> None:
    """It ends that turn without content, as every typed turn is ended; anything else that is typed is answered."""
    talk = Talk(Script((Rule(SAYS, hears=ASIDE, ignored=shown),), think_ms=200))
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    ended = len(talk.find("turnComplete"))
    talk.type(f'The last that was said to you is: "{ASIDE}". If it was not meant for you, stay silent.')
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    assert len(talk.find("turnComplete")) == ended + 1
    talk.type("What time is it?")
    talk.pass_time(5)
    assert talk.find("modelTurn")


@pytest.mark.parametrize("model", [V2_5, VERTEX, V3_1])
def test_a_model_that_is_not_proactive_answers(tmp_path: Path, model: str) -> None:
    talk, rig = overheard(tmp_path, model, "", "profile")
    assert talk.text() == SAYS
    assert rig.conversation.ends == 1
