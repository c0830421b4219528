"""What waits, what goes again, what is dropped and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.gemini.exchange.outbox import LONGEST_S, MOST_MESSAGES, REPLAY_SPEED, Outbox

CHUNK_S = 0.02


def sent(outbox: Outbox, now: float = 0.0) -> list[bytes]:
    """All that goes out, as fast as it may."""
    payloads = []
    while outbox.next_at is not None:
        now = max(now, outbox.next_at)
        if (item := outbox.take(now)) is not None:
            payloads.append(item.payload)
    return payloads


def filled(*, loud: str) -> Outbox:
    """Each letter is a chunk that went out: `x` loud, `.` quiet."""
    outbox = Outbox(pause_s=0.1)
    for number, kind in enumerate(loud):
        outbox.put_sound(bytes([number % 256]), CHUNK_S, loud=kind == "x", may_send=True)
    return outbox


def test_order_is_kept_between_sound_and_messages() -> None:
    outbox = Outbox(pause_s=1.0)
    outbox.put_sound(b"1", CHUNK_S, loud=True)
    outbox.put_message(b"typed", asks=True)
    outbox.put_sound(b"2", CHUNK_S, loud=True)
    outbox.put_prompt(b"result")
    assert sent(outbox) == [b"result", b"1", b"typed", b"2"]


def test_what_was_not_heard_goes_again_before_what_came_since() -> None:
    outbox = filled(loud="xxx")
    outbox.acknowledge()
    outbox.put_sound(b"a", CHUNK_S, loud=True, may_send=True)
    outbox.put_message(b"typed", asks=True)
    assert outbox.take(0) is not None
    assert outbox.rewind() == pytest.approx(CHUNK_S)
    outbox.put_sound(b"b", CHUNK_S, loud=True)
    assert sent(outbox) == [b"a", b"typed", b"b"]


def test_what_was_just_begun_is_not_taken_for_heard() -> None:
    outbox = filled(loud="x" * 10)
    outbox.acknowledge(but_last_s=3 * CHUNK_S)
    assert outbox.rewind() == pytest.approx(3 * CHUNK_S)


def test_of_silence_only_the_pause_and_the_breath_go_again() -> None:
    outbox = filled(loud="." * 100 + "xx" + "." * 100)
    outbox.rewind()
    numbers = [payload[0] for payload in sent(outbox)]
    assert numbers == list(range(85, 107)), "0.3 s before, the words, 0.1 s after"


def test_a_silence_that_nothing_preceded_needs_no_memory() -> None:
    outbox = Outbox(pause_s=1.0)
    for _ in range(10_000):
        outbox.put_sound(b"", CHUNK_S, loud=False, may_send=True)
    assert outbox.rewind() == 0.0


def test_the_oldest_sound_goes_and_is_counted_and_messages_stay() -> None:
    outbox = Outbox(pause_s=1.0)
    outbox.put_message(b"typed", asks=True)
    for number in range(round(LONGEST_S / CHUNK_S) + 50):
        outbox.put_sound(bytes([number % 256]), CHUNK_S, loud=True)
    assert outbox.lost_s == pytest.approx(1.0, abs=CHUNK_S)
    first, second, *rest = sent(outbox)
    assert first == b"typed"
    assert second == bytes([50])
    assert len(rest) + 1 == pytest.approx(LONGEST_S / CHUNK_S, abs=1)


def test_messages_have_a_bound_too() -> None:
    outbox = Outbox(pause_s=1.0)
    for number in range(MOST_MESSAGES + 1):
        outbox.put_message(str(number).encode(), asks=True)
    assert sent(outbox)[0] == b"1"


def test_messages_go_before_the_ends_of_activities() -> None:
    """Without its end an activity would go on into the next one."""
    outbox = Outbox(pause_s=1.0)
    outbox.put_end()
    for number in range(MOST_MESSAGES):
        outbox.put_message(str(number).encode(), asks=True)
    assert sent(outbox)[:2] == [b"", b"1"]
    ends = Outbox(pause_s=1.0)
    for _ in range(MOST_MESSAGES + 1):
        ends.put_end()
    assert len(sent(ends)) == MOST_MESSAGES, "with nothing else there, the oldest end goes"


def test_a_replay_is_paced() -> None:
    outbox = filled(loud="x" * 200)
    outbox.rewind()
    now = 0.0
    while not outbox.is_empty:
        outbox.take(now)
        now += 0.001
    assert now == pytest.approx(200 * CHUNK_S / REPLAY_SPEED, rel=0.05)


@given(st.lists(st.sampled_from(["loud", "quiet", "message", "send", "understood", "rewind"]), max_size=200))
def test_nothing_loud_and_no_message_is_forgotten_unheard(steps: list[str]) -> None:
    outbox, wanted, arrived, now = Outbox(pause_s=0.1), [], [], 0.0
    for number, step in enumerate(steps):
        payload = number.to_bytes(2, "big")
        if step in {"loud", "quiet"}:
            outbox.put_sound(payload, CHUNK_S, loud=step == "loud")
            wanted += [payload] if step == "loud" else []
        elif step == "message":
            outbox.put_message(payload, asks=True)
            wanted.append(payload)
        elif step == "send":
            now += 1
            if (item := outbox.take(now)) is not None:
                arrived.append(item.payload)
        elif step == "understood":
            outbox.acknowledge()
        else:
            outbox.rewind()
    arrived += sent(outbox, now + 1)
    assert set(wanted) <= set(arrived)
    last_time = [payload for payload in arrived if payload in set(wanted)]
    firsts = list(dict.fromkeys(last_time))
    assert firsts == wanted, "in order"


def test_a_long_silence_takes_no_room_from_the_words_around_it() -> None:
    outbox = Outbox(pause_s=0.5)
    for number in range(50):
        outbox.put_sound(bytes([number]), CHUNK_S, loud=True)
    for _ in range(round(2 * LONGEST_S / CHUNK_S)):
        outbox.put_sound(b"quiet", CHUNK_S, loud=False)
    outbox.put_sound(b"more", CHUNK_S, loud=True)
    payloads = sent(outbox)
    assert payloads[:50] == [bytes([number]) for number in range(50)]
    assert len(payloads) - 51 == pytest.approx((0.5 + 0.3) / CHUNK_S, abs=2), "the pause, and the breath before the word"
    assert payloads[-1] == b"more"
    assert outbox.lost_s == 0.0


def with_ends(letters: str) -> Outbox:
    """Each `x` is a chunk that waits, each `|` the end of an activity."""
    outbox = Outbox(pause_s=1.0)
    for number, letter in enumerate(letters):
        if letter == "|":
            outbox.put_end()
        else:
            outbox.put_sound(bytes([number]), CHUNK_S, loud=True)
    return outbox


def test_an_end_with_sound_right_behind_it_is_left_out() -> None:
    """The sound would interrupt the answer before it has begun: both are one activity."""
    outbox = with_ends("xx|x|")
    outbox.put_message(b"typed", asks=True)
    assert sent(outbox) == [b"\0", b"\1", b"\3", b"", b"typed"]


def test_an_end_keeps_its_place_also_when_it_goes_again() -> None:
    outbox = with_ends("xx|")
    first = [b"\0", b"\1", b""]
    assert sent(outbox) == first
    outbox.rewind()
    assert sent(outbox) == first


def test_held_sound_waits_and_what_is_before_it_does_not() -> None:
    outbox = with_ends("|")
    outbox.hold_sound(5.0)
    item = outbox.take(1.0)
    assert item is not None
    assert item.ends_activity
    outbox.put_sound(b"\1", CHUNK_S, loud=True)
    assert (outbox.next_at, outbox.take(4.9)) == (5.0, None)
    outbox.put_prompt(b"now")
    assert outbox.next_at == 0.0
    assert sent(outbox) == [b"now", b"\1"]


def test_an_open_activity_is_not_understood_before_its_end() -> None:
    """What was written meanwhile is."""
    outbox = with_ends("xx|")
    sent(outbox)
    outbox.put_sound(b"\3", CHUNK_S, loud=True)
    outbox.put_message(b"typed", asks=True, text="typed")
    sent(outbox)
    assert outbox.acknowledge(but_open_activity=True) == "typed"
    outbox.rewind()
    assert sent(outbox) == [b"\3"]


def test_discarded_sound_is_that_of_the_open_activity_alone() -> None:
    outbox = with_ends("x|x")
    outbox.put_message(b"typed", asks=True)
    outbox.put_sound(b"last", CHUNK_S, loud=True)
    outbox.discard_sound()
    assert sent(outbox) == [b"\0", b"", b"typed"]
    assert outbox.lost_s == 0.0
    assert with_ends("xx").holds_voice
    nothing = with_ends("xx")
    nothing.discard_sound()
    assert not nothing.holds_voice
