"""The table says of each row what its runs were."""

from dataclasses import replace

from tests.e2e.faults.judge import Told, Verdict
from tests.e2e.faults.report import failures, table
from tests.e2e.faults.rows import BY_NUMBER

GOOD = Verdict(40.0, 0.9, None, None, [], [], 0.0, [])


def test_a_line_has_the_median_and_the_worst_of_a_rows_runs() -> None:
    row = BY_NUMBER["5"]
    slow = replace(GOOD, gap_ms=900.0, told=[Told(9.0, 2.6, 2.6)])
    bad = replace(GOOD, gap_ms=2100.0, lost_by_agent=[12, 13], wrong=["a pause of 2100 ms"])
    runs = {("5", "earshot"): [GOOD, slow, bad]}
    line = table([row, BY_NUMBER["1"]], runs).splitlines()[-1]
    assert line.startswith("| 5 | `abrupt_drop_agent_speaking`")
    assert line.endswith("| 2 of 3 | **900** / 2100 | **0.90** / 0.90 | - | 2 | **0.0** / 0.0 | **2.6** / 2.6 (1 of 3) |")
    assert failures([row], runs) == "- 5 abrupt_drop_agent_speaking: a pause of 2100 ms"
