"""What kills cost the callers of a fleet, from what was heard at both ends. Pure. All times are on one monotonic clock.

The agent's words are in the recording at the caller's ear, the caller's words in what the emulator heard. A word counts as lost
in a kill if it was on its way then: of the agent's, at most `MOST_IN_FLIGHT` in a row where the voice stopped; of the caller's,
those that were said while no agent was in the room. Any other word that wasn't heard is lost otherwise, and so is each word
that is missing after a kill that should cost none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.kills import JOB, LIVEKIT, WORKER, Kill
from tests.chaos.words import ANSWER, GREETING, NAMES
from tests.e2e.faults.tones import MARKER_S, Stretch, lost

MOST_IN_FLIGHT = 5
"""Words, so one second of sound: what the caller's and the SFU's buffers and the newest checkpoint differ by."""
LOSES_WORDS = frozenset({JOB, WORKER, LIVEKIT})
_SILENCE_S = 0.3
"""A shorter pause isn't one."""
_AT_THE_EAR_S = 0.6
"""Sound is on its way for at most so long."""
_JOINS_S = 1.0
"""From an agent's track at the caller's ear to the agent's hearing the caller, at most."""
_EARLY_S, _LATE_S = 30.0, 60.0
"""A word is looked for within these times around the question. What the emulator heard has no clock: its times are those of a
recording that begins with the connection and has no pauses. The same words come again after more than two minutes."""
_TWICE_S = 0.3
_AWAY_S = 20.0
"""livekit-server takes calls again within this time after its kill; some of it is for a machine that is busy."""

AGENT_SPEAKS, AGENT_OWES, CALLER_SPEAKS, IDLE = "agent speaks", "agent owes an answer", "caller speaks", "nobody speaks"


@dataclass(frozen=True)
class Spoken:
    """A question of the caller's, and its time. No words: the beginning of the call, to which the greeting is owed."""

    said: tuple[int, ...]
    start: float
    end: float

    @property
    def owed(self) -> range:
        return ANSWER if self.said else GREETING


@dataclass(frozen=True)
class CallEvidence:
    """What is known of one call when it is over."""

    room: str
    caller: int
    joined_at: float
    left_at: float
    turns: tuple[Spoken, ...] = ()
    heard: tuple[Stretch, ...] = ()
    """At the caller's ear."""
    by_agent: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """From when to when each agent could be heard, by identity."""
    tracks: tuple[float, ...] = ()
    """When an agent's voice was subscribed."""
    taken: tuple[Stretch, ...] = ()
    """The caller's words that the emulator heard, on any connection."""
    told: str | None = None
    """The reason of the `call_ended` that the room was told, if it was."""
    failure: str | None = None
    """Why the caller's own part came to an end early."""


@dataclass(frozen=True)
class Effect:
    """What one kill cost one call."""

    kind: str
    room: str
    during: str
    silence_s: float | None
    """From the kill to the agent's next sound; None: nobody waited for any."""
    back_s: float | None
    """From the kill to the next agent's voice in the room, spoken or not; None: none came."""
    agents_words: tuple[int, ...]
    """Lost in the kill."""
    callers_words: tuple[int, ...]
    """Lost in the kill."""


@dataclass(frozen=True)
class CallVerdict:
    """What became of one call."""

    room: str
    effects: tuple[Effect, ...]
    wrong: tuple[str, ...]
    """What must not be: words lost otherwise, a call that was lost without a word, two agents at once."""
    lost_otherwise: int
    is_lost: bool
    told: str | None
    unheard_questions: int = 0
    """Questions that were lost in a kill, more than half of their words, and have no answer."""


def judge(call: CallEvidence, kills: Sequence[Kill]) -> CallVerdict:
    """The verdict on one call."""
    if not call.turns:
        return _never_joined(call, kills)
    concerning = [kill for kill in kills if call.room in kill.rooms and call.joined_at <= kill.at <= call.left_at]
    callers, unheard = _callers_words(call, concerning)
    agents = _agents_words(call, concerning, unheard)
    effects = tuple(
        Effect(
            kill.kind,
            call.room,
            _during(call, kill.at),
            _silence_s(call, kill.at),
            min((at - kill.at for at in call.tracks if at > kill.at), default=None),
            tuple(agents[kill]),
            tuple(callers[kill]),
        )
        for kill in concerning
    )
    is_lost = call.failure is not None and call.told is None
    wrong = [f"words lost otherwise: the agent's {agents[None]}"] if agents[None] else []
    wrong += [f"words lost otherwise: the caller's {callers[None]}"] if callers[None] else []
    wrong += [f"lost: {call.failure}"] if is_lost else []
    wrong += list(_twice(call))
    return CallVerdict(
        call.room, effects, tuple(wrong), len(agents[None]) + len(callers[None]), is_lost, call.told, len(unheard)
    )


def _never_joined(call: CallEvidence, kills: Sequence[Kill]) -> CallVerdict:
    """The verdict on a caller who could not join: as it should be while livekit-server is away, and at no other time."""
    is_away = any(kill.kind == LIVEKIT and kill.at - _AT_THE_EAR_S <= call.left_at <= kill.at + _AWAY_S for kill in kills)
    wrong = () if is_away else (f"not joined: {call.failure}",)
    return CallVerdict(call.room, (), wrong, 0, not is_away, None)


_LostWords = dict[Kill | None, list[int]]
"""By the kill in which they were lost; None: in none."""


