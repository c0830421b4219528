"""Where sound lies in a recording."""

from collections import deque

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.call.sound_placement import ON_ITS_WAY_S, ArrivedSound, HeardSound, PlacedSound

RATE_HZ = 1000
"""One sample a millisecond."""


def samples(first: int, count: int) -> bytes:
    return np.arange(first, first + count, dtype=np.int16).tobytes()


def laid(placed: list[PlacedSound]) -> dict[int, int]:
    """The samples of placed sound by their millisecond."""
    found: dict[int, int] = {}
    for sound in placed:
        for index, value in enumerate(np.frombuffer(sound.pcm, dtype=np.int16).tolist()):
            found[round(sound.start * 1000) + index] = value
    return found


def test_batches_follow_each_other_however_they_arrive() -> None:
    arrived = ArrivedSound(RATE_HZ)
    lateness_s = [0.0, 0.03, -0.02, 0.05, 0.0]
    placed = [arrived.place(samples(200 * index, 200), 1.2 + 0.2 * index + late_s) for index, late_s in enumerate(lateness_s)]
    assert laid([each for each in placed if each]) == {1000 + value: value for value in range(1000)}


def test_a_microphone_that_was_closed_leaves_a_gap() -> None:
    arrived = ArrivedSound(RATE_HZ)
    first, second = arrived.place(samples(0, 200), 1.2), arrived.place(samples(200, 200), 3.2)
    assert [each and each.start for each in (first, second)] == pytest.approx([1.0, 3.0])


def test_sound_from_before_the_connection_ends_when_it_arrives() -> None:
    """It comes all at once, and what follows comes at its pace."""
    arrived = ArrivedSound(RATE_HZ)
    first, second = arrived.place(samples(0, 3000), 5.0), arrived.place(samples(3000, 200), 5.2)
    assert laid([each for each in (first, second) if each]) == {2000 + value: value for value in range(3200)}


def test_sound_never_lies_over_earlier_sound() -> None:
    arrived = ArrivedSound(RATE_HZ)
    arrived.place(samples(0, 200), 1.2)
    burst = arrived.place(samples(0, 3000), 1.4)
    assert burst is not None
    assert burst.start == pytest.approx(1.2)
    assert np.frombuffer(burst.pcm, dtype=np.int16).tolist() == list(range(2800, 3000))
    assert arrived.place(samples(0, 100), 1.3) is None


@given(st.floats(-0.08, 0.08))
def test_a_place_that_is_wrong_all_the_time_is_put_right(offset_s: float) -> None:
    arrived = ArrivedSound(RATE_HZ)
    arrived.place(samples(0, 200), 1.2)
    placed = [arrived.place(samples(0, 200), 1.4 + 0.2 * index + offset_s) for index in range(60)]
    last = placed[-1]
    assert last is not None
    assert last.start + len(last.pcm) / 2 / RATE_HZ == pytest.approx(1.4 + 0.2 * 59 + offset_s, abs=0.021)


@given(st.floats(-0.08, 0.08), st.lists(st.floats(0, 0.05), min_size=60, max_size=60))
def test_in_silence_sound_is_put_where_the_soonest_batch_says(offset_s: float, lateness_s: list[float]) -> None:
    """The first batch came early or late, and each further one somewhat late, but for one in ten."""
    arrived = ArrivedSound(RATE_HZ)
    arrived.place(samples(0, 200), 1.2 + offset_s, is_silent=True)
    for index, late_s in enumerate(lateness_s):
        came = 1.4 + 0.2 * index + (0 if index % 10 == 0 else late_s)
        last = arrived.place(samples(0, 200), came, is_silent=True)
    assert last is not None
    assert last.start + len(last.pcm) / 2 / RATE_HZ == pytest.approx(1.4 + 0.2 * 59, abs=0.004)


def test_speech_is_moved_only_if_its_place_is_far_off() -> None:
    arrived = ArrivedSound(RATE_HZ)
    arrived.place(samples(0, 200), 1.2)
    placed = [arrived.place(samples(0, 200), 1.41 + 0.2 * index) for index in range(30)]
    assert [each and each.start for each in placed] == pytest.approx([1.2 + 0.2 * index for index in range(30)])


def test_an_answer_is_returned_as_it_is_heard_and_ends_where_it_is_cut() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 5000), 10.0)
    assert heard.take(10.0) == []
    heard.started(10.1)
    heard.flushed()
    assert laid(heard.take(10.3)) == {10100 + value: value for value in range(200)}
    assert laid(heard.cut(10.5)) == {10300 + value: 200 + value for value in range(200)}
    assert heard.take(11.0) == []
    assert laid(heard.finished(0.42)) == {10500 + value: 400 + value for value in range(20)}
    assert heard.take(20.0) == []


def test_an_answer_that_ran_dry_has_a_pause() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 300), 1.0)
    heard.started(1.0)
    heard.captured(samples(300, 300), 2.0)
    heard.flushed()
    placed = laid(heard.take(2.1)) | laid(heard.finished(0.6))
    assert placed == {1000 + value: value for value in range(300)} | {2000 + value: 300 + value for value in range(300)}


def test_the_next_answer_waits_for_its_own_beginning() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 100), 1.0)
    heard.started(1.0)
    heard.flushed()
    heard.captured(samples(500, 100), 1.05)
    assert laid(heard.finished(0.1)) == {1000 + value: value for value in range(100)}
    heard.started(1.2)
    assert laid(heard.take(2.0)) == {1200 + value: 500 + value for value in range(100)}


