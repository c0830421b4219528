"""A service that is away, or lets in and drops: how often it is dialled, and for how long."""

from typing import Any

import pytest

from tests.agent.gemini.rig import STEP_S, Cause, Kind, connected


def test_a_service_that_lets_in_and_drops_is_not_back() -> None:
    rig = connected()
    rig.gemini.says()
    rig.gemini.completes()
    rig.passes(20)
    dropped_at = rig.now
    rig.gemini.drops()
    while not rig.is_over:
        rig.connects()
        rig.passes(0.5)
        rig.gemini.closes(1011, "The service is currently unavailable.")
    assert 60 <= rig.now - dropped_at <= 65, "it ends as any other outage does"
    assert len(rig.gemini.handles) <= 45, "it is asked at a pace"
    assert rig.gemini.handles[1:4] == ["h1", "h1", None], "twice, then the session itself is taken for broken"


def test_a_connection_that_spoke_is_one_however_short() -> None:
    """Its session is resumed each time; only the pauses before the dialling grow."""
    rig = connected()
    pauses: list[float] = []
    for _ in range(5):
        dropped_at = rig.now
        rig.gemini.drops()
        rig.until_dialing()
        pauses.append(rig.now - dropped_at)
        rig.connects()
        rig.gemini.says()
        rig.gemini.completes()
        rig.gemini.gives_handle("h1")
    assert rig.gemini.handles[1:] == ["h1"] * 5
    assert pauses == sorted(pauses)
    assert pauses[0] < 2 * STEP_S, "the first time, it is dialled at once"
    assert 1.0 < pauses[-1] < 2.0
    assert rig.kinds(Kind.RETRYING) == []


def dialled_in_a_minute(code: int | None, cause: Cause | None) -> int:
    """How often a service that is away is dialled in 59 s. `code`, `cause`: what becomes of each attempt."""
    rig = connected()
    rig.passes(20)
    rig.gemini.drops()
    dialled, until = 0, rig.now + 59
    while rig.now < until:
        if rig.socket == "dialing":
            dialled += 1
            rig.gemini.refuses(code, cause)
        rig.passes(STEP_S)
    return dialled


@pytest.mark.parametrize(("code", "cause"), [(503, None), (None, Cause.HANDSHAKE)])
def test_a_service_that_is_away_is_asked_at_a_pace(code: int | None, cause: Cause | None) -> None:
    """A service that is away is dialled fewer than thirty times a minute."""
    assert 15 < dialled_in_a_minute(code, cause) < 30


def test_a_closed_port_is_asked_ten_times_a_second_for_half_a_minute() -> None:
    """A closed port costs nobody anything, and the caller hears the return soon; afterwards it is asked every 4 s."""
    assert 140 < dialled_in_a_minute(None, Cause.REFUSED) < 350


def test_a_port_that_opens_again_is_noticed_at_once() -> None:
    rig = connected()
    rig.passes(20)
    rig.gemini.drops()
    dropped_at, waits_s = rig.now, []
    while rig.now < dropped_at + 25:
        refused_at = rig.now
        rig.gemini.refuses(None, Cause.REFUSED)
        rig.until_dialing()
        waits_s.append(rig.now - refused_at)
    assert max(waits_s) <= 0.1 + STEP_S


def test_the_first_failed_attempts_of_an_outage_are_told_and_then_every_tenth() -> None:
    rig = connected()
    rig.passes(20)
    rig.gemini.drops()
    for _ in range(25):
        rig.until_dialing()
        rig.gemini.refuses(None, Cause.REFUSED)
    told = [event.attempts for event in rig.events if event.kind is Kind.RETRYING]
    assert told == [1, 2, 3, 4, 5, 6, 10, 20]


@pytest.mark.parametrize("words", ["", "Well, "])
@pytest.mark.parametrize("close", [(None, ""), (1011, "Internal error encountered."), (1007, "Request contains ...")])
def test_connections_that_die_young_are_dialled_ever_less_often(close: Any, words: str) -> None:
    """The link gives up after a minute, whether or not the model had begun to speak each time."""
    rig = connected()
    rig.passes(20)
    rig.gemini.closes(*close)
    began_at, dialled = rig.now, 0
    while not rig.is_over and rig.now - began_at < 90:
        if rig.socket == "dialing":
            dialled += 1
            rig.connects()
            if words:
                rig.gemini.says(words)
            rig.gemini.gives_handle("h2")
            rig.passes(0.2)
            rig.gemini.closes(*close)
        rig.gemini.confirms_close() if rig.socket == "closing" else rig.passes(STEP_S)
    assert rig.events[-1].kind is Kind.FAILED
    assert rig.now - began_at <= 70
    assert dialled <= 40
