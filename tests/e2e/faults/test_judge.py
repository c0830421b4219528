"""The judge finds what a caller would complain about, and nothing else."""

from dataclasses import replace

import pytest

from tests.e2e.faults.bounds import Bounds
from tests.e2e.faults.judge import Evidence, Turn, judge
from tests.e2e.faults.sentences import FIRST, GREETING, QUESTIONS, SECOND
from tests.e2e.faults.tones import MARKER_S, Stretch

USUAL_S = 0.8


def spoken(markers: range, at_s: float) -> list[Stretch]:
    return [Stretch(marker, at_s + index * MARKER_S, at_s + (index + 1) * MARKER_S) for index, marker in enumerate(markers)]


def shifted(stretches: list[Stretch], by_s: float) -> list[Stretch]:
    return [replace(one, start_s=one.start_s + by_s, end_s=one.end_s + by_s) for one in stretches]


ONE, TWO = QUESTIONS[:2]
TURNS = (Turn(range(0), 0.0, 0.0, GREETING), Turn(ONE, 3.0, 5.0, FIRST), Turn(TWO, 11.0, 13.0, SECOND))
HEARD = [*spoken(GREETING, 1.0), *spoken(FIRST, 5.8), *spoken(SECOND, 13.8)]
TAKEN = [[*spoken(ONE, 3.0), *spoken(TWO, 11.0)]]
GOOD = Evidence(heard=HEARD, turns=TURNS, taken=TAKEN, length_s=17.0)


def wrong(evidence: Evidence, **bounds: object) -> list[str]:
    return judge(evidence, Bounds(**bounds), usual_wait_s=USUAL_S).wrong  # type: ignore[arg-type]


def test_a_good_call_is_good() -> None:
    verdict = judge(GOOD, Bounds(), usual_wait_s=USUAL_S)
    assert verdict.passed
    assert verdict.wait_s == pytest.approx(0.8)
    assert verdict.gap_ms == pytest.approx(0, abs=1)


def test_a_lost_word_of_the_agent_is_found() -> None:
    [lost, pause] = wrong(replace(GOOD, heard=[one for one in HEARD if one.marker != 12]))
    assert lost.endswith("[12]")
    assert pause.startswith("a pause of 200 ms")


def test_the_callers_sentence_must_arrive_whole_on_one_connection() -> None:
    whole = TAKEN[0]
    assert wrong(replace(GOOD, taken=[whole[:5], whole])) == [], "it was sent again"
    assert wrong(replace(GOOD, taken=[whole[:10], whole[10:]])) == [], "each is whole where it is"
    missing, share = wrong(replace(GOOD, taken=[whole[:7], whole[7:]]))
    assert missing == "words of the caller never arrived: [7, 8, 9]"
    assert share.startswith("70% of a sentence")


def test_the_worker_speaks_only_if_somebody_waits_and_never_over_the_caller() -> None:
    voice = Stretch(None, 10.2, 10.8)
    assert "told 1 times" in wrong(replace(GOOD, heard=sorted([*HEARD, voice], key=lambda one: one.start_s)))[0]
    over = Stretch(None, 12.0, 12.6)
    said = wrong(replace(GOOD, heard=sorted([*HEARD, over], key=lambda one: one.start_s)))
    assert "the caller was told something while they spoke" in said


def test_a_word_that_arrives_twice_on_one_connection_is_found() -> None:
    assert "twice on one connection: [[3]]" in wrong(replace(GOOD, taken=[[*TAKEN[0], Stretch(3, 14.0, 14.2)]]))[0]


def test_a_sentence_that_is_told_again_is_within_bounds_or_not() -> None:
    first = spoken(FIRST, 5.8)
    again = [*first[:10], *shifted(first[5:], 1.5)]
    heard = [*spoken(GREETING, 1.0), *again, *spoken(SECOND, 13.8)]
    assert wrong(replace(GOOD, heard=heard), gap_ms=600, repeated_s=1.1) == []
    assert "heard twice" in wrong(replace(GOOD, heard=heard), gap_ms=600)[0]


def test_a_long_wait_must_be_told_in_time() -> None:
    late = [*spoken(GREETING, 1.0), *spoken(FIRST, 5.8), *spoken(SECOND, 18.0)]
    voice = Stretch(None, 15.6, 16.5)
    silent = replace(GOOD, heard=late, length_s=22.0)
    assert "was not told" in wrong(silent, wait_s=6.0)[0]
    assert wrong(replace(silent, heard=[*late[:-10], voice, *late[-10:]]), wait_s=6.0) == []
    early = Stretch(None, 13.5, 14.5)
    assert any(
        "nobody had noticed" in each for each in wrong(replace(silent, heard=[*late[:-10], early, *late[-10:]]), wait_s=6)
    )


def test_no_answer_is_a_wait_until_the_end() -> None:
    unanswered = replace(GOOD, heard=HEARD[:-10])
    assert "an answer after 4.00 s, over 1.10" in wrong(unanswered)


def test_an_interrupted_sentence_needs_no_end_but_a_quick_one() -> None:
    cut = (TURNS[0], replace(TURNS[1], is_interrupted=True), Turn(TWO, 7.0, 9.0, SECOND))
    heard = [*spoken(GREETING, 1.0), *spoken(range(5, 12), 5.8), *spoken(SECOND, 9.8)]
    verdict = judge(replace(GOOD, heard=heard, turns=cut), Bounds(), usual_wait_s=USUAL_S)
    assert verdict.wrong == []
    assert verdict.yield_ms == pytest.approx(200, abs=1)


def test_what_is_left_over_what_the_room_was_told_and_the_end_are_held_against_the_bounds() -> None:
    lost = {"type": "link", "kind": "lost", "cause": "dropped"}
    assert wrong(replace(GOOD, events=[lost])) == ["link events without a fault: ['dropped']"]
    assert wrong(replace(GOOD, events=[lost]), causes=frozenset({"dropped"})) == []
    assert "no link event with goaway" in wrong(GOOD, causes=frozenset({"goaway"}))[0]
    named = frozenset({"locked"})
    assert "no link event with locked" in wrong(replace(GOOD, events=[lost]), causes=frozenset({"dropped"}), named=named)[0]
    gap = {"kind": "restored", "cause": "dropped", "during": "agent_speaks", "gap_ms": 900}
    assert "was told of a pause of 900 ms" in wrong(replace(GOOD, events=[gap]), causes=frozenset({"dropped"}))[0]
    assert wrong(replace(GOOD, ended="hung_up")) == ["the call ended because of hung_up, not None"]
    assert wrong(replace(GOOD, left_over=["a room"])) == ["left over: a room"]
