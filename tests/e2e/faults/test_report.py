"""The table says of each row what its runs were."""

from dataclasses import replace

from tests.e2e.faults.judge import Told, Verdict
from tests.e2e.faults.report import Runs, failures, notes, table
from tests.e2e.faults.rows import BY_NUMBER

GOOD = Verdict(40.0, 0.9, None, None, [], [], 0.0, [])


def test_a_line_has_the_median_and_the_worst_of_a_rows_runs() -> None:
    row = BY_NUMBER["5"]
    slow = replace(GOOD, gap_ms=900.0, told=[Told(9.0, 2.6, 2.6)])
    bad = replace(GOOD, gap_ms=2100.0, lost_by_agent=[12, 13], wrong=["a pause of 2100 ms"])
    runs = {("5", "earshot"): [GOOD, slow, bad]}
    line = table([row, BY_NUMBER["1"]], runs, "today").splitlines()[-1]
    assert line.startswith("| 5 | `abrupt_drop_agent_speaking`")
    assert line.endswith(
        "| 2 of 3 | **900** / 2100 | **0.90** / 0.90 | - | 2 | **0.0** / 0.0 | **2.6** / 2.6 (1 of 3) | today |"
    )
    assert failures([row], runs) == "- 5 abrupt_drop_agent_speaking: a pause of 2100 ms"


def test_rows_that_were_not_run_keep_what_was_measured_before() -> None:
    rows = [BY_NUMBER["4"], BY_NUMBER["5"], BY_NUMBER["26"]]
    bad = replace(GOOD, wrong=["too late"])
    before = {("4", "earshot"): [bad], ("5", "earshot"): [bad]}
    then, was_wrong = table(rows, before, "then"), failures(rows, before)
    now: Runs = {("5", "earshot"): [GOOD], ("26", "earshot"): [GOOD]}
    four, five, twenty_six = table(rows, now, "now", then).splitlines()[2:]
    assert [four.startswith("| 4 |"), four.endswith("| then |")] == [True, True]
    assert [five.startswith("| 5 |"), five.endswith("| now |")] == [True, True]
    assert twenty_six.startswith("| 26 |")
    assert failures(rows, now, was_wrong) == "- 4 abrupt_drop_idle: too late"
    assert notes(rows, then) == "", "row 26 has a note, and wasn't run then"
    assert notes(rows, table(rows, now, "now", then)).startswith("- 26: ")
