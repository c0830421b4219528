"""The jitter buffer and the media around it: sound comes out whole and on time, whatever the network does."""

import itertools
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller.ear import dropouts
from speech import synthesize
from telephony.line import rtp
from telephony.line.call import Tone
from telephony.line.codecs import Samples
from telephony.line.jitter import CHUNK_BYTES, CHUNK_S, JitterBuffer
from telephony.line.media import MOST_PER_S, MOST_UNCONFIRMED, Media, Received
from telephony.line.tones import tone
from tests.line.sounds import CODECS, PEER, REACH, START, choice, rms, sine

# The jitter buffer


class Wire:
    """Packets of 20 ms, delayed and lost by chance, and a phone that plays every 20 ms."""

    def __init__(self, seed: int, *, loss: float = 0.0, jitter_s: float = 0.0, copies: int = 1) -> None:
        self._chance = random.Random(seed)
        self._loss, self._jitter_s, self._copies = loss, jitter_s, copies

    def play(self, media: Media, packets: list[bytes]) -> Samples:
        arrivals = sorted(
            (0.02 * index + self._chance.uniform(0, self._jitter_s), packet)
            for index, packet in enumerate(packets)
            if self._chance.random() >= self._loss
            for _ in range(self._copies)
        )
        heard, waiting = [], iter([*arrivals, (math.inf, b"")])
        at, packet = next(waiting)
        for tick in range(len(packets) + 20):
            now = 0.02 * tick + 0.007
            while at <= now:
                media.receive(packet, PEER, at)
                at, packet = next(waiting)
            heard.append(media.heard(now))
        return np.concatenate(heard)


def packets_of(sound: Samples, name: str) -> list[bytes]:
    media = Media(choice(name), START, REACH)
    media.confirmed()
    size = media.sample_rate_hz // 50
    return [media.speak(sound[index : index + size]) or b"" for index in range(0, len(sound) - size + 1, size)]


SECOND = sine(8000, 440, 1)
PACKETS = packets_of(SECOND, "PCMU")
SENTENCE = "I am speaking over a bad network, and I go on for some time, so that every piece of it has a chance to get lost."


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(("loss", "jitter_s", "copies"), [(0, 0, 1), (0, 0, 3), (0, 0.04, 1), (0.05, 0.04, 1)])
def test_speech_is_whole_over_a_bad_network(name: str, loss: float, jitter_s: float, copies: int) -> None:
    media = Media(choice(name), START, REACH)
    sound = synthesize(SENTENCE, sample_rate_hz=media.sample_rate_hz)
    heard = Wire(3, loss=loss, jitter_s=jitter_s, copies=copies).play(media, packets_of(sound, name))
    assert dropouts(heard, sound, sample_rate_hz=media.sample_rate_hz) == []
    assert rms(heard[heard != 0]) == pytest.approx(rms(sound[sound != 0]), rel=0.15)
    assert media.jitter.counts.late <= 0.05 * 2 * media.jitter.counts.arrived


def test_the_delay_follows_the_network_both_ways() -> None:
    buffer, chance, played = JitterBuffer(), random.Random(1), 0
    delays = []
    arriving: list[tuple[float, int]] = []
    for packet in range(3000):
        jitter_s = 0.08 if 500 <= packet < 1000 else 0.0
        arriving.append((packet * 0.02 + chance.uniform(0, jitter_s), packet))
    arriving.sort()
    for tick in range(2900):
        now = tick * 0.02
        while arriving and arriving[0][0] <= now:
            at, packet = arriving.pop(0)
            buffer.put(packet * 160, bytes(160), at)
        played += sum(buffer.pull(now + part * CHUNK_S, quiet=True).payload is not None for part in range(2))
        delays.append(buffer.delay_s)
    assert delays[400] == pytest.approx(0.04)
    assert 0.08 <= max(delays[600:1000]) <= 0.12
    assert delays[-1] == pytest.approx(0.04)
    assert played > 0.97 * 2 * 2900


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 400), st.floats(0, 1)), max_size=60))
def test_whatever_comes_the_buffer_stays_small_and_gives_whole_chunks(packets: list[tuple[int, int, float]]) -> None:
    buffer, now = JitterBuffer(), 0.0
    for timestamp, size, wait_s in packets:
        now += wait_s
        buffer.put(timestamp, bytes(size), now)
        pulled = buffer.pull(now, quiet=False)
        assert pulled.payload is None or len(pulled.payload) == CHUNK_BYTES
        assert len(buffer) <= 300


def test_sound_that_nobody_pulls_is_not_piled_up_nor_counted_as_missing() -> None:
    """A phone may send while it rings, for minutes."""
    buffer = JitterBuffer()
    for packet in range(3000):
        buffer.put(packet * 160, bytes([packet % 256]) * 160, packet * 0.02)
        assert len(buffer) <= 200
    heard = [buffer.pull(60 + index * CHUNK_S, quiet=False) for index in range(2)]
    assert [pulled.payload is not None for pulled in heard] == [True, True]
    assert len(buffer) <= 10
    for index in range(2, 100):
        buffer.pull(60 + index * CHUNK_S, quiet=False)
    assert buffer.counts.missing == 0


# Media


def test_sound_from_elsewhere_is_not_heard() -> None:
    media = Media(choice(), START, REACH)
    for packet in packets_of(sine(8000, 440, 1), "PCMU"):
        assert media.receive(packet, ("127.0.0.1", 30002), 0.0) is None
        assert media.receive(packet, ("127.0.0.2", 30000), 0.0) is None
    assert media.strangers == 100
    assert rms(media.heard(0.1)) == 0


