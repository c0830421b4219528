"""The table of a whole run. Pure."""

import re
import statistics
from collections.abc import Mapping, Sequence

from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rows import Row

Runs = Mapping[tuple[str, str], Sequence[Verdict]]
"""By row number and agent."""

_HEAD = (
    "| row | fault | passed | pause in a sentence, ms | wait for an answer, s | after its return, s | lost words "
    "| said twice, s | told after, s | measured |"
)
_RULE = "|---|---|---|---|---|---|---|---|---|---|"
_LINE = re.compile(r"^\| (\w+) \| `.*\|$", re.MULTILINE)


def table(rows: Sequence[Row], runs: Runs, when: str, before: str = "") -> str:
    """Markdown: a line for each row, for the median and the worst of its runs.

    Args:
        rows: In the order of the table.
        runs: What was measured now.
        when: The time and the circumstances of these runs, for the last column.
        before: A table of an earlier time. Its line stands for each row that was not run now.
    """
    earlier = {found[1]: found[0] for found in _LINE.finditer(before)}
    lines = [
        _line(row, runs[row.number, row.agent], when) if (row.number, row.agent) in runs else earlier.get(row.number)
        for row in rows
    ]
    return "\n".join([_HEAD, _RULE, *(line for line in lines if line)])


def failures(rows: Sequence[Row], runs: Runs, before: str = "") -> str:
    """What was wrong, run by run. `before`: the same list of an earlier time, for rows that were not run now."""
    lines = []
    for row in rows:
        if (row.number, row.agent) in runs:
            wrong = [verdict.wrong for verdict in runs[row.number, row.agent] if verdict.wrong]
            lines += [f"- {row.number} {row.name}: {'; '.join(each)}" for each in wrong]
        else:
            lines += [line for line in before.splitlines() if line.startswith(f"- {row.number} {row.name}: ")]
    return "\n".join(lines)


def notes(rows: Sequence[Row], table_of_rows: str) -> str:
    """What a reader of the rows of a table has to know."""
    shown = {found[1] for found in _LINE.finditer(table_of_rows)}
    return "\n".join(f"- {row.number}: {row.note}." for row in rows if row.note and row.number in shown)


def _line(row: Row, verdicts: Sequence[Verdict], when: str) -> str:
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
        when,
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], digits: int) -> str:
    return f"**{statistics.median(values):.{digits}f}** / {max(values):.{digits}f}"
