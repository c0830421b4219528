"""Who owes what to whom: what changes the state of the exchange, and how. Pure functions of frozen dataclasses.

What happens (rows) in each state (columns), and which state comes next. `.` means that it stays; a cell with several names
says all that may follow. tests/agent/gemini/exchange/ reads this table.

    event          Quiet      Owed       Answering        Superseded   PlayingOut       BrokenOff  RestOwed
    Asked          Owed       .          Superseded       .            Superseded       Owed       Owed
    ToolsReturned  Owed       .          Superseded       .            Superseded       RestOwed   .
    CallerSaid     Owed       .          .                .            . Superseded     .          .
    Output         Answering  Answering  .                . Answering  .                Answering  Answering
    OtherAnswer    .          .          .                Owed         Quiet            .          .
    Generated      .          .          PlayingOut       .            .                .          .
    TurnComplete   .          Quiet      Quiet            Owed         Quiet            Quiet      .
    Interrupted    .          .          Quiet Owed       Owed         Quiet Owed       Quiet      Owed
    BargedIn       .          .          Quiet            Owed         Quiet            Quiet      Quiet
    Reminded       .          .          RestOwed         .            .                RestOwed   .
    LeftAlone      .          Quiet      .                Quiet        .                .          .
    EndMissing     .          .          .                .            Quiet            .          .
    WaitTold       .          .          BrokenOff        .            .                .          .
    Lost           .          .          BrokenOff        Owed         Quiet            .          BrokenOff
    Opened         .          .          .                .            .                RestOwed   .

So, "the caller types while an answer is broken off and the socket is down": `Asked` in BrokenOff leads to Owed. The
conversation hears that the broken answer is over, since it was open and is not any more; the typed message waits in the outbox
and is sent when the next connection is open; the model is not told to go on with the old answer.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agent.gemini.exchange.events import (
    Asked,
    BargedIn,
    CallerSaid,
    EndMissing,
    Event,
    Generated,
    Interrupted,
    LeftAlone,
    Lost,
    Opened,
    OtherAnswer,
    Output,
    Reminded,
    ToolsReturned,
    TurnComplete,
    WaitTold,
)
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


def after(state: State, event: Event) -> State:
    """The state that comes next."""
    change = _TABLE[type(event)].get(type(state))
    return state if change is None else change(state, event)


def _said_aloud(words: str, now: float) -> Request:
    return Request(words, addressed_to_model=False, since=now, asked_at=now)


def _asked_of_model(words: str, now: float, reminders: int = 0) -> Request:
    return Request(words, addressed_to_model=True, since=now, asked_at=now, reminders=reminders)


def _end(_state: State, event: Event) -> Quiet:
    return Quiet(event.now)


def _owe(state: Superseded | RestOwed, _event: Event) -> Owed:
    return Owed(state.request)


# Somebody asks


def _ask(state: Quiet | BrokenOff, event: Event) -> Owed:
    return Owed(_asked_of_model("" if isinstance(state, Quiet) else state.request.words, event.now))


def _asked_more(request: Request, event: Event) -> Request:
    reminders = 0 if isinstance(event, Asked) else request.reminders
    return replace(request, addressed_to_model=True, asked_at=event.now, reminders=reminders)


def _ask_more(state: Awaited, event: Event) -> State:
    return replace(state, request=_asked_more(state.request, event))


def _ask_instead(state: RestOwed, event: Event) -> Owed:
    return Owed(_asked_more(state.request, event))


def _supersede(state: Answering | PlayingOut, event: Event) -> Superseded:
    request = _asked_of_model(state.request.words, event.now)
    if isinstance(state, PlayingOut):
        return Superseded(request, state.answer, -math.inf, is_whole=True)
    trails_until = event.now + _TRAIL_S if isinstance(event, Asked) else -math.inf
    return Superseded(request, state.answer, trails_until, is_whole=False, overlap=state.overlap)


def _say(_state: Quiet, event: CallerSaid) -> Owed:
    return Owed(_said_aloud(event.words, event.now))


def _say_more(state: Awaited, event: CallerSaid) -> State:
    request = replace(state.request, words=state.request.words + event.words, asked_at=event.now, reminders=0)
    return replace(state, request=request)


def _say_after(state: PlayingOut, event: CallerSaid) -> State:
    if not event.is_played:
        return state
    return Superseded(_said_aloud(event.words, event.now), state.answer, -math.inf, is_whole=True)


# The model answers


def _begin(state: Quiet | Owed, event: Output) -> Answering:
    request = state.request if isinstance(state, Owed) else _said_aloud("", event.now)
    return Answering(request, Answer(event.now, event.now).goes_on(event.words, event.sound_s, event.now))


def _continue(state: Answering | Superseded | PlayingOut, event: Output) -> State:
    return replace(state, answer=state.answer.goes_on(event.words, event.sound_s, event.now))


def _go_on(state: BrokenOff | RestOwed, event: Output) -> State:
    return _continue(Answering(state.request, state.answer, overlap=state.overlap), event)


def _trail(state: Superseded, event: Output) -> State:
    if event.now > state.trails_until:
        return _continue(Answering(state.request, state.answer, state.request, state.overlap), event)
    return _continue(state, event)


def _play_out(state: Answering, _event: Event) -> PlayingOut:
    return PlayingOut(state.request, state.answer, state.asked_since)


def _is_whole(state: Superseded, _event: Event) -> Superseded:
    return replace(state, is_whole=True)


def _interrupt(state: Answering | PlayingOut, event: Event) -> State:
    return Quiet(event.now) if state.asked_since is None else Owed(state.asked_since)


# The answer breaks off


def _break_off(state: Answering, event: Event) -> BrokenOff:
    answer = state.answer
    return BrokenOff(state.request, answer, answer.spoken_words, Overlap(answer.words), event.now)


def _break_off_again(state: BrokenOff | RestOwed, event: Event) -> BrokenOff:
    return BrokenOff(state.request, state.answer, state.spoken_words, state.overlap, event.now)


def _close(state: Broken, _event: Event) -> State:
    return replace(state, answer=state.answer.closed())


def _break_off_and_close(state: Answering, event: Event) -> State:
    return _close(_break_off(state, event), event)


def _owe_rest(state: BrokenOff, event: Event) -> RestOwed:
    request = _asked_of_model(state.request.words, event.now, state.request.reminders)
    return RestOwed(request, state.answer, state.spoken_words, state.overlap)


def _remind(state: Awaited, _event: Event) -> State:
    return replace(state, request=replace(state.request, reminders=state.request.reminders + 1))


def _remind_of_rest(state: Answering | BrokenOff, event: Event) -> State:
    broken = _break_off(state, event) if isinstance(state, Answering) else state
    return _remind(_owe_rest(broken, event), event)


def _remind_after_loss(state: Owed, event: Opened) -> Owed:
    return replace(state, request=replace(state.request, asked_at=event.now)) if event.is_reminded else state


_TABLE: dict[type[Event], dict[type[State], Callable[[Any, Any], State]]] = {
    Asked: {
        Quiet: _ask,
        Owed: _ask_more,
        Answering: _supersede,
        Superseded: _ask_more,
        PlayingOut: _supersede,
        BrokenOff: _ask,
        RestOwed: _ask_instead,
    },
    ToolsReturned: {
        Quiet: _ask,
        Owed: _ask_more,
        Answering: _supersede,
        Superseded: _ask_more,
        PlayingOut: _supersede,
        BrokenOff: _owe_rest,
        RestOwed: _ask_more,
    },
    CallerSaid: {Quiet: _say, Owed: _say_more, Superseded: _say_more, PlayingOut: _say_after, RestOwed: _say_more},
    Output: {
        Quiet: _begin,
        Owed: _begin,
        Answering: _continue,
        Superseded: _trail,
        PlayingOut: _continue,
        BrokenOff: _go_on,
        RestOwed: _go_on,
    },
    OtherAnswer: {Superseded: _owe, PlayingOut: _end},
    Generated: {Answering: _play_out, Superseded: _is_whole},
    TurnComplete: {Owed: _end, Answering: _end, Superseded: _owe, PlayingOut: _end, BrokenOff: _end, RestOwed: _close},
    Interrupted: {Answering: _interrupt, Superseded: _owe, PlayingOut: _interrupt, BrokenOff: _end, RestOwed: _owe},
    BargedIn: {Answering: _end, Superseded: _owe, PlayingOut: _end, BrokenOff: _end, RestOwed: _end},
    Reminded: {Owed: _remind, Answering: _remind_of_rest, Superseded: _remind, BrokenOff: _remind_of_rest, RestOwed: _remind},
    LeftAlone: {Owed: _end, Superseded: _end},
    EndMissing: {PlayingOut: _end},
    WaitTold: {Answering: _break_off_and_close, BrokenOff: _close, RestOwed: _close},
    Lost: {Answering: _break_off, Superseded: _owe, PlayingOut: _end, BrokenOff: _break_off_again, RestOwed: _break_off_again},
    Opened: {Owed: _remind_after_loss, BrokenOff: _owe_rest},
}
