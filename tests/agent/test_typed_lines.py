"""Lines that were typed: how many, how fast, for how long, by whom."""

from hypothesis import given
from hypothesis import strategies as st

from agent.room.typed_lines import BURST, EVERY_S, KEPT_S, MOST_KEPT, MOST_SENDERS, Rate, TypedLines


def test_lines_come_out_in_the_order_of_their_coming() -> None:
    lines = TypedLines()
    assert not any(lines.add(who, text, now) for now, (who, text) in enumerate([("a", "1"), ("b", "2"), ("a", "3")]))
    assert [(line.identity, line.text) for line in lines.waiting()] == [("a", "1"), ("b", "2"), ("a", "3")]
    lines.remove(lines.waiting()[0])
    assert [line.text for line in lines.waiting()] == ["2", "3"]


def test_a_flood_is_five_lines_and_then_one_every_two_seconds() -> None:
    lines, taken = TypedLines(), 0
    for number in range(60):
        taken += not lines.add("a", "line", number / 10)
        for line in lines.waiting():
            lines.remove(line)
    assert taken == BURST + int(5.9 / EVERY_S)
    assert not lines.add("a", "an honest line", 6.0 + EVERY_S)


def test_a_line_that_nobody_takes_is_given_up() -> None:
    lines = TypedLines()
    lines.add("a", "line", 1.0)
    assert lines.due_at == 1.0 + KEPT_S
    assert lines.expired(1.0 + KEPT_S - 0.01) == []
    assert [line.text for line in lines.expired(1.0 + KEPT_S)] == ["line"]
    assert not lines.waiting()
    assert not lines.due_at


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 3)), max_size=200))
def test_what_is_kept_is_bounded_whoever_types(typed: list[tuple[int, float]]) -> None:
    lines, now = TypedLines(), 0.0
    for sender, pause_s in typed:
        now += pause_s
        lines.add(str(sender), "line", now)
        lines.expired(now)
        waiting = lines.waiting()
        assert len({line.identity for line in waiting}) <= MOST_SENDERS
        assert len(waiting) <= MOST_SENDERS * MOST_KEPT
        assert all(line.until > now for line in waiting)


def test_lines_that_nobody_takes_refuse_the_new_ones() -> None:
    lines, kept = TypedLines(), 0
    for number in range(2 * MOST_KEPT):
        kept += not lines.add("a", str(number), number * EVERY_S)
    assert kept == MOST_KEPT
    assert [line.text for line in lines.waiting()] == [str(number) for number in range(MOST_KEPT)]


def test_the_callers_lines_stay_whoever_else_types() -> None:
    lines = TypedLines()
    lines.add("caller", "line", 0.0, caller="caller")
    for number in range(3 * MOST_SENDERS):
        lines.add(str(number), "line", 1.0, caller="caller")
    assert lines.waiting()[0].identity == "caller"


@given(st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 25), st.floats(0, 1)), max_size=200))
def test_each_line_waits_or_is_accounted_for(steps: list[tuple[str, int, float]]) -> None:
    """A line that was seen waiting may be lost before it is removed: that is no error."""
    lines, now, seen, added, gone = TypedLines(), 0.0, [], 0, 0
    for step, number, pause_s in steps:
        now += pause_s
        if step == "add":
            added += 1
            gone += len(lines.add(str(number), str(added), now, caller="0"))
            seen += lines.waiting()
        elif seen:
            before = len(lines.waiting())
            lines.remove(seen[number % len(seen)])
            gone += before - len(lines.waiting())
    assert added == gone + len(lines.waiting())


@given(st.lists(st.floats(0, 5), max_size=100))
def test_a_rate_holds_over_any_stretch_of_time(pauses_s: list[float]) -> None:
    rate, now, taken = Rate(), 0.0, []
    for pause_s in pauses_s:
        now += pause_s
        if rate.take(now):
            taken.append(now)
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= BURST + (taken[last] - since) / EVERY_S + 1e-6


def test_lines_that_another_process_has_answered_are_forgotten() -> None:
    lines = TypedLines()
    lines.add("a", "answered", 1.0)
    lines.add("a", "not yet", 2.0)
    lines.forget_before(1.5)
    assert [line.text for line in lines.waiting()] == ["not yet"]
