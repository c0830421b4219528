"""What is owed survives any number of kills: the state that is begun from is saved again as it was."""

import hypothesis.strategies as st
from hypothesis import given, settings

from agent.gemini.exchange import states
from agent.gemini.exchange.saved_states import ON_ITS_WAY_S, restored, saved
from agent.gemini.snapshot import Owes
from tests.agent.gemini.exchange.test_machine import ANSWERS, ANY_STATE, NOW, REQUESTS

ENDED = st.none() | st.builds(states.PlayingOut, REQUESTS, ANSWERS)


@settings(deadline=None, max_examples=300)
@given(ANY_STATE, ENDED, NOW, NOW)
def test_what_is_owed_is_owed_after_any_number_of_kills(
    state: states.State, ended: states.Answered | None, plays_until: float, now: float
) -> None:
    first = saved(state, ended, plays_until, now)
    assert saved(restored(first, now + 1), None, plays_until, now + 9) == first


@settings(deadline=None)
@given(ANY_STATE, NOW, NOW)
def test_nobody_is_owed_less(state: states.State, plays_until: float, now: float) -> None:
    """A state in which the model is to begin or to go on is saved as one in which it is."""
    owes = saved(state, None, plays_until, now).owes
    if isinstance(state, states.Owed | states.Superseded):
        assert owes is Owes.ANSWER
    if isinstance(state, states.Answering | states.Broken):
        assert owes is Owes.REST
    if isinstance(state, states.Quiet):
        assert owes is Owes.NOTHING


@given(st.floats(0, 20))
def test_the_heard_words_grow_with_the_sound_that_was_heard(heard_s: float) -> None:
    """Ten seconds of sound have come, with a word each; none counts as heard before its sound was."""
    words = tuple((float(at), f"word{at} ") for at in range(10))
    request = states.Request("", addressed_to_model=True, since=0, asked_at=0)
    state = states.PlayingOut(request, states.Answer(0, 0, words, 10.0))
    found = saved(state, None, plays_until=10.0, now=heard_s)
    if heard_s >= 10.0 + ON_ITS_WAY_S:
        assert found.owes is Owes.NOTHING
    else:
        assert len(found.heard.split()) <= max(heard_s - ON_ITS_WAY_S, 0) + 1
        assert "".join(word for _, word in words).startswith(found.heard)