@given(st.lists(st.tuples(st.floats(0.01, 0.5), st.integers(1, 400)), min_size=1, max_size=20))
def test_whatever_is_captured_is_returned_once_and_in_order(steps: list[tuple[float, int]]) -> None:
    heard, now, count, found = HeardSound(RATE_HZ), 1.0, 0, []
    for index, (pause_s, length) in enumerate(steps):
        heard.captured(samples(count, length), now)
        count += length
        if index == 0:
            heard.started(now)
        now += pause_s
        found += heard.take(now)
    heard.flushed()
    found += heard.finished(count / RATE_HZ)
    assert np.frombuffer(b"".join(each.pcm for each in found), dtype=np.int16).tolist() == list(range(count))
    starts = [each.start for each in found]
    assert starts == sorted(starts)


class RoomOutput:
    """Plays a sample a millisecond, as LiveKit's room output does (docs/facts.md L480), and keeps what was heard when."""

    FRAME, QUEUE, BEGAN_MS = 50, round(1000 * ON_ITS_WAY_S), 1000

    def __init__(self, told: HeardSound) -> None:
        self.heard: dict[int, int] = {}
        self.told: list[PlacedSound] = []
        self._sound, self._now = told, self.BEGAN_MS
        self._is_paused = self._has_stopped = self._has_begun = False
        self._waiting: list[int] = []
        self._queue: deque[int] = deque(maxlen=self.QUEUE + self.FRAME)
        self._pushed = 0

    def captured(self, values: range) -> None:
        self._waiting += values
        self._fill()

    def pause(self, *, is_paused: bool) -> None:
        self._is_paused, self._has_stopped = is_paused, False
        (self._sound.pauses if is_paused else self._sound.goes_on)(self._now / 1000)

    def passes(self, duration_ms: int) -> None:
        for _ in range(duration_ms):
            self._fill()
            if self._queue:
                self.heard[self._now] = self._queue.popleft()
            self._now += 1

    def _fill(self) -> None:
        while self._waiting and len(self._queue) < self.QUEUE and not self._has_stopped:
            self._forward()

    def _forward(self) -> None:
        if self._is_paused and self._has_begun:
            self.told += self._sound.played((self._pushed - len(self._queue)) / RATE_HZ)
            self._queue.clear()
        if self._is_paused:
            self._has_stopped = True
            return
        if not self._has_begun:
            self._sound.started(self._now / 1000)
            self._has_begun = True
        frame, self._waiting = self._waiting[: self.FRAME], self._waiting[self.FRAME :]
        self._queue += frame
        self._pushed += len(frame)


@given(st.lists(st.tuples(st.integers(1, 500), st.booleans()), max_size=8), st.integers(0, 8))
@example([(699, False), (5, True), (5, True)], 3)
def test_pauses_lie_where_they_were_heard(steps: list[tuple[int, bool]], more_at: int) -> None:
    """Whenever the output is told to pause, and however long: the sound on its way is lost, the rest comes later."""
    sound = HeardSound(RATE_HZ)
    output, now = RoomOutput(sound), RoomOutput.BEGAN_MS
    found = output.told
    for index, (length_ms, pauses) in enumerate([(1, False), *steps, (1500, False)]):
        if index in {0, more_at}:
            values = range(700 * bool(index), 700 * (1 + bool(index)))
            sound.captured(samples(values.start, len(values)), now / 1000)
            output.captured(values)
        output.pause(is_paused=pauses)
        for part in (length_ms // 2, length_ms - length_ms // 2):
            output.passes(part)
            now += part
            found += sound.take(now / 1000)
    places = laid(found)
    assert [*places.values()] == sorted(set(places.values())), "each once, in order"
    placed_at = {value: at for at, value in places.items()}
    heard_at = {value: at for at, value in output.heard.items()}
    both = heard_at.keys() & placed_at.keys()
    assert max(abs(placed_at[value] - heard_at[value]) for value in both) <= 2
    assert len(heard_at.keys() ^ placed_at.keys()) <= 2 * len(steps), "all that was heard, and nothing else"


def test_an_answer_that_pauses_ends_after_all_that_was_not_lost() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 2000), 10.0)
    heard.flushed()
    heard.started(10.0)
    heard.pauses(10.5)
    assert laid(heard.take(10.52)) == {10000 + value: value for value in range(500)}
    assert laid(heard.played(0.53)) == {10500 + value: 500 + value for value in range(30)}
    assert heard.take(14.0) == []
    heard.goes_on(15.0)
    assert laid(heard.finished(1.8)) == {15000 + value: 730 + value for value in range(1270)}


def test_an_answer_whose_rest_is_on_its_way_does_not_wait() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 600), 10.0)
    heard.flushed()
    heard.started(10.0)
    heard.pauses(10.5)
    assert laid(heard.take(10.7)) == {10000 + value: value for value in range(500)}
    assert laid(heard.played(0.6)) == {10500 + value: 500 + value for value in range(100)}
    assert heard.finished(0.6) == []
    heard.captured(samples(600, 100), 11.0)
    heard.goes_on(12.0)
    heard.started(12.0)
    assert laid(heard.take(13.0)) == {12000 + value: 600 + value for value in range(100)}


def test_what_is_cut_off_in_a_pause_is_heard_until_the_pause() -> None:
    heard = HeardSound(RATE_HZ)
    heard.captured(samples(0, 2000), 10.0)
    heard.started(10.0)
    heard.pauses(10.5)
    placed = heard.played(0.52) + heard.cut(11.0)
    heard.goes_on(11.0)
    placed += heard.take(11.1) + heard.finished(0.52)
    assert laid(placed) == {10000 + value: value for value in range(520)}
