"""The judge of chaos runs, with calls that are written down by hand."""

from dataclasses import replace

import pytest

from tests.chaos.judge import AGENT_SPEAKS, CALLER_SPEAKS, IDLE, CallEvidence, Spoken, callers_of, judge
from tests.chaos.kills import GEMINI, JOB, LIVEKIT, Kill
from tests.chaos.words import ANSWER, GREETING, question
from tests.e2e.faults.tones import MARKER_S, Stretch

ROOM = "chaos-0-1"
SAID = question(0, 0)


def spoken(markers: range | tuple[int, ...], at: float) -> tuple[Stretch, ...]:
    return tuple(Stretch(marker, at + place * MARKER_S, at + (place + 1) * MARKER_S) for place, marker in enumerate(markers))


QUESTION = Spoken(SAID, 105.0, 107.2)
CALL = CallEvidence(
    ROOM,
    0,
    100.0,
    130.0,
    turns=(Spoken((), 100.0, 100.0), QUESTION),
    heard=(*spoken(GREETING, 102.0), *spoken(ANSWER, 108.0)),
    tracks=(101.0,),
    taken=spoken(SAID, 105.1),
)


def killed(at: float, kind: str = JOB) -> list[Kill]:
    return [Kill(kind, at, frozenset({ROOM}))]


def broken(last: int, first: int, at: float) -> CallEvidence:
    """The answer stops after a word, and goes on with another one."""
    before, after = spoken(range(ANSWER.start, last + 1), 108.0), spoken(range(first, ANSWER.stop), at)
    return replace(CALL, heard=(*spoken(GREETING, 102.0), *before, *after), tracks=(101.0, at - 0.2))


def test_a_call_without_a_kill_has_lost_nothing() -> None:
    verdict = judge(CALL, killed(110.0, JOB)[:0])
    assert (verdict.effects, verdict.wrong, verdict.lost_otherwise) == ((), (), 0)


def test_words_on_their_way_are_counted_with_the_kill_and_the_silence_ends_with_the_voice() -> None:
    call = broken(14, 17, 112.5)
    verdict = judge(call, killed(110.0))
    [effect] = verdict.effects
    assert (effect.during, effect.agents_words, effect.callers_words) == (AGENT_SPEAKS, (15, 16), ())
    assert effect.silence_s == pytest.approx(2.5)
    assert effect.back_s == pytest.approx(2.3)
    assert verdict.wrong == ()


@pytest.mark.parametrize(("last", "first"), [(14, 30), (14, 44)])
def test_more_words_than_can_be_on_their_way_are_lost_otherwise(last: int, first: int) -> None:
    verdict = judge(broken(last, first, 112.5), killed(110.0))
    assert verdict.lost_otherwise == first - last - 1
    assert verdict.effects[0].agents_words == ()
    assert "words lost otherwise" in verdict.wrong[0]


def test_a_lost_connection_to_gemini_must_cost_no_word() -> None:
    assert judge(broken(14, 17, 112.5), killed(110.0, GEMINI)).lost_otherwise == 2


def test_an_answer_that_never_comes_is_lost_otherwise() -> None:
    call = replace(CALL, heard=spoken(GREETING, 102.0))
    assert judge(call, killed(107.5)).lost_otherwise == len(ANSWER)


def test_what_the_caller_says_to_nobody_is_lost_in_the_kill() -> None:
    call = replace(CALL, taken=spoken(SAID[:3], 105.0), tracks=(101.0, 108.0))
    [effect] = judge(call, killed(105.7)).effects
    assert (effect.during, effect.silence_s) == (CALLER_SPEAKS, None)
    assert effect.callers_words[: len(SAID) - 4] == SAID[3:-1]


def test_a_kill_while_nobody_speaks_has_no_silence() -> None:
    [effect] = judge(CALL, killed(120.0)).effects
    assert (effect.during, effect.silence_s) == (IDLE, None)


def test_two_agents_at_once_and_a_call_without_a_word_are_wrong() -> None:
    call = replace(CALL, by_agent={"agent-1": [(108.0, 112.0)], "agent-2": [(111.0, 113.0)]})
    assert "two agents were heard at once for 1.0 s" in judge(call, []).wrong[0]
    assert judge(replace(CALL, failure="the connection was lost"), []).is_lost
    assert not judge(replace(CALL, failure="the call ended", told="no_worker"), []).is_lost


def test_a_connection_is_that_of_the_caller_whose_own_word_is_on_it() -> None:
    found = callers_of({"one": spoken(question(3, 5), 1.0), "two": spoken(range(4), 2.0)})
    assert {caller: len(stretches) for caller, stretches in found.items()} == {3: len(SAID)}


def test_who_calls_while_livekit_server_is_away_has_lost_no_call() -> None:
    refused = CallEvidence(ROOM, 0, 104.0, 104.1, failure="could not join")
    away = [Kill(LIVEKIT, 101.0, frozenset())]
    assert judge(refused, away).wrong == ()
    assert judge(refused, []).is_lost
    assert judge(refused, []).wrong == ("not joined: could not join",)


def test_a_question_that_was_said_while_nobody_was_there_has_no_answer() -> None:
    call = replace(CALL, heard=spoken(GREETING, 102.0), tracks=(101.0, 108.0), taken=())
    verdict = judge(call, killed(104.9, LIVEKIT))
    assert (verdict.wrong, verdict.unheard_questions) == ((), 1)
    assert judge(replace(call, taken=CALL.taken), killed(104.9, LIVEKIT)).lost_otherwise == len(ANSWER)


def test_the_last_words_of_an_answer_are_lost_without_a_silence() -> None:
    call = replace(CALL, heard=(*spoken(GREETING, 102.0), *spoken(range(ANSWER.start, ANSWER.stop - 2), 108.0)))
    [effect] = judge(call, killed(115.5, LIVEKIT)).effects
    assert (effect.silence_s, effect.agents_words) == (None, tuple(ANSWER[-2:]))
