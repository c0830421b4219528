"""What a caller went through, from what was heard at the two ends, and whether it was within bounds. Pure.

Nothing here is read from logs: the agent's words and pauses are in the recording at the caller's ear, the caller's words in
what the emulator heard, connection by connection. Times are in seconds since the caller joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.faults.bounds import Bounds
from tests.e2e.faults.tones import MARKER_S, Stretch, lost, repeated_s, silences

_NEVER_TOLD_BEFORE_S = 2.2
_SENTENCE_PAUSE_S = 1.0
_TOLD_GAP_ACCURACY_MS = 300.0
_SHORTEST_SENTENCE_S = 0.3
_ENOUGH_HEARD = 0.9
"""Of a sentence, in seconds, on the connection that heard most of it; edges are blurred, and jitter buffers take a little."""
_OVERLAP_S = 0.5
"""Whoever begins to speak has been heard by then."""


@dataclass(frozen=True)
class Turn:
    """Something that the caller said, or typed, and what the agent has to say to it."""

    said: range
    start_s: float
    end_s: float
    owed: range
    is_interrupted: bool = False
    """The caller cuts the agent's sentence short by the next turn."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of one call when it is over."""

    heard: Sequence[Stretch]
    """At the caller's ear."""
    turns: Sequence[Turn]
    """The first is the greeting, for which nothing was said."""
    taken: Sequence[Sequence[Stretch]] = ()
    """What the emulator heard of the caller, connection by connection."""
    length_s: float = 0.0
    fault_s: float | None = None
    back_s: float | None = None
    """When what was away came back."""
    connections: int = 1
    """So many sessions the emulator was asked for, those that it refused among them."""
    events: Sequence[dict[str, Any]] = ()
    """The `link` events that the room was told."""
    ended: str | None = None
    """Why the agent ended the call, if it did."""
    left_over: Sequence[str] = ()
    """Processes, sockets and rooms that outlived the call."""


@dataclass(frozen=True)
class Told:
    """A sentence of the worker's own voice, and how long it had been silent before."""

    at_s: float
    silence_s: float
    """Since the fault struck, or since a later sound."""
    waited_s: float
    """Since the last sound alone."""


@dataclass(frozen=True)
class Verdict:
    """The figures of one run, and what was out of bounds."""

    gap_ms: float
    wait_s: float
    back_s: float | None
    yield_ms: float | None
    lost_by_agent: list[int]
    lost_by_caller: list[int]
    """Words that no one connection heard together with the rest of their sentence."""
    repeated_s: float
    told: list[Told]
    wrong: list[str] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list, repr=False)
    """What happened, for who wants to know why."""

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def lost_words(self) -> int:
        return len(self.lost_by_agent) + len(self.lost_by_caller)


def judge(evidence: Evidence, bounds: Bounds, *, usual_wait_s: float) -> Verdict:
    """Measure a call, and hold it against its bounds."""
    turns = evidence.turns
    answers = [_answer(evidence, index) for index in range(len(turns))]
    waits = [_wait(evidence, index) for index in range(1, len(turns)) if turns[index].owed]
    answered = evidence.back_s is not None and [one.start_s for one in answers[-1] if one.start_s > evidence.back_s]
    verdict = Verdict(
        gap_ms=max((1000 * _longest_pause(answer) for answer in answers), default=0.0),
        wait_s=max(waits, default=0.0),
        back_s=answered[0] - evidence.back_s if answered and evidence.back_s is not None else None,
        yield_ms=_yield_ms(evidence),
        lost_by_agent=[
            marker
            for turn, answer in zip(turns, answers, strict=True)
            if not turn.is_interrupted
            for marker in lost(turn.owed, answer)
        ],
        lost_by_caller=_lost_by_caller(evidence),
        repeated_s=max((repeated_s(turn.owed, answer) for turn, answer in zip(turns, answers, strict=True)), default=0.0),
        told=told(evidence),
    )
    verdict.wrong.extend(_wrong(evidence, bounds, verdict, usual_wait_s))
    return verdict


def all_of(verdicts: Iterable[Verdict], wrong: Iterable[str] = ()) -> Verdict:
    """The worst of several calls of one run; `wrong` is what else was out of bounds."""
    found = list(verdicts)
    return Verdict(
        gap_ms=max((one.gap_ms for one in found), default=0.0),
        wait_s=max((one.wait_s for one in found), default=0.0),
        back_s=max((one.back_s for one in found if one.back_s is not None), default=None),
        yield_ms=None,
        lost_by_agent=[word for one in found for word in one.lost_by_agent],
        lost_by_caller=[word for one in found for word in one.lost_by_caller],
        repeated_s=max((one.repeated_s for one in found), default=0.0),
        told=[each for one in found for each in one.told],
        wrong=[*(each for one in found for each in one.wrong), *wrong],
        timeline=[line for one in found for line in one.timeline],
    )


