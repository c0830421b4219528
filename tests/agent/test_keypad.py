"""Keys on a telephone: bursts, their end, their bound."""

from hypothesis import given
from hypothesis import strategies as st

from agent.room.keypad import BURST_S, KEYS, LONGEST_BURST, EarlyKeys, Keypad


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


def test_a_burst_is_under_way_until_it_is_taken() -> None:
    keypad = Keypad()
    before = keypad.is_pressed
    keypad.press("1", 10)
    meanwhile = keypad.is_pressed
    keypad.take(10 + BURST_S)
    assert (before, meanwhile, keypad.is_pressed) == (False, True, False)


def test_of_early_keys_the_callers_since_that_time_are_known() -> None:
    early = EarlyKeys()
    early.press("phone", "1", 9.9)
    early.press("phone", "2", 10)
    early.press("other phone", "3", 10.1)
    early.press("phone", "4", 10.2)
    assert early.since(10, lambda identity: identity == "phone") == [("2", 10), ("4", 10.2)]


def test_of_early_keys_the_newest_are_kept() -> None:
    early = EarlyKeys()
    for at in range(LONGEST_BURST + 5):
        early.press("phone", "1", at)
    assert [at for _, at in early.since(0, lambda _: True)] == list(range(5, LONGEST_BURST + 5))
