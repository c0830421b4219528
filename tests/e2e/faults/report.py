"""The table of a whole run. Pure."""

import statistics
from collections.abc import Mapping, Sequence

from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rows import Row

Runs = Mapping[tuple[str, str], Sequence[Verdict]]
"""By row number and agent."""

_HEAD = (
    "| row | fault | passed | pause in a sentence, ms | wait for an answer, s | after its return, s | lost words "
    "| said twice, s | told after, s |"
)
_RULE = "|---|---|---|---|---|---|---|---|---|"


def table(rows: Sequence[Row], runs: Runs) -> str:
    """Markdown: a line for each row, for the median and the worst of its runs."""
    return "\n".join(
        [_HEAD, _RULE, *(_line(row, runs[row.number, row.agent]) for row in rows if (row.number, row.agent) in runs)]
    )


def failures(rows: Sequence[Row], runs: Runs) -> str:
    """What was wrong, run by run."""
    return "\n".join(
        f"- {row.number} {row.name}: {'; '.join(verdict.wrong)}"
        for row in rows
        for verdict in runs.get((row.number, row.agent), ())
        if not verdict.passed
    )


def notes(rows: Sequence[Row], runs: Runs) -> str:
    """What a reader of some rows has to know."""
    return "\n".join(f"- {row.number}: {row.note}." for row in rows if row.note and (row.number, row.agent) in runs)


def _line(row: Row, verdicts: Sequence[Verdict]) -> str:
    told = [one.told[0].silence_s for one in verdicts if one.told]
    back = [one.back_s for one in verdicts if one.back_s is not None]
    cells = [
        row.number,
        f"`{row.name}`: {row.what}",
        f"{sum(one.passed for one in verdicts)} of {len(verdicts)}",
        _spread([one.gap_ms for one in verdicts], 0),
        _spread([one.wait_s for one in verdicts], 2),
        _spread(back, 1) if back else "-",
        str(sum(one.lost_words for one in verdicts)),
        _spread([one.repeated_s for one in verdicts], 1),
        f"{_spread(told, 1)} ({len(told)} of {len(verdicts)})" if told else "-",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], digits: int) -> str:
    return f"**{statistics.median(values):.{digits}f}** / {max(values):.{digits}f}"