def told(evidence: Evidence) -> list[Told]:
    """The sentences in a voice that isn't the model's."""
    found: list[list[Stretch]] = []
    for stretch in evidence.heard:
        if stretch.marker is None:
            if found and stretch.start_s - found[-1][-1].end_s < _SENTENCE_PAUSE_S:
                found[-1].append(stretch)
            else:
                found.append([stretch])
    long_enough = [one for one in found if sum(each.duration_s for each in one) >= _SHORTEST_SENTENCE_S]
    begins = [one[0].start_s for one in long_enough]
    return [Told(at_s, at_s - _silent_since(evidence, at_s), at_s - _last_sound(evidence, at_s)) for at_s in begins]


def _silent_since(evidence: Evidence, at_s: float) -> float:
    """When the caller last heard or said something, or the fault struck."""
    fault_s = 0.0 if evidence.fault_s is None or evidence.fault_s > at_s else evidence.fault_s
    return max(_last_sound(evidence, at_s), fault_s)


def _last_sound(evidence: Evidence, at_s: float) -> float:
    sounds = [stretch.end_s for stretch in evidence.heard if stretch.marker is not None]
    spoken = [turn.end_s for turn in evidence.turns]
    return max((moment for moment in (*sounds, *spoken) if moment <= at_s), default=0.0)


def _answer(evidence: Evidence, index: int) -> list[Stretch]:
    """What was heard of a turn's answer, until the caller's next turn."""
    turn = evidence.turns[index]
    until_s = evidence.turns[index + 1].end_s if index + 1 < len(evidence.turns) else evidence.length_s
    return [one for one in evidence.heard if one.marker in turn.owed and turn.start_s <= one.start_s < until_s]


def _wait(evidence: Evidence, index: int) -> float:
    """From the caller's last word to the agent's first; to the end of the call, if none came."""
    turn = evidence.turns[index]
    sounds = [one.start_s for one in _answer(evidence, index) if one.start_s >= turn.end_s]
    return (sounds[0] if sounds else evidence.length_s) - turn.end_s


def _longest_pause(answer: Sequence[Stretch]) -> float:
    return max((pause.duration_s for pause in silences(answer)), default=0.0)


def _yield_ms(evidence: Evidence) -> float | None:
    for turn, after in zip(evidence.turns, evidence.turns[1:], strict=False):
        if turn.is_interrupted:
            ends = [one.end_s for one in evidence.heard if one.marker in turn.owed and one.start_s < after.end_s]
            return max(1000 * (ends[-1] - after.start_s), 0.0) if ends else None
    return None


def _lost_by_caller(evidence: Evidence) -> list[int]:
    # of a turn that can't be answered, nothing needs to arrive
    return [marker for turn in evidence.turns if turn.owed for marker in lost(turn.said, _heard_best(evidence, turn))]


def _heard_best(evidence: Evidence, turn: Turn) -> Sequence[Stretch]:
    """The connection that heard most of what was said: half a sentence here and half there is none to any model."""
    return max(evidence.taken, key=lambda connection: _heard_s(connection, turn), default=())


def _heard_s(connection: Sequence[Stretch], turn: Turn) -> float:
    return sum(one.duration_s for one in connection if one.marker in turn.said)


def _wrong(evidence: Evidence, bounds: Bounds, verdict: Verdict, usual_wait_s: float) -> Iterable[str]:
    yield from _wrong_words(evidence, bounds, verdict)
    yield from _wrong_times(evidence, bounds, verdict, usual_wait_s)
    yield from _wrong_telling(evidence, bounds, verdict)
    if evidence.ended != bounds.ended:
        yield f"the call ended because of {evidence.ended}, not {bounds.ended}"
    causes = {event.get("cause") for event in evidence.events if event.get("kind") != "connected"}
    if bounds.causes and not causes & bounds.causes:
        yield f"no link event with {' or '.join(sorted(bounds.causes))} but {sorted(map(str, causes))}"
    if missing := bounds.named - causes:
        yield f"no link event with {' or '.join(sorted(missing))} but {sorted(map(str, causes))}"
    if bounds.causes == frozenset() and causes:
        yield f"link events without a fault: {sorted(map(str, causes))}"
    told_ms = [event["gap_ms"] for event in evidence.events if event.get("during") == "agent_speaks" and "gap_ms" in event]
    if told_ms and abs(max(told_ms) - verdict.gap_ms) > _TOLD_GAP_ACCURACY_MS:
        yield f"the room was told of a pause of {max(told_ms)} ms, and {verdict.gap_ms:.0f} ms were heard"
    if bounds.connections is not None and evidence.connections != bounds.connections:
        yield f"{evidence.connections} connections instead of {bounds.connections}"
    yield from (f"left over: {what}" for what in evidence.left_over)


