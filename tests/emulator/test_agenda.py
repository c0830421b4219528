"""The agenda: acts happen in the order of their times, whatever the order of planning, and struck topics don't."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.agenda import Agenda


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc"))), st.sampled_from("abc"))
def test_order_is_by_time_and_struck_topics_are_gone(plans: list[tuple[float, str]], struck: str) -> None:
    agenda = Agenda()
    done: list[tuple[float, str]] = []

    def plan(when: float, topic: str) -> None:
        agenda.at(when, topic, lambda at: done.append((at, topic)))

    for when, topic in plans:
        plan(when, topic)
    assert agenda.cancel(struck) == any(topic == struck for _, topic in plans)
    kept = [plan for plan in plans if plan[1] != struck]
    assert agenda.next_at == min((when for when, _ in kept), default=None)
    agenda.run(50)
    agenda.run(100)
    assert done == sorted(kept, key=lambda plan: plan[0])
    assert agenda.next_at is None


def test_what_an_act_plans_for_now_happens_now() -> None:
    agenda = Agenda()
    done: list[float] = []
    agenda.at(1, "first", lambda at: agenda.at(at, "second", done.append))
    agenda.run(1)
    assert done == [1]
    assert not agenda.holds("second")
