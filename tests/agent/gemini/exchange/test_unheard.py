"""The table of what is done about speech that the service shows no sign of; scenarios are in core/test_deaf.py."""

import math
import re

import pytest

from agent.gemini.exchange import unheard
from agent.gemini.exchange.alarm import Step
from agent.gemini.exchange.caller_voice import CallerVoice
from agent.gemini.exchange.unheard import RULES, UnheardSpeech

CHUNK_S = 0.02


def said(voice: CallerVoice, now: float, seconds: float = 1.5) -> float:
    """A sentence and a second of silence. Returns the time of the sentence's end."""
    ended = now
    for number in range(round((seconds + 1.0) / CHUNK_S)):
        now += CHUNK_S
        level = 0.0 if number * CHUNK_S >= seconds else 3000.0 if number // 5 % 2 else 1000.0
        ended = now if voice.hear(level, CHUNK_S, now) else ended
    return ended


def due(unheard_speech: UnheardSpeech, voice: CallerVoice) -> tuple[float, Step]:
    """The next step and when it is due, to the millisecond."""
    found = unheard_speech.next_step(voice, -math.inf)
    assert found is not None
    return round(found[0], 3), found[1]


def test_the_table_in_the_docstring_is_the_one_that_holds() -> None:
    lines = [line.split() for line in (unheard.__doc__ or "").splitlines() if re.match(r" {4}[A-Z_]+ ", line)]
    rules = [rule for step in RULES for rule in step]
    numbers = [(rule.sentences, rule.after_last_s, rule.after_first_s, rule.after_step_s) for rule in rules]
    assert [line[0] for line in lines] == [rule.step.name for rule in rules]
    assert [tuple(map(float, line[1:])) for line in lines] == numbers


def test_each_step_is_taken_once_until_the_service_shows_a_sign() -> None:
    voice, unheard_speech = CallerVoice(), UnheardSpeech()
    first = said(voice, 0.0)
    assert due(unheard_speech, voice) == (round(first + 4, 3), Step.NEW_SOCKET)
    assert unheard_speech.take(first + 4) is Step.NEW_SOCKET
    assert due(unheard_speech, voice) == (round(first + 24, 3), Step.NEW_SESSION)
    second = said(voice, 10.0)
    assert due(unheard_speech, voice) == (round(second + 4, 3), Step.NEW_SESSION)
    unheard_speech.take(second + 4)
    assert due(unheard_speech, voice) == (round(first + 40, 3), Step.ASK)
    said(voice, 20.0)
    assert due(unheard_speech, voice) == (round(first + 30, 3), Step.ASK)
    unheard_speech.heard(25.0)
    assert unheard_speech.next_step(voice, -math.inf) is None
    again = said(voice, 30.0)
    assert due(unheard_speech, voice) == (round(again + 4, 3), Step.NEW_SOCKET)


def test_the_time_counts_from_the_end_of_what_is_sent_again() -> None:
    voice, unheard_speech = CallerVoice(), UnheardSpeech()
    first = said(voice, 0.0)
    unheard_speech.opened(first + 1, first + 3)
    assert due(unheard_speech, voice) == (round(first + 7, 3), Step.NEW_SOCKET)
    assert unheard_speech.waits_since(voice, -math.inf) == pytest.approx(first + 3)


def test_what_plays_while_the_caller_is_loud_may_be_what_is_loud() -> None:
    voice, unheard_speech = CallerVoice(), UnheardSpeech()
    first = said(voice, 0.0)
    assert unheard_speech.next_step(voice, 1.0) is None
    assert unheard_speech.waits_since(voice, -math.inf) == first
    unheard_speech.wait_told(first + 2.5)
    said(voice, first + 2.6)
    assert unheard_speech.waits_since(voice, -math.inf) == first, "the worker's own voice comes back"
