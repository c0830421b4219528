"""Turns that end after a longer silence than usual: until then a service that works may show no sign of hearing."""

from dataclasses import dataclass

import pytest

from tests.agent.gemini.rig import Cause, Kind, Rig, TurnRules, connected

SENTENCE = 75
"""Frames: a sentence of 1.5 s."""
SURELY_S = 0.3
"""The worker takes a turn for over so much after the silence that ends it."""
TOLD = (Kind.WAITING, Kind.LOST, Kind.NUDGED, Kind.CHECKED, Kind.FAILED)


@dataclass(frozen=True)
class Model:
    """A model, and what it shows of its hearing before the turn's end."""

    name: str
    marks_speech: bool
    rules: TurnRules


MODELS = (
    Model("gemini-3.8-live", marks_speech=True, rules=TurnRules(may_stay_silent=True)),
    Model("gemini-3.1-flash-live-preview", marks_speech=False, rules=TurnRules()),
)


class Turn:
    """A caller's turn, sentence by sentence. Times are in seconds since the end of the last one."""

    def __init__(self, model: Model, silence_s: float, *, marks_speech: bool | None = None) -> None:
        self.rig: Rig = connected(model.name, rules=model.rules, pause_s=silence_s + SURELY_S)
        self.rig.gemini.answers_pings()
        self._marks_speech = model.marks_speech if marks_speech is None else marks_speech
        self._frame = 0

    def says(self, sentences: int = 1) -> None:
        """Have the caller say sentences with a second between them."""
        for number in range(sentences):
            if number:
                self.passes(1.0)
            self.rig.caller.says(self._frame + 1, self._frame + 10)
            if self._marks_speech:
                self.rig.gemini.notices("START")
                self._marks_speech = False
            self.rig.caller.says(self._frame + 11, self._frame + SENTENCE)
            self._frame += SENTENCE

    def passes(self, seconds: float) -> None:
        """Let time pass in which the caller is silent."""
        frames = round(seconds / 0.02)
        self.rig.caller.pauses(self._frame + 1, self._frame + frames)
        self._frame += frames


@pytest.mark.parametrize("sentences", [1, 2])
@pytest.mark.parametrize("silence_s", [0.5, 1.2, 2.0, 5.0])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_service_that_answers_after_the_turns_end_is_not_taken_for_deaf(
    model: Model, silence_s: float, sentences: int
) -> None:
    turn = Turn(model, silence_s)
    rig = turn.rig
    turn.says(sentences if silence_s > 1 else 1)
    turn.passes(silence_s + 0.75)
    if model.marks_speech:
        rig.gemini.notices("END")
    rig.gemini.understands("What time is it? I have a train at noon.")
    turn.passes(0.9)
    rig.gemini.says("It is eleven.", 1.0)
    rig.gemini.completes()
    turn.passes(10.0)
    assert rig.kinds(*TOLD) == []


@pytest.mark.parametrize(("silence_s", "later_s"), [(0.5, 0.0), (2.0, 1.2), (5.0, 4.2)])
def test_a_service_that_shows_nothing_is_left_that_much_later(silence_s: float, later_s: float) -> None:
    turn = Turn(MODELS[1], silence_s)
    turn.says()
    turn.passes(2.4 + later_s)
    assert turn.rig.kinds(*TOLD) == []
    turn.passes(0.2)
    assert turn.rig.kinds(*TOLD) == [Kind.WAITING]
    turn.passes(1.3)
    assert turn.rig.kinds(*TOLD) == [Kind.WAITING]
    turn.passes(0.2)
    assert turn.rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]


@pytest.mark.parametrize(("silence_s", "later_s"), [(0.5, 0.0), (5.0, 4.2)])
def test_words_that_come_before_the_turns_end_are_answered_after_it(silence_s: float, later_s: float) -> None:
    turn = Turn(MODELS[1], silence_s)
    turn.says()
    turn.rig.gemini.understands("What time is it?")
    turn.passes(2.9 + later_s)
    assert turn.rig.kinds(*TOLD) == []
    turn.passes(0.2)
    assert turn.rig.kinds(*TOLD)[:1] == [Kind.NUDGED]


@pytest.mark.parametrize(("silence_s", "later_s"), [(0.5, 0.0), (2.0, 1.2), (5.0, 4.2)])
def test_a_service_that_misses_the_end_of_the_speech_is_reminded_and_then_left(silence_s: float, later_s: float) -> None:
    """It says that the caller speaks, who has said two sentences and is silent: the second may be unheard."""
    turn = Turn(MODELS[0], silence_s)
    turn.says(2)
    turn.passes(5.9 + later_s)
    assert turn.rig.kinds(*TOLD) == []
    turn.passes(0.2)
    assert turn.rig.kinds(*TOLD)[0] is Kind.NUDGED
    assert turn.rig.kinds(Kind.LOST) == []
    turn.passes(3.7 + later_s)
    assert turn.rig.kinds(Kind.LOST) == []
    turn.passes(0.3)
    assert turn.rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]