def _wrong_words(evidence: Evidence, bounds: Bounds, verdict: Verdict) -> Iterable[str]:
    if len(verdict.lost_by_agent) > bounds.in_flight:
        yield f"words of the agent were not heard: {verdict.lost_by_agent}"
    if verdict.lost_by_caller:
        yield f"words of the caller never arrived: {verdict.lost_by_caller}"
    for turn in evidence.turns:
        share = _heard_s(_heard_best(evidence, turn), turn) / (len(turn.said) * MARKER_S) if turn.said and turn.owed else 1.0
        if share < _ENOUGH_HEARD:
            yield f"{share:.0%} of a sentence of the caller's arrived on one connection"
    if verdict.repeated_s > bounds.repeated_s:
        yield f"{verdict.repeated_s:.2f} s were heard twice, over {bounds.repeated_s:g}"
    twice = [markers for connection in evidence.taken if (markers := _doubled(evidence, connection))]
    if twice:
        yield f"words of the caller arrived twice on one connection: {twice}"


def _doubled(evidence: Evidence, connection: Sequence[Stretch]) -> list[int]:
    """Of the caller's words, those that came in two places of one connection; a jitter buffer splits a word at most."""
    said = {marker for turn in evidence.turns for marker in turn.said}
    starts: dict[int, list[float]] = {}
    for one in connection:
        if one.marker in said:
            starts.setdefault(one.marker, []).append(one.start_s)
    return [marker for marker, times in starts.items() if times[-1] - times[0] > 0.5]


def _wrong_times(evidence: Evidence, bounds: Bounds, verdict: Verdict, usual_wait_s: float) -> Iterable[str]:
    if round(verdict.gap_ms) > bounds.gap_ms:  # it is read in steps of 10 ms
        yield f"a pause of {verdict.gap_ms:.0f} ms in a sentence, over {bounds.gap_ms:g}"
    longest_s = usual_wait_s + bounds.over_s if bounds.wait_s is None else bounds.wait_s
    if verdict.wait_s > longest_s:
        yield f"an answer after {verdict.wait_s:.2f} s, over {longest_s:.2f}"
    if bounds.back_s is not None and (verdict.back_s is None or verdict.back_s > usual_wait_s + bounds.back_s):
        yield f"answered {verdict.back_s} s after its return, over {usual_wait_s + bounds.back_s:.2f}"
    if verdict.yield_ms is not None and verdict.yield_ms > bounds.yield_ms:
        yield f"silent {verdict.yield_ms:.0f} ms after the interruption, over {bounds.yield_ms:g}"
    if _greeted_s(evidence) > bounds.greeting_s:
        yield f"greeted after {_greeted_s(evidence):.1f} s, over {bounds.greeting_s:g}"


def _greeted_s(evidence: Evidence) -> float:
    """From joining to the greeting, where there is one."""
    owed = evidence.turns[0].owed if evidence.turns else range(0)
    return min((one.start_s for one in evidence.heard if one.marker in owed), default=0.0)


def _wrong_telling(evidence: Evidence, bounds: Bounds, verdict: Verdict) -> Iterable[str]:
    spoken = [(turn.start_s + _OVERLAP_S, turn.end_s) for turn in evidence.turns]
    if any(begin_s < one.at_s < end_s for one in verdict.told for begin_s, end_s in spoken):
        yield "the caller was told something while they spoke"
    if bounds.told_s is not None:
        if not verdict.told:
            yield "the caller was told nothing"
        elif verdict.told[0].silence_s > bounds.told_s:
            yield f"told after {verdict.told[0].silence_s:.1f} s, over {bounds.told_s:g}"
        return
    if bounds.tools_run:
        return
    longest_s = max(verdict.wait_s, verdict.gap_ms / 1000, _greeted_s(evidence))
    if verdict.told and longest_s < _NEVER_TOLD_BEFORE_S:
        yield f"told {len(verdict.told)} times, when nobody had waited for longer than {longest_s:.1f} s"
    if longest_s > bounds.silent_s and not any(one.silence_s <= bounds.told_within_s for one in verdict.told):
        yield f"a silence of {longest_s:.1f} s, and the caller was not told within {bounds.told_within_s:g}"
    early = [round(one.waited_s, 2) for one in verdict.told if one.waited_s < _NEVER_TOLD_BEFORE_S]
    if early:
        yield f"told after {early} s of silence, when nobody had noticed anything yet"
