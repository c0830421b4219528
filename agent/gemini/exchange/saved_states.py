"""The state of the exchange as another process goes on with it, whose caller hears nothing of what was on its way. Pure.

    the state                       what is owed                            the other process begins in
    Quiet                           nothing                                 Quiet
    Quiet, the answer still plays   the rest of it                          BrokenOff
    Owed, Superseded                an answer                               Owed
    Answering, BrokenOff, RestOwed  the rest of the answer                  BrokenOff
    PlayingOut                      the rest of the answer                  BrokenOff
    PlayingOut, all is heard        what was said over it, if anything was  Owed or Quiet

After that the connection is opened, and what happens is as after any loss. The kill is later than the last snapshot: what was
heard between the two is said again.
"""

import math
from dataclasses import replace

from agent.gemini.exchange.overlap import Overlap
from agent.gemini.exchange.states import (
    Answer,
    Answered,
    Answering,
    Broken,
    BrokenOff,
    Owed,
    PlayingOut,
    Quiet,
    Request,
    RestOwed,
    State,
    Superseded,
)
from agent.gemini.snapshot import Owes, SavedExchange

ON_ITS_WAY_S = 0.3
"""Sound of the model's that has come is heard by the caller within this time (docs/facts.md L310)."""


def saved(state: State, ended: Answered | None, plays_until: float, now: float) -> SavedExchange:
    """What both sides owe each other.

    Args:
        state: of the exchange.
        ended: the state in which the last answer ended, unless it was cut. None: it was.
        plays_until: the time at which the sound that has come will have been played.
        now: the time.
    """
    unheard_s = max(plays_until + ON_ITS_WAY_S - now, 0.0)
    if isinstance(state, Quiet) and ended is not None and unheard_s:
        state = ended
    match state:
        case Answering() | BrokenOff() | RestOwed():
            return _rest(state, unheard_s)
        case PlayingOut() if unheard_s:
            return _rest(state, unheard_s)
        case PlayingOut(_, answer, asked_since):
            owed = asked_since or answer.said_over
            return SavedExchange() if owed is None else _asked(owed)
        case Owed(request) | Superseded(request):
            return _asked(request)
        case _:
            return SavedExchange()


def restored(found: SavedExchange, now: float) -> State:
    """The state that another process begins in."""
    request = Request(found.question, found.is_addressed_to_model, since=now, asked_at=now)
    match found.owes:
        case Owes.ANSWER:
            return Owed(request)
        case Owes.REST:
            over, since = _request(found.said_over, now), _request(found.asked_since, now)
            answer = Answer(now, -math.inf, said_over=over, heard_before=found.heard)
            return BrokenOff(request, answer, found.heard, Overlap(found.heard), now, since)
        case _:
            return Quiet(now)


def _rest(state: Answering | PlayingOut | Broken, unheard_s: float) -> SavedExchange:
    answer = state.answer
    heard = answer.words_within(answer.sound_s - unheard_s)
    if isinstance(state, Broken) and not (unheard_s and answer.is_begun):
        heard = state.spoken_words
    said_over, asked_since = _words(answer.said_over), _words(state.asked_since)
    return replace(_asked(state.request), owes=Owes.REST, heard=heard, said_over=said_over, asked_since=asked_since)


def _asked(request: Request) -> SavedExchange:
    return SavedExchange(Owes.ANSWER, request.words, request.addressed_to_model)


def _words(request: Request | None) -> str | None:
    return None if request is None else request.words


def _request(words: str | None, now: float) -> Request | None:
    return None if words is None else Request(words, addressed_to_model=False, since=now, asked_at=now)
