"""The end of a call as a state machine. Pure: events and `now` (seconds, one clock) in, actions out.

What each event does in each state. A cell is the next state; a state's own name means that only its facts or its time change; a
dot means that the event is passed over. tests/agent/test_ending_machine.py reads this table and holds the code to it.

|event                      |Starting    |Talking     |HangingUp   |LastReply   |Goodbye     |ModelLost   |LocalGoodbye|Done|
|---------------------------|------------|------------|------------|------------|------------|------------|------------|----|
|LimitReached: nobody there |Done        |Done        |Done        |Done        |.           |Done        |Done        |.   |
|LimitReached: no answer    |Done        |Done        |Done        |Done        |.           |.           |.           |.   |
|LimitReached: link is up   |Goodbye     |Goodbye     |Goodbye     |Goodbye     |.           |.           |.           |.   |
|LimitReached: link is down |LocalGoodbye|LocalGoodbye|LocalGoodbye|LocalGoodbye|.           |.           |.           |.   |
|LimitReached: cost, link up|Goodbye     |Goodbye     |.           |.           |.           |.           |.           |.   |
|LimitReached: cost, no link|LocalGoodbye|LocalGoodbye|.           |.           |.           |.           |.           |.   |
|HangUpRequested            |HangingUp   |HangingUp   |.           |.           |.           |.           |.           |.   |
|ReplyBegan                 |.           |.           |LastReply   |.           |.           |.           |.           |.   |
|ReplyEnded: heard          |.           |.           |.           |LastReply   |.           |.           |.           |.   |
|ReplyEnded: interrupted    |.           |.           |.           |Talking     |.           |.           |.           |.   |
|CallerTurnBegan            |.           |.           |Talking     |.           |.           |.           |.           |.   |
|CallerTyped                |.           |.           |Talking     |Talking     |.           |.           |.           |.   |
|CallerListens              |Talking     |.           |.           |.           |.           |LocalGoodbye|.           |.   |
|LinkWaits                  |Starting    |Talking     |HangingUp   |LastReply   |.           |.           |.           |.   |
|LinkConnected              |Starting    |.           |.           |.           |.           |.           |.           |.   |
|LinkFailed                 |ModelLost   |LocalGoodbye|LocalGoodbye|LocalGoodbye|LocalGoodbye|.           |.           |.   |
|GoodbyeSaid: heard         |.           |.           |.           |.           |Goodbye     |.           |Done        |.   |
|GoodbyeSaid: interrupted   |.           |.           |.           |.           |Talking/Done|.           |Done        |.   |
|TimeUp                     |.           |.           |Done        |Done        |Done        |.           |.           |.   |
|CallEnded                  |Done        |Done        |Done        |Done        |Done        |Done        |Done        |.   |

Actions: entering `Goodbye` has the model asked for a goodbye, entering `LocalGoodbye` has the recorded one played, and entering
`Done` ends the job; where the limit was that nobody is there, an empty room is deleted first. `LinkWaits`, and `CallerListens`
where the model was late before, have the caller told to wait for a moment. A call that hangs up says no second goodbye for its
costs: those of its last reply are told after that was heard.
"""

from dataclasses import dataclass, replace

from agent.call.ending_events import (
    CallEnded,
    CallerListens,
    CallerTurnBegan,
    CallerTyped,
    Event,
    GoodbyeSaid,
    HangUpRequested,
    LimitReached,
    LinkConnected,
    LinkFailed,
    LinkWaits,
    ReplyBegan,
    ReplyEnded,
    TimeUp,
)
from agent.call.endings import NOBODY_THERE, WITH_GOODBYE, Ending
from agent.call.limits import CallTimer
from agent.voice.playout import SOUND_IN_FLIGHT_S

# States


@dataclass(frozen=True)
class Starting:
    """The caller doesn't hear the agent yet."""

    model_is_late: bool = False
    """The caller would have been told to wait, if they could hear it."""


@dataclass(frozen=True)
class Talking:
    """The caller hears the agent, and nothing ends the call."""


