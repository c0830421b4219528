"""What a row finds in the log, the metrics and the spans of its workers."""

import pytest

from tests.e2e.faults.private import COLLECTORS_KEY, GOOGLE_KEY, TOLD, TOLD_NUMBER, Shown, private_texts
from tests.e2e.faults.sentences import FIRST, words


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"the caller said: hello, {TOLD}", "a number that the caller told in the log"),
        ("heard 'question 2'", "words of the caller in the log"),
        (f"cut off after {words(FIRST)}", "words of the agent in the log"),
        (f"GET /v1beta?key={GOOGLE_KEY}", "a key in the log"),
    ],
)
def test_private_text_in_a_line_is_named(line: str, what: str) -> None:
    assert any(found.startswith(what) for found in private_texts(Shown(["call started", line])))


def test_metrics_and_spans_are_looked_at_as_well() -> None:
    found = private_texts(Shown([], [f'earshot_tool_total{{tool="{TOLD_NUMBER}"}} 1'], [f"x-key={COLLECTORS_KEY}"]))
    assert [each.partition(":")[0] for each in found] == ["a number that the caller told in the metrics", "a key in the spans"]


def test_what_an_operator_is_to_see_is_not_private() -> None:
    lines = [
        "call ended: the caller left, room fault-3-a1b2c3, 40 m of cable, metric m1",
        '{"turns": 2, "code.line.number": 24}',
    ]
    assert private_texts(Shown(lines, ["earshot_calls 1"], ["invoke_agent assistant"])) == []
