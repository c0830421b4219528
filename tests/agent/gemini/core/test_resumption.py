"""Sessions are resumed by their handles: when one is waited for, when it is given up, and what is final."""

import itertools
import math

import pytest

from tests.agent.gemini.rig import STEP_S, Cause, Kind, connected

REFUSAL_S = 0.55
"""How long the service takes to say that a session is locked."""
FINAL = [(1007, "API key not valid. Please pass a valid API key."), (1011, "You exceeded your current quota")]


def test_a_locked_session_is_waited_for_before_it_is_given_up() -> None:
    """A locked session is dialled often enough to notice the end of the lock soon, and not more often than a service likes."""
    rig = connected()
    rig.gemini.drops()
    asked_at: list[float] = []
    while rig.gemini.handles[-1] is not None or len(rig.gemini.handles) == 1:
        if rig.socket == "dialing":
            asked_at.append(rig.now)
            rig.gemini.upgrades()
            rig.passes(REFUSAL_S)
            rig.gemini.closes(1011, "Internal error encountered.")
        rig.passes(STEP_S)
        if rig.socket == "closing":
            rig.gemini.confirms_close()
    *locked, fresh = asked_at
    assert fresh - locked[0] >= 9
    assert sum(at - locked[0] <= 8 for at in locked) <= 8
    assert max(after - before for before, after in itertools.pairwise(locked)) < 1.7


def test_a_dead_handle_costs_one_attempt_and_history_is_told() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.completes()
    rig.gemini.drops()
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    assert rig.gemini.handles == [None, "h1", None]
    assert "My number is 42." in rig.gemini.texts[0]
    restored = rig.events[-1]
    assert (restored.kind, restored.with_history, restored.attempts) == (Kind.RESTORED, True, 2)


def test_what_the_application_wrote_is_not_told_as_words_of_the_callers_after_a_loss() -> None:
    rig = connected("gemini-2.5-flash-native-audio-preview-12-2025")
    rig.application_writes("The parcel has arrived.")
    rig.caller.types("Where is my parcel?")
    rig.gemini.says("It is here.")
    rig.gemini.completes()
    rig.gemini.drops()
    rig.connects()
    told = " ".join(rig.gemini.texts)
    assert "Where is my parcel?" in told
    assert "The parcel has arrived." not in told


def test_a_session_knows_what_was_sent_until_its_handle_was_given_and_a_new_one_knows_nothing() -> None:
    rig = connected()
    given_at = rig.now
    rig.passes(2)
    rig.gemini.drops()
    rig.connects()
    rig.gemini.drops()
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    assert rig.known_until == [-math.inf, given_at, -math.inf]


@pytest.mark.parametrize("close", FINAL)
@pytest.mark.parametrize("stage", ["setup", "running"])
def test_what_cannot_be_mended_is_said_at_once(close: tuple[int, str], stage: str) -> None:
    rig = connected()
    if stage == "setup":
        rig.gemini.drops()
        rig.until_dialing()
        rig.gemini.upgrades()
    rig.gemini.closes(*close)
    assert rig.events[-1].kind is Kind.FAILED
    assert rig.events[-1].cause in {Cause.KEY, Cause.QUOTA}
    rig.passes(60)
    assert rig.events[-1].kind is Kind.FAILED, "nothing comes after it"
    assert rig.socket == "none", "and nobody dials"


def test_a_context_that_is_too_long_is_begun_anew_once() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.closes(1007, "Request contains an invalid argument.")
    rig.connects()
    assert rig.gemini.handles[-1] is None
    rig.gemini.closes(1007, "Request contains an invalid argument.")
    assert rig.events[-1].kind is Kind.FAILED