@dataclass(frozen=True)
class HangingUp:
    """A tool has asked to hang up: the model's next reply is the last one, unless the caller goes on."""

    until: float


@dataclass(frozen=True)
class LastReply:
    """The model says its last reply before it hangs up."""

    speech_id: str
    until: float


@dataclass(frozen=True)
class Goodbye:
    """The call has reached a limit, and the model was asked to say goodbye."""

    ending: Ending
    until: float


@dataclass(frozen=True)
class ModelLost:
    """The link to the model has failed for good before the caller heard the agent."""

    ending: Ending


@dataclass(frozen=True)
class LocalGoodbye:
    """The worker says goodbye in its own voice, since the model can't."""

    ending: Ending


@dataclass(frozen=True)
class Done:
    """The call has ended."""

    ending: Ending


State = Starting | Talking | HangingUp | LastReply | Goodbye | ModelLost | LocalGoodbye | Done

# Actions


@dataclass(frozen=True)
class SayOneMoment:
    """Tell the caller in the worker's own voice that it takes a moment."""

    again: bool


@dataclass(frozen=True)
class AskStillThere:
    """Have the model ask whether the caller is still there."""


@dataclass(frozen=True)
class SayGoodbye:
    """Have the model say goodbye; then `GoodbyeSaid`."""


@dataclass(frozen=True)
class SayLocalGoodbye:
    """Say goodbye in the worker's own voice; then `GoodbyeSaid`."""


@dataclass(frozen=True)
class ShutDown:
    """End the job."""

    ending: Ending


@dataclass(frozen=True)
class LeaveEmptyRoom:
    """Delete the room if no human is in it, then end the job."""

    ending: Ending


Action = SayOneMoment | AskStillThere | SayGoodbye | SayLocalGoodbye | ShutDown | LeaveEmptyRoom


