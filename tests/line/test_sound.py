"""Codecs, RTP, digits, concealment and the jitter buffer: sound comes out whole, on time and at its level."""

import itertools
import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller.ear import dropouts
from speech import synthesize
from telephony.line import rtp
from telephony.line.call import Tone
from telephony.line.codecs import Samples, codec
from telephony.line.concealment import Concealer
from telephony.line.dtmf import DIGITS, Heard, Keypad
from telephony.line.jitter import CHUNK_BYTES, CHUNK_S, JitterBuffer
from telephony.line.media import Media, Start
from telephony.line.offer import Choice
from telephony.line.tones import tone

PEER = ("127.0.0.1", 30000)
CODECS = ("PCMU", "PCMA", "G722")
START = Start(ssrc=7, sequence=65530, timestamp=(1 << 32) - 800)


def choice(name: str = "PCMU", **changed: object) -> Choice:
    number = {"PCMU": 0, "PCMA": 8, "G722": 9}[name]
    values = {
        "codec": name,
        "payload_type": number,
        "dtmf_payload_type": 101,
        "peer": PEER,
        "direction": "sendrecv",
        "section": 0,
    }
    return Choice(**(values | changed))  # type: ignore[arg-type]


def sine(rate_hz: int, hz: float, duration_s: float) -> Samples:
    at = np.arange(round(rate_hz * duration_s)) / rate_hz
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


# Codecs


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_every_g711_code_survives_the_way_there_and_back(name: str) -> None:
    law = codec(name)
    levels = law.decode(bytes(range(256)))
    assert np.array_equal(law.decode(law.encode(levels)), levels)
    assert np.all(np.diff(law.decode(law.encode(np.arange(-32768, 32768).astype(np.int16)))) >= 0)


