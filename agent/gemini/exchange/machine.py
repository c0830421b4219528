"""The states of the exchange with Gemini: each event is a function from the state to the next. Pure.

What happens (rows) in each state (columns), and which state comes next. `.` means that it stays; a cell with several names
says all that may follow. tests/agent/gemini/exchange/ reads this table.

    event           Quiet      Owed       Answering   Superseded   PlayingOut    BrokenOff   RestOwed
    asked           Owed       .          Superseded  .            Superseded    Owed        Owed
    tools_returned  Owed       .          Superseded  .            Superseded    RestOwed    .
    caller_said     Owed       .          .           .            . Superseded  .           .
    output          Answering  Answering  .           . Answering  .             Answering   Answering
    other_answer    .          .          .           Owed         Quiet Owed    .           .
    generated       .          .          PlayingOut  .            .             PlayingOut  .
    turn_complete   .          Quiet      Quiet Owed  Owed         Quiet Owed    Quiet Owed  .
    interrupted     .          .          Quiet Owed  Owed         Quiet Owed    Quiet Owed  Owed
    phantom         .          .          BrokenOff   .            .             .           .
    barged_in       .          .          Quiet       Owed         Quiet         Quiet       Quiet
    reminded        .          .          RestOwed    .            .             RestOwed    .
    left_alone      .          Quiet      .           Quiet        .             .           .
    end_missing     .          .          .           .            Quiet Owed    .           .
    wait_told       .          .          BrokenOff   .            .             .           .
    lost            .          .          BrokenOff   Owed         Quiet Owed    .           BrokenOff
    opened          .          .          .           .            .             RestOwed    .

So, "the caller types while an answer is broken off and the socket is down": `asked` in BrokenOff leads to Owed. The
conversation hears that the broken answer is over, since it was open and is not any more (unless it has been told so already, by
`wait_told`); the typed message waits in the outbox and is sent when the next connection is open; the model is not told to go on
with the old answer.
"""

import math
from dataclasses import replace