class EndingMachine:
    """Holds the state of one call. It alone changes it; the timer is fed by others."""

    def __init__(self, timer: CallTimer, goodbye_s: float) -> None:
        self._timer = timer
        self._goodbye_s = goodbye_s
        self._state: State = Starting()

    @property
    def state(self) -> State:
        """The state at the moment."""
        return self._state

    @property
    def hangs_up(self) -> bool:
        """Whether a tool has asked to hang up, and the last reply isn't over."""
        return isinstance(self._state, HangingUp | LastReply)

    @property
    def goodbye(self) -> Ending | None:
        """The ending for which the model was asked to say goodbye, while it hasn't; None: it wasn't."""
        return self._state.ending if isinstance(self._state, Goodbye) else None

    @property
    def accepts_turns(self) -> bool:
        """Whether the model may still be asked for something."""
        return not isinstance(self._state, ModelLost | LocalGoodbye | Done)

    @property
    def next_at(self) -> float | None:
        """The time at which `due` has something, if nothing happens before. None: never."""
        times = [at for at, _ in self._deadlines()]
        if self._asks_still_there_at is not None:
            times.append(self._asks_still_there_at)
        if isinstance(self._state, HangingUp | LastReply | Goodbye):
            times.append(self._state.until)
        return min(times, default=None)

    def due(self, now: float) -> list[Action]:
        """Time has passed."""
        if isinstance(self._state, HangingUp | LastReply | Goodbye) and self._state.until <= now:
            return self.on(TimeUp(), now)
        for at, ending in self._deadlines():
            if at <= now:
                return self.on(LimitReached(ending, self._timer.link_is_down), now)
        if self._asks_still_there_at is not None and self._timer.asks_still_there(now):
            return [AskStillThere()]
        return []

    def on(self, event: Event, now: float) -> list[Action]:
        """Something has happened."""
        before = self._state
        if isinstance(before, Done):
            return []
        match event:
            case LimitReached():
                self._state = self._after_limit(event, now)
            case LinkWaits() | LinkConnected() | LinkFailed() | CallerListens():
                self._state = self._after_link_or_caller(event)
            case _:
                self._state = self._after_speech(event, now)
        return self._actions(before, event)

    def _actions(self, before: State, event: Event) -> list[Action]:
        """The actions that go with the change from `before` to the state of now."""
        actions: list[Action] = []
        match self._state:
            case Done(ending):
                nobody_is_there = isinstance(event, LimitReached) and ending in NOBODY_THERE
                actions.append(LeaveEmptyRoom(ending) if nobody_is_there else ShutDown(ending))
            case Goodbye() if not isinstance(before, Goodbye):
                actions.append(SayGoodbye())
            case LocalGoodbye() if not isinstance(before, LocalGoodbye):
                actions.append(SayLocalGoodbye())
            case Talking() | HangingUp() | LastReply() if isinstance(event, LinkWaits):
                actions.append(SayOneMoment(event.again))
            case Talking() if isinstance(event, CallerListens) and isinstance(before, Starting) and before.model_is_late:
                actions.append(SayOneMoment(again=False))
        return actions

    def _after_limit(self, reached: LimitReached, now: float) -> State:
        ending, state = reached.ending, self._state
        is_ending = isinstance(state, ModelLost | LocalGoodbye)
        if ending is Ending.COST_CAP and isinstance(state, HangingUp | LastReply):
            return state
        if isinstance(state, Goodbye) or (is_ending and ending not in NOBODY_THERE):
            return state
        if ending not in WITH_GOODBYE:
            return Done(ending)
        return LocalGoodbye(ending) if reached.link_is_down else Goodbye(ending, now + self._goodbye_s)

    def _after_link_or_caller(self, event: LinkWaits | LinkConnected | LinkFailed | CallerListens) -> State:
        after = self._state
        match self._state, event:
            case Starting(), LinkWaits() | LinkConnected():
                after = Starting(model_is_late=isinstance(event, LinkWaits))
            case Starting(), CallerListens():
                after = Talking()
            case Starting(), LinkFailed(ending):
                after = ModelLost(ending)
            case (ModelLost(ending), CallerListens()) | (Talking() | HangingUp() | LastReply() | Goodbye(), LinkFailed(ending)):
                after = LocalGoodbye(ending)
        return after

    def _after_speech(self, event: Event, now: float) -> State:
        after = self._state
        match self._state, event:
            case _, CallEnded(ending):
                after = Done(ending)
            case Starting() | Talking(), HangUpRequested():
                after = HangingUp(now + self._goodbye_s)
            case HangingUp(until), ReplyBegan(speech_id):
                after = LastReply(speech_id, until)
            case LastReply(speech_id) as last, ReplyEnded(ended, interrupted) if ended == speech_id:
                after = Talking() if interrupted else replace(last, until=now + SOUND_IN_FLIGHT_S)
            case (HangingUp(), CallerTurnBegan()) | (HangingUp() | LastReply(), CallerTyped()):
                after = Talking()
            case Goodbye() as goodbye, GoodbyeSaid(interrupted=False):
                after = replace(goodbye, until=now + SOUND_IN_FLIGHT_S)
            case Goodbye(Ending.SILENCE), GoodbyeSaid(interrupted=True):
                after = Talking()
            case (Goodbye(ending) | LocalGoodbye(ending), GoodbyeSaid()) | (Goodbye(ending), TimeUp()):
                after = Done(ending)
            case HangingUp() | LastReply(), TimeUp():
                after = Done(Ending.HUNG_UP)
        return after

    def _deadlines(self) -> list[tuple[float, Ending]]:
        """The limits that do something in this state."""
        match self._state:
            case Goodbye() | Done():
                return []
            case ModelLost() | LocalGoodbye():
                return [(at, ending) for at, ending in self._timer.deadlines() if ending in NOBODY_THERE]
        return self._timer.deadlines()

    @property
    def _asks_still_there_at(self) -> float | None:
        asks = isinstance(self._state, Starting | Talking | HangingUp | LastReply)
        return self._timer.asks_still_there_at if asks else None