BEHIND_NAT = choice(peer=("10.1.33.103", 30000))
SYMMETRIC = replace(REACH, symmetric=True)


def test_sound_is_sent_back_to_where_it_comes_from() -> None:
    """The phone describes an address of its own network; its packets show the one of the router."""
    media = Media(BEHIND_NAT, START, SYMMETRIC)
    assert (media.peer, media.speak(SECOND[:160])) == (None, None)
    for index, packet in enumerate(PACKETS):
        assert media.receive(packet, ("127.0.0.1", 41234), 0.02 * index) is not None
    assert rms(media.heard(0.5)) > 0
    assert media.peer == ("127.0.0.1", 41234)
    assert media.speak(SECOND[:160]) is not None


def test_another_port_than_the_described_one_is_followed_too() -> None:
    media = Media(choice(), START, SYMMETRIC)
    assert media.peer == PEER
    media.receive(PACKETS[0], ("127.0.0.1", 41234), 0.0)
    assert media.peer == ("127.0.0.1", 41234)


def test_sound_is_followed_only_to_where_it_may_go_and_only_in_a_pause() -> None:
    media = Media(BEHIND_NAT, START, SYMMETRIC)
    assert media.receive(PACKETS[0], ("198.51.100.7", 41234), 0.0) is None
    assert media.receive(b"garbage of a stranger", ("127.0.0.1", 4), 0.0) is None
    assert media.speak(SECOND[:160]) is None
    media.receive(PACKETS[0], ("127.0.0.1", 41234), 0.1)
    assert media.receive(PACKETS[1], ("127.0.0.1", 5000), 0.2) is None
    assert media.peer == ("127.0.0.1", 41234)
    assert media.receive(PACKETS[2], ("127.0.0.1", 5000), 1.2) is not None
    assert media.peer == ("127.0.0.1", 5000)


def test_without_the_setting_nothing_is_sent_to_where_it_may_not_go() -> None:
    media = Media(BEHIND_NAT, START, REACH)
    assert media.receive(PACKETS[0], ("127.0.0.1", 41234), 0.0) is None
    assert (media.peer, media.strangers) == (None, 1)


def test_a_phone_that_has_shown_nothing_of_itself_is_sent_one_second_of_sound() -> None:
    media = Media(choice(), START, REACH)
    assert sum(media.speak(SECOND[:160]) is not None for _ in range(500)) == MOST_UNCONFIRMED
    media.receive(PACKETS[0], PEER, 10.0)
    assert media.speak(SECOND[:160]) is not None
    acknowledged = Media(choice(), START, REACH)
    acknowledged.confirmed()
    assert all(acknowledged.speak(SECOND[:160]) is not None for _ in range(500))


def test_a_phone_that_floods_is_heard_at_a_bounded_rate() -> None:
    media = Media(choice(), START, REACH)
    for index in range(10_000):
        media.receive(PACKETS[index % 50], PEER, index / 1000)
    assert media.jitter.counts.arrived <= 11 * MOST_PER_S
    assert media.flooded >= 10_000 - 11 * MOST_PER_S
    assert media.receive(PACKETS[0], ("127.0.0.1", 5), 10.0) is None  # a stranger's flood takes nothing from the phone's rate
    assert media.receive(PACKETS[0], PEER, 11.0) is not None


def test_a_digit_that_is_sent_in_both_ways_is_one() -> None:
    event = bytes(rtp.Packet(101, 1, 8000, 7, bytes([5, 0x8A, 0, 160])))
    by_events, by_info = (Media(choice(), START, REACH) for _ in range(2))
    assert by_events.receive(event, PEER, 0.0) == Received("5")
    assert by_events.told("5") is None
    assert by_info.told("5") == "5"
    assert by_info.receive(event, PEER, 0.0) == Received(None)
    assert by_info.told("6") == "6"


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_garbage_from_the_right_address_breaks_nothing(garbage: list[bytes]) -> None:
    media = Media(choice(), START, REACH)
    for data in garbage:
        media.receive(data, PEER, 0.0)
        media.receive(b"\x80\x65" + data, PEER, 0.0)
        media.receive(b"\x80\x00" + data, PEER, 0.0)
    assert len(media.heard(0.1)) == 160


def test_a_phone_that_does_not_listen_is_sent_nothing() -> None:
    media = Media(choice(direction="recvonly"), START, REACH)
    assert media.speak(sine(8000, 440, 0.02)) is None
    media.renegotiated(choice())
    packet = rtp.read(media.speak(sine(8000, 440, 0.02)) or b"")
    assert packet is not None
    assert packet.marker


def test_numbers_of_our_packets_wrap_and_go_on() -> None:
    read = [rtp.read(packet) for packet in packets_of(sine(8000, 440, 0.4), "PCMU")]
    sequences = [packet.sequence for packet in read if packet is not None]
    timestamps = [packet.timestamp for packet in read if packet is not None]
    assert sequences == [*range(65531, 65536), *range(15)]
    assert {(b - a) % (1 << 32) for a, b in itertools.pairwise(timestamps)} == {160}


def test_tones_sound_and_pause() -> None:
    unreachable = tone(Tone.UNREACHABLE, 8000, 0, 8000)
    assert rms(unreachable[:2000]) > 1000
    assert rms(unreachable[2000:4000]) == 0
    assert np.array_equal(tone(Tone.UNREACHABLE, 8000, 3000, 500), unreachable[3000:3500])
