"""Codecs, RTP, digits and concealment: sound comes out whole and at its level, and a digit once."""

import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech import synthesize
from telephony.line import rtp
from telephony.line.codecs import codec
from telephony.line.concealment import Concealer
from telephony.line.dtmf import DIGITS, DigitDetector, Keypad, of_info
from tests.line.sounds import CODECS, rms, sine

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
    heard, received = DigitDetector(), []
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
    digit = DigitDetector().hear(0, payload)
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


@given(st.text(max_size=60) | st.from_regex(r"(?i)\s*signal\s*=\s*\S{1,3}\s*(\r?\nduration=\d+)?", fullmatch=True))
def test_an_info_brings_a_digit_or_nothing(body: str) -> None:
    assert of_info(body) in {None, *DIGITS}