from agent.gemini.exchange.overlap import Overlap
from agent.gemini.exchange.states import (
    Answer,
    Answering,
    Awaited,
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

_TRAIL_S = 1.0
"""A message interrupts an answer within 0.1 s (docs/facts.md G13); what was on its way comes first."""


def asked(state: State, now: float) -> State:
    """A message that wants an answer was written to the model: typed by the caller, or by the worker."""
    match state:
        case Answering(request, answer, _, overlap):
            old = replace(answer, said_over=None)  # what is typed interrupts, and is answered together with what was said
            return Superseded(_of_model(request.words, now), old, now + _TRAIL_S, is_whole=False, overlap=overlap)
        case Owed() | Superseded():
            return replace(state, request=replace(_more(state.request, now), reminders=0))
        case RestOwed(request):
            return Owed(replace(_more(request, now), reminders=0))
        case Quiet():
            return Owed(_of_model("", now))
        case BrokenOff(request):
            return Owed(_of_model(request.words, now))
        case PlayingOut(request, answer):
            return Superseded(_of_model(request.words, now), answer, -math.inf, is_whole=True)


def tools_returned(state: State, now: float) -> State:
    """The model was given results that it is to speak about."""
    match state:
        case Owed() | Superseded() | RestOwed():
            return replace(state, request=_more(state.request, now))
        case Answering(request, answer, _, overlap):
            return Superseded(_of_model(request.words, now), answer, -math.inf, is_whole=False, overlap=overlap)
        case BrokenOff():
            return _owe_rest(state, now)
        case _:
            return asked(state, now)


def caller_said(state: State, now: float, words: str, *, is_played: bool, waits: bool) -> State:
    """The service has understood words of the caller's.

    Args:
        state: before.
        now: the time.
        words: what was said.
        is_played: all sound of the model's has been played by now.
        waits: they were said over an answer that they don't interrupt; the service answers them when it is over.
    """
    match state:
        case Quiet():
            return Owed(_aloud(words, now))
        case Owed() | Superseded() | RestOwed():
            said = replace(state.request, words=state.request.words + words, asked_at=now, reminders=0)
            return replace(state, request=said)
        case PlayingOut(_, answer) if is_played:
            return Superseded(_aloud(words, now), answer, -math.inf, is_whole=True)
        case Answering() | PlayingOut() | BrokenOff():
            answer = _said_over(state.answer, now, words) if waits else state.answer
            return replace(state, request=replace(state.request, reminders=0), answer=answer)


def output(state: State, now: float, words: str, sound_s: float) -> Answering | Superseded | PlayingOut:
    """The model speaks."""
    match state:
        case Quiet():
            state = Answering(_aloud("", now), Answer(now, now))
        case Owed(request):
            state = Answering(request, Answer(now, now))
        case BrokenOff() | RestOwed():
            state = Answering(state.request, state.answer, state.asked_since, state.overlap)
        case Superseded(request, answer, trails_until) if now > trails_until:
            state = Answering(request, answer, request, state.overlap)
    return replace(state, answer=state.answer.goes_on(words, sound_s, now))


def other_answer(state: State, now: float) -> State:
    """The beginning of another answer has come, and nobody has said that the one before is over."""
    return lost(state, now) if isinstance(state, Superseded | PlayingOut) else state


def generated(state: State) -> State:
    """`generationComplete`: all of the answer has come."""
    match state:
        case Answering() | BrokenOff():
            return PlayingOut(state.request, state.answer, state.asked_since)
        case Superseded():
            return replace(state, is_whole=True)
        case _:
            return state


def turn_complete(state: State, now: float) -> State:
    """`turnComplete`, of an answer that is to be taken for over."""
    match state:
        case Owed():
            return Quiet(now)
        case Answering() | PlayingOut() | BrokenOff():
            return _after_answer(state.answer, now)
        case Superseded(request):
            return Owed(request)
        case RestOwed():
            return _closed(state)
        case Quiet():
            return state


def interrupted(state: State, now: float) -> State:
    """`interrupted`, and somebody did."""
    match state:
        case Answering() | PlayingOut() | BrokenOff():
            return Quiet(now) if state.asked_since is None else Owed(state.asked_since)
        case Superseded(request) | RestOwed(request):
            return Owed(request)
        case Quiet() | Owed():
            return state


def phantom(state: State, now: float) -> State:
    """`interrupted`, and nobody did: the model is told to go on, and may have stopped."""
    state = _broken_off(state, now) if isinstance(state, Answering) else state
    return _reminded(state) if isinstance(state, BrokenOff) else state


def barged_in(state: State, now: float) -> State:
    """The caller talks over sound that still plays, and no service is there to say so; or the application stops the answer."""
    match state:
        case Answering() | PlayingOut() | BrokenOff() | RestOwed():
            return Quiet(now)
        case Superseded(request):
            return Owed(request)
        case Quiet() | Owed():
            return state


def reminded(state: State, now: float) -> State:
    """The model was told what it owes."""
    match state:
        case Answering():
            state = _owe_rest(_broken_off(state, now), now)
        case BrokenOff():
            state = _owe_rest(state, now)
    return _reminded(state) if isinstance(state, Awaited) else state


def left_alone(state: State, now: float) -> State:
    """No answer is expected any more."""
    return Quiet(now) if isinstance(state, Owed | Superseded) else state


def end_missing(state: State, now: float) -> State:
    """The answer has been played, and `turnComplete` doesn't come."""
    return _after_answer(state.answer, now) if isinstance(state, PlayingOut) else state


def wait_told(state: State, now: float) -> State:
    """The caller is told that it takes a moment: the answer is over for the conversation, so that this can be said."""
    state = _broken_off(state, now) if isinstance(state, Answering) else state
    return _closed(state) if isinstance(state, Broken) else state


def lost(state: State, now: float) -> State:
    """The connection has ended."""
    match state:
        case Answering():
            return _broken_off(state, now)
        case Superseded(request):
            return Owed(request)
        case PlayingOut():
            return _after_answer(state.answer, now)
        case BrokenOff() | RestOwed():
            return BrokenOff(state.request, state.answer, state.spoken_words, state.overlap, now, state.asked_since)
        case Quiet() | Owed():
            return state


def opened(state: State, now: float, *, is_reminded: bool) -> State:
    """A connection was opened. `is_reminded`: the model was told what it owes."""
    match state:
        case Owed(request) if is_reminded:
            return Owed(replace(request, asked_at=now))
        case BrokenOff():
            told = replace(state, answer=replace(state.answer, said_over=None))  # with what is owed, or it is heard again
            return _owe_rest(told, now)
        case _:
            return state


def _aloud(words: str, now: float) -> Request:
    return Request(words, addressed_to_model=False, since=now, asked_at=now)


def _of_model(words: str, now: float, reminders: int = 0) -> Request:
    return Request(words, addressed_to_model=True, since=now, asked_at=now, reminders=reminders)


def _more(request: Request, now: float) -> Request:
    return replace(request, addressed_to_model=True, asked_at=now)


def _said_over(answer: Answer, now: float, words: str) -> Answer:
    before = answer.said_over or _aloud("", now)
    return replace(answer, said_over=replace(before, words=before.words + words))


def _after_answer(answer: Answer, now: float) -> Quiet | Owed:
    """The answer is over: the caller's words over it are what is owed now."""
    return Quiet(now) if answer.said_over is None else Owed(replace(answer.said_over, since=now, asked_at=now))


def _broken_off(state: Answering, now: float) -> BrokenOff:
    answer = state.answer
    return BrokenOff(state.request, answer, answer.spoken_words, Overlap(answer.words), now, state.asked_since)


def _owe_rest(state: BrokenOff, now: float) -> RestOwed:
    request = _of_model(state.request.words, now, state.request.reminders)
    return RestOwed(request, state.answer, state.spoken_words, state.overlap, state.asked_since)


def _reminded(state: Awaited | BrokenOff) -> State:
    return replace(state, request=replace(state.request, reminders=state.request.reminders + 1))


def _closed(state: Broken) -> State:
    return replace(state, answer=state.answer.closed())