def _agents_words(call: CallEvidence, kills: Sequence[Kill], unheard: Sequence[Spoken]) -> _LostWords:
    found: _LostWords = {None: [], **{kill: [] for kill in kills}}
    for turn, until in _turns(call):
        answer = [one for one in call.heard if one.marker in turn.owed and turn.start <= one.start_s < until]
        missing = lost(turn.owed, answer)
        if until == call.left_at and (call.told or (turn.end + 1 > until)):
            continue  # the call ended here
        if not answer and turn in unheard:
            continue
        for run in _runs(missing):
            before = max((one.end_s for one in answer if one.marker is not None and one.marker < run[0]), default=turn.end)
            after = min((one.start_s for one in answer if one.marker is not None and one.marker > run[-1]), default=until)
            causes = [kill for kill in kills if kill.kind in LOSES_WORDS and _may_lose(call, kill, before, after)]
            is_on_its_way = causes and len(run) <= MOST_IN_FLIGHT * len(causes)
            found[causes[0] if is_on_its_way else None].extend(run)
    return found


def _may_lose(call: CallEvidence, kill: Kill, before: float, after: float) -> bool:
    """Whether words that are missing between these two times were on their way at the kill, or before the room was back."""
    back = before if kill.kind != LIVEKIT else min((track for track in call.tracks if track > kill.at), default=call.left_at)
    return before - _AT_THE_EAR_S <= kill.at <= after or (kill.at <= before < back)


def _callers_words(call: CallEvidence, kills: Sequence[Kill]) -> tuple[_LostWords, list[Spoken]]:
    """The caller's lost words, and the questions of which more than half were lost in a kill."""
    found: _LostWords = {None: [], **{kill: [] for kill in kills}}
    unheard = []
    for turn, until in _turns(call):
        if until == call.left_at and (call.told or call.failure):
            continue
        taken = [one for one in call.taken if turn.start - _EARLY_S <= one.start_s < turn.end + _LATE_S]
        lost_in_a_kill = 0
        for place, word in enumerate(turn.said):
            if not lost([word], taken):
                continue
            at = turn.start + place * MARKER_S
            cause = next((kill for kill in kills if kill.kind in LOSES_WORDS and _is_alone(call, kill, at)), None)
            found[cause].append(word)
            lost_in_a_kill += cause is not None
        if lost_in_a_kill > len(turn.said) / 2:
            unheard.append(turn)
    return found, unheard


def _is_alone(call: CallEvidence, kill: Kill, at: float) -> bool:
    """Whether no agent was in the room after that kill when a word was said."""
    back = min((track for track in call.tracks if track > kill.at), default=call.left_at)
    return kill.at - _AT_THE_EAR_S <= at <= back + _JOINS_S


def _turns(call: CallEvidence) -> Iterator[tuple[Spoken, float]]:
    """Each turn, with the time at which the next begins."""
    ends = [turn.start for turn in call.turns[1:]] + [call.left_at]
    yield from zip(call.turns, ends, strict=True)


def _turn_at(call: CallEvidence, at: float) -> tuple[Spoken, float]:
    return next(each for each in reversed(list(_turns(call))) if each[0].start <= at or each[0] is call.turns[0])


def _during(call: CallEvidence, at: float) -> str:
    turn, until = _turn_at(call, at)
    if turn.said and at < turn.end:
        return CALLER_SPEAKS
    answer = [one for one in call.heard if one.marker in turn.owed and turn.end <= one.start_s < until]
    if not answer or answer[0].start_s > at:
        return AGENT_OWES
    last_word = [one.end_s for one in answer if one.marker == turn.owed[-1]]
    return IDLE if last_word and last_word[-1] < at else AGENT_SPEAKS


def _silence_s(call: CallEvidence, at: float) -> float | None:
    during = _during(call, at)
    if during not in {AGENT_SPEAKS, AGENT_OWES}:
        return None
    end, (_, until) = at, _turn_at(call, at)
    for one in call.heard:
        if one.start_s <= at + _AT_THE_EAR_S and one.start_s - max(end, at) < _SILENCE_S:
            end = max(end, one.end_s)
    if during == AGENT_SPEAKS and end > at + _AT_THE_EAR_S:
        return 0.0
    following = [one.start_s for one in call.heard if end + (_SILENCE_S if during == AGENT_SPEAKS else 0) < one.start_s < until]
    if not following and during == AGENT_SPEAKS:
        return None  # no more than the last words were left, and they are counted as lost
    return min(following, default=until) - at


def _twice(call: CallEvidence) -> Iterator[str]:
    """Two agents that could be heard at the same time."""
    agents = list(call.by_agent.items())
    for number, (one, ours) in enumerate(agents):
        for other, theirs in agents[number + 1 :]:
            both_s = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in ours for b in theirs)
            if both_s > _TWICE_S:
                yield f"two agents were heard at once for {both_s:.1f} s: {one}, {other}"


def _runs(markers: Sequence[int]) -> list[list[int]]:
    """Markers that follow each other, together."""
    runs: list[list[int]] = []
    for marker in markers:
        if runs and marker == runs[-1][-1] + 1:
            runs[-1].append(marker)
        else:
            runs.append([marker])
    return runs


def callers_of(connections: Mapping[str, Sequence[Stretch]]) -> dict[int, list[Stretch]]:
    """What the emulator heard, by the number of the caller whose own words are on the connection."""
    found: dict[int, list[Stretch]] = {}
    for stretches in connections.values():
        names = [one.marker for one in stretches if one.marker is not None and one.marker in NAMES]
        if names:
            caller = NAMES.index(max(set(names), key=names.count))
            found.setdefault(caller, []).extend(stretches)
    return found
