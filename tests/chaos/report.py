"""The tables of chaos runs, as Markdown. Pure."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tests.chaos.judge import AGENT_OWES, AGENT_SPEAKS, CALLER_SPEAKS, IDLE, Effect
from tests.chaos.kills import KINDS, WHAT
from tests.chaos.run import ChaosResult
from tests.chaos.stock import LISTENS_S
from tests.soak.report import table

_HEAD = (
    "killed",
    "times",
    "calls that it concerned",
    "the agent spoke, or owed an answer",
    "silence from the kill to the voice, s",
    "the next agent in the room after, s",
    "agent's words lost in the kill",
    "caller's words lost in the kill",
)


def report(result: ChaosResult) -> str:
    """What was killed, what it cost, and what became of the calls."""
    effects = [effect for call in result.calls for effect in call.effects]
    rows = [_row(result, kind, [effect for effect in effects if effect.kind == kind]) for kind in KINDS]
    kinds = "\n".join(f"- {kind}: {WHAT[kind]}" for kind in KINDS if kind in result.plan.kinds)
    parts = [table(_HEAD, [row for row in rows if row[1] != "0"]), kinds, table(("", ""), _figures(result))]
    if result.wrong:
        parts.append("What must not be:\n\n" + "\n".join(f"- {each}" for each in result.wrong))
    return "\n\n".join(parts)


def stock_report(silence_s: float | None) -> str:
    """The sentence about LiveKit's own example."""
    heard = f"nothing more in the {LISTENS_S:g} s that it listened" if silence_s is None else f"a voice after {silence_s:.1f} s"
    return f"LiveKit's own example (`bench/stock_agent.py`), its process killed in an answer: the caller heard {heard}."


def _row(result: ChaosResult, kind: str, effects: Sequence[Effect]) -> tuple[str, ...]:
    waited = [effect.silence_s for effect in effects if effect.silence_s is not None]
    back = [effect.back_s for effect in effects if effect.back_s is not None] if kind in {"job", "worker"} else []
    return (
        kind,
        str(sum(kill.kind == kind for kill in result.kills)),
        str(len(effects)),
        str(len(waited)),
        spread_s(waited),
        spread_s(back),
        _words(effects, lambda effect: effect.agents_words),
        _words(effects, lambda effect: effect.callers_words),
    )


def spread_s(values: Sequence[float]) -> str:
    """Median, 95th percentile and worst, in seconds."""
    if not values:
        return "-"
    return f"**{np.median(values):.1f}** / {np.percentile(values, 95):.1f} / {max(values):.1f}"


def _words(effects: Iterable[Effect], of: Callable[[Effect], tuple[int, ...]]) -> str:
    counts = [len(of(effect)) for effect in effects]
    return f"{sum(counts)}, {max(counts)} at most" if sum(counts) else "0"


def _figures(result: ChaosResult) -> list[tuple[str, str]]:
    plan, effects = result.plan, [effect for call in result.calls for effect in call.effects]
    told: dict[str, int] = {}
    for call in result.calls:
        if call.told is not None:
            told[call.told] = told.get(call.told, 0) + 1
    during = [
        f"{sum(effect.during == what for effect in effects)} {what}" for what in (AGENT_SPEAKS, AGENT_OWES, CALLER_SPEAKS, IDLE)
    ]
    return [
        ("workers, callers at once, minutes, seed", f"{plan.workers}, {plan.callers}, {plan.seconds / 60:g}, {plan.seed}"),
        ("leases and checkpoints in", "Redis" if plan.with_redis else "a directory"),
        ("calls", str(len(result.calls))),
        ("what was said at the kills", ", ".join(during)),
        ("words lost otherwise", str(sum(call.lost_otherwise for call in result.calls))),
        ("questions lost in a kill, and so without an answer", str(sum(call.unheard_questions for call in result.calls))),
        ("calls lost without a word", str(sum(call.is_lost for call in result.calls))),
        ("calls that were told why they end", ", ".join(f"{count} {reason}" for reason, count in told.items()) or "0"),
        ("two agents at once", str(sum("two agents" in each for each in result.wrong))),
        ("processes, rooms, keys and files left", "; ".join(result.left_over) or "none"),
    ]
