"""What a kill cost is read from what was heard at both ends."""

from tests.e2e.faults.judge import Evidence, Turn
from tests.e2e.faults.kills import AGENT_SPEAKS, CALLER_SPEAKS, Killed, effect, report
from tests.e2e.faults.tones import Stretch

ANSWER, LATER = range(5, 9), range(25, 27)


def heard(first: int, count: int, start_s: float) -> list[Stretch]:
    """So many words of 0.2 s, one after the other."""
    return [Stretch(first + place, start_s + 0.2 * place, start_s + 0.2 * (place + 1)) for place in range(count)]


def test_the_silence_is_that_from_the_kill_to_the_next_word_of_the_answer() -> None:
    """A word is on its way to the ear at the kill, one is lost, and the rest comes from the next process."""
    turns = [Turn(range(2), 0.0, 0.4, ANSWER), Turn(range(2, 4), 6.0, 6.4, LATER)]
    evidence = Evidence(heard(5, 2, 1.0) + heard(8, 1, 3.1), turns, [heard(0, 2, 0.0)], length_s=9.0)
    found = effect(evidence, (turns[0], turns[1]), AGENT_SPEAKS, 1.2, tracks=[0.0, 2.0])
    assert found == Killed(AGENT_SPEAKS, 1.9, 0.8, None, agents_words=1, callers_words=0, is_remembered=True)


def test_a_question_that_was_cut_waits_for_its_answer_from_its_last_word() -> None:
    """One of its words was said while no process heard it; another question's answer would not be counted as this one's."""
    turn = Turn(range(10, 14), 1.0, 1.8, LATER)
    evidence = Evidence(heard(25, 2, 2.5), [turn], [heard(10, 2, 0.0), heard(13, 1, 0.0)], length_s=5.0)
    found = effect(evidence, (turn, None), CALLER_SPEAKS, 1.3, tracks=[0.0])
    assert (found.voice_s, found.wait_s, found.callers_words, found.is_remembered) == (1.2, 0.7, 1, True)
    silent = effect(Evidence(heard(35, 2, 2.5), [turn], length_s=5.0), (turn, None), CALLER_SPEAKS, 1.3, tracks=[0.0])
    assert (silent.voice_s, silent.callers_words, silent.is_remembered) == (3.7, 4, False)


def test_the_table_has_the_median_and_the_worst_of_each_situation() -> None:
    kills = [Killed(AGENT_SPEAKS, voice_s, 0.5, None, 1, 0, is_remembered=True) for voice_s in (1.0, 2.0, 3.0)]
    *_, speaks, _, _, total = report(kills).splitlines()
    assert speaks == f"| {AGENT_SPEAKS} | 3 | **2.0** / 3.0 | **0.5** / 0.5 | - | 3, 1 at most | 0 | 3 of 3 |"
    assert total.startswith("| all | 3 | **2.0** / 3.0 |")