def test_g711_has_the_levels_of_the_standard() -> None:
    assert codec("PCMU").decode(bytes([0x00, 0x80, 0xFF, 0x7F])).tolist() == [-32124, 32124, 0, 0]
    assert codec("PCMA").decode(bytes([0xD5, 0x55, 0xAA, 0x2A])).tolist() == [8, -8, 32256, -32256]


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_keeps_sound_and_level(name: str) -> None:
    there, back = codec(name), codec(name)
    sound = synthesize("Hello, can you hear me?", sample_rate_hz=there.sample_rate_hz)
    sound = sound[: len(sound) // 320 * 320]
    payload = there.encode(sound)
    assert len(payload) * there.sample_rate_hz == len(sound) * 8000
    heard = back.decode(payload)
    assert rms(heard) == pytest.approx(rms(sound), rel=0.05)
    delay = 22 if name == "G722" else 0  # its filters'
    aligned, spoken = heard[delay:].astype(np.float64), sound[: len(sound) - delay].astype(np.float64)
    noise = math.sqrt(np.mean((aligned - spoken) ** 2))
    assert rms(sound) / noise > 8


# RTP


@given(st.integers(0, 127), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.binary(max_size=400), st.booleans())
def test_an_rtp_packet_is_read_as_it_was_written(
    kind: int, sequence: int, timestamp: int, payload: bytes, marker: bool
) -> None:
    packet = rtp.Packet(kind, sequence, timestamp, 5, payload, marker)
    assert rtp.read(bytes(packet)) == packet


def test_contributors_extension_and_padding_are_skipped() -> None:
    header = bytes([0x80 | 0x20 | 0x10 | 2, 0]) + bytes(10) + bytes(8) + b"\xbe\xde\0\1" + bytes(4)
    read = rtp.read(header + b"sound" + bytes([0, 0, 3]))
    assert read is not None
    assert read.payload == b"sound"


@given(st.binary(max_size=80))
def test_garbage_is_no_packet_or_a_harmless_one(data: bytes) -> None:
    read = rtp.read(data)
    assert read is None or len(read.payload) <= len(data)


# Digits


def pressed(digits: str) -> Iterator[tuple[int, bytes, bool]]:
    keypad = Keypad()
    assert keypad.press(digits)
    for tick in range(len(digits) * 15 + 5):
        event = keypad.tick(tick * 160)
        if event is not None:
            yield event.timestamp, event.payload, event.marker


@given(st.text(DIGITS, max_size=12), st.randoms(use_true_random=False), st.floats(0, 0.6))
def test_what_is_pressed_is_heard_once_whatever_the_network_does(digits: str, chance: random.Random, loss: float) -> None:
    heard, received = Heard(), []
    events: dict[int, list[bytes]] = {}
    for timestamp, payload, _ in pressed(digits):
        events.setdefault(timestamp, []).append(payload)
    for timestamp, payloads in events.items():
        arriving = [payload for payload in payloads if chance.random() >= loss] or payloads[-1:]
        chance.shuffle(arriving)
        received += [heard.hear(timestamp, payload) for payload in arriving * 3]
    assert "".join(digit for digit in received if digit) == digits


def test_a_digit_on_the_wire_is_as_rfc_4733_wants_it() -> None:
    [*events] = pressed("5")
    assert [payload[0] for _, payload, _ in events] == [5] * 10
    assert {timestamp for timestamp, _, _ in events} == {0}
    assert [marker for _, _, marker in events] == [True] + [False] * 9
    assert [bool(payload[1] & 0x80) for _, payload, _ in events] == [False] * 7 + [True] * 3
    assert [int.from_bytes(payload[2:]) for _, payload, _ in events] == [*range(160, 1281, 160), 1280, 1280]


def test_what_is_no_digit_is_not_pressed_and_a_flood_is_refused_whole() -> None:
    keypad = Keypad()
    assert not keypad.press("12x")
    assert keypad.press("1" * 64)
    assert not keypad.press("2")
    assert keypad.tick(0) is not None


@given(st.binary(max_size=8))
def test_garbage_is_no_digit(payload: bytes) -> None:
    digit = Heard().hear(0, payload)
    assert digit is None or digit == DIGITS[payload[0]]


# Concealment


def test_a_lost_piece_of_a_voice_goes_on_as_the_voice_was() -> None:
    rate_hz, concealer = 8000, Concealer(8000)
    sound = sine(rate_hz, 150, 0.3)
    heard = [concealer.heard(sound[index : index + 80]) for index in range(0, 1600, 80)]
    lost = concealer.lost(80)
    assert rms(lost) == pytest.approx(rms(sound), rel=0.2)
    expected = sound[1600:1680].astype(np.float64)
    assert np.sqrt(np.mean((lost - expected) ** 2)) < 0.35 * rms(sound)
    assert rms(np.concatenate(heard)) > 0


def test_what_stays_away_fades_to_silence() -> None:
    concealer = Concealer(16000)
    concealer.heard(sine(16000, 200, 0.1))
    levels = [rms(concealer.lost(160)) for _ in range(8)]
    assert levels[0] > levels[2] > levels[4] > 0
    assert levels[6:] == [0, 0]


def test_the_seam_back_to_real_sound_is_smooth() -> None:
    concealer = Concealer(8000)
    sound = sine(8000, 210, 0.5)
    concealer.heard(sound[:800])
    before = concealer.lost(160)
    after = concealer.heard(sound[1000:1080])
    step = abs(int(after[0]) - int(before[-1]))
    assert step < 2 * np.abs(np.diff(sound.astype(np.int32))).max()


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
    media = Media(choice(name), START)
    size = media.sample_rate_hz // 50
    return [media.speak(sound[index : index + size]) or b"" for index in range(0, len(sound) - size + 1, size)]


SENTENCE = "I am speaking over a bad network, and I go on for some time, so that every piece of it has a chance to get lost."


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(("loss", "jitter_s", "copies"), [(0, 0, 1), (0, 0, 3), (0, 0.04, 1), (0.05, 0.04, 1)])
def test_speech_is_whole_over_a_bad_network(name: str, loss: float, jitter_s: float, copies: int) -> None:
    media = Media(choice(name), START)
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
    media = Media(choice(), START)
    for packet in packets_of(sine(8000, 440, 1), "PCMU"):
        assert media.receive(packet, ("127.0.0.1", 30002), 0.0) is None
        assert media.receive(packet, ("127.0.0.2", 30000), 0.0) is None
    assert media.strangers == 100
    assert rms(media.heard(0.1)) == 0


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_garbage_from_the_right_address_breaks_nothing(garbage: list[bytes]) -> None:
    media = Media(choice(), START)
    for data in garbage:
        media.receive(data, PEER, 0.0)
        media.receive(b"\x80\x65" + data, PEER, 0.0)
        media.receive(b"\x80\x00" + data, PEER, 0.0)
    assert len(media.heard(0.1)) == 160


def test_a_phone_that_does_not_listen_is_sent_nothing() -> None:
    media = Media(choice(direction="recvonly"), START)
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
