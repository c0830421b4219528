"""Keys on a telephone: bursts, their end, their bound."""

from hypothesis import given
from hypothesis import strategies as st

from agent.room.keypad import BURST_S, KEYS, LONGEST_BURST, Keypad


def test_keys_that_come_together_are_one_turn() -> None:
    keypad = Keypad()
    keypad.press("1", 10)
    keypad.press("2", 10.5)
    assert keypad.take(10.5 + BURST_S - 0.01) == ""
    assert keypad.take(10.5 + BURST_S) == "12"
    assert keypad.due_at is None
    assert keypad.take(99) == ""


def test_a_hash_ends_the_burst() -> None:
    keypad = Keypad()
    keypad.press("4", 1)
    keypad.press("#", 1.2)
    assert keypad.take(1.2) == "4#"


@given(st.lists(st.tuples(st.text(max_size=2) | st.sampled_from(KEYS), st.floats(0, 3)), max_size=80))
def test_no_key_is_lost_or_invented_below_the_bound(presses: list[tuple[str, float]]) -> None:
    keypad, now, taken, burst = Keypad(), 0.0, [], ""
    for key, pause_s in presses:
        now += pause_s
        if got := keypad.take(now):
            taken.append(got)
        keypad.press(key, now)
        burst += key if len(key) == 1 and key in KEYS else ""
    if last := keypad.take(now + BURST_S):
        taken.append(last)
    together = "".join(taken)
    assert all(0 < len(one) <= LONGEST_BURST for one in taken)
    assert together == burst or len(burst) > LONGEST_BURST
    assert keypad.due_at is None
