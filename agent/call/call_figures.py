"""The summary of a call, of what its parts have counted. Pure."""

from collections.abc import Mapping
from dataclasses import asdict

from agent.call.call_cost import rounded
from agent.call.endings import FAULTS, Ending
from agent.call.record import CallLosses, CallRecord
from records import CallSummary
from records.summary import latency


def ended(begun: CallSummary, ending: Ending, record: CallRecord, losses: CallLosses, duration_s: float) -> CallSummary:
    """The summary of a call that is over.

    Args:
        begun: Its summary as it was written when it began. A recorded call has the latencies of its sound in it.
        ending: Why it is over.
        record: What was counted in it.
        losses: What was lost in it.
        duration_s: From its beginning to its end.
    """
    usage, cost_usd = record.cost.total
    lost = {name: count for name in ("dropped_chunks", "dropped_events", "dropped_lines") if (count := getattr(losses, name))}
    return begun.model_copy(
        update={
            "duration_s": round(duration_s, 3),
            "ending": ending.name.lower(),
            "is_fault": ending in FAULTS,
            "failure": record.failure or None,
            "turns": record.turns,
            "interrupted_turns": record.interrupted_turns,
            "response_latency": begun.response_latency or latency(record.responses_s),
            "tools": dict(record.tools),
            "failed_tools": record.failed_tools,
            "tokens": _counted(asdict(usage)),
            "cost_usd": rounded(cost_usd) if record.cost.has_prices else None,
            "link": dict(losses.link),
            "lost": lost,
        }
    )


def _counted(tokens: Mapping[str, int | dict[str, int]]) -> dict[str, int | dict[str, int]]:
    return {name: count for name, count in tokens.items() if count}
