"""Faults of the model's voice and of its hearing, by what they do to a scripted conversation."""

import itertools

import pytest

from tests.emulator.faulty_talk import PLAYED_S, FaultyTalk, undisturbed
from tests.emulator.talk import LONG, LOUD, QUIET


def test_a_transcript_comes_without_sound_and_without_response_tokens() -> None:
    talk = FaultyTalk("transcript_no_audio")
    talk.typed()
    talk.pass_time(10)
    assert talk.audio_s() == 0
    assert talk.text() == LONG
    [usage] = [message["usageMetadata"] for _, message in talk.sent if "usageMetadata" in message]
    assert "responseTokenCount" not in usage
    assert "promptTokenCount" in usage
    assert undisturbed(talk)


def test_control_text_comes_instead_of_sound() -> None:
    talk = FaultyTalk("control_text")
    talk.typed()
    talk.pass_time(10)
    assert talk.text() == "<ctrl46>"
    assert talk.audio_s() == 0


def test_a_stall_in_mid_sentence() -> None:
    talk = FaultyTalk("mid_stall_7s")
    talk.typed()
    talk.pass_time(20)
    times = talk.times("modelTurn")
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert sorted(gaps)[-2:] == [pytest.approx(0.05), pytest.approx(7.05)]
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.times("turnComplete") == [pytest.approx(times[0] + PLAYED_S + 7)]


def test_sound_that_is_slower_than_it_plays() -> None:
    talk = FaultyTalk("slower_than_realtime:speed=0.5")
    talk.typed()
    talk.pass_time(30)
    times = talk.times("modelTurn")
    assert times[-1] - times[0] == pytest.approx(2 * PLAYED_S, abs=0.5)
    assert talk.times("turnComplete")[0] > times[-1]


def test_sound_in_one_burst() -> None:
    talk = FaultyTalk("burst_audio")
    began = talk.typed()
    talk.pass_time(10)
    assert set(talk.times("modelTurn")) == set(talk.times("generationComplete"))
    assert talk.times("modelTurn")[0] == pytest.approx(began)
    assert talk.times("turnComplete") == [pytest.approx(began + PLAYED_S)]
    assert undisturbed(talk)


def test_sound_after_generation_complete() -> None:
    talk = FaultyTalk("late_audio")
    talk.typed()
    talk.pass_time(10)
    kinds = [key for _, message in talk.sent for key in message.get("serverContent", ())]
    after = kinds[kinds.index("generationComplete") + 1 :]
    assert after.count("modelTurn") == 1
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert undisturbed(talk)


def test_a_deaf_key_hears_nothing_but_reads() -> None:
    talk = FaultyTalk("audio_deaf_key")
    talk.say(bytes(32000))
    assert talk.happened() == 0, "silence wasn't worth hearing"
    talk.spoken()
    assert talk.find("voiceActivity") == []
    assert undisturbed(talk)


def test_a_deaf_vad_hears_the_first_turn_only() -> None:
    talk = FaultyTalk("vad_deaf")
    talk.spoken()
    talk.pass_time(10)
    assert talk.happened() == 0
    talk.spoken()
    talk.pass_time(10)
    assert talk.happened() == 1
    assert len(talk.find("inputTranscription")) == 1


def shown(talk: FaultyTalk) -> set[str]:
    """The parts of the service's work that a spoken and a typed turn bring to light."""
    before = len(talk.sent)
    talk.spoken()
    talk.pass_time(10)
    found = {key for _, message in talk.sent[before:] for key in (*message, *message.get("serverContent", ()))}
    known = {"voiceActivity": "transcript", "inputTranscription": "transcript", "modelTurn": "voice", "toolCall": "voice"}
    return {known[key] for key in found & known.keys()}


def answers_what_is_typed(talk: FaultyTalk) -> bool:
    before = talk.audio_s()
    talk.typed()
    talk.pass_time(10)
    return talk.audio_s() > before


@pytest.mark.parametrize(
    ("keeps", "spoken", "typed"),
    [
        ("sound", set(), False),
        ("text", set(), True),
        ("transcript", {"transcript"}, False),
        ("voice", {"voice"}, True),
    ],
)
@pytest.mark.parametrize(("lasts", "deaf"), [("socket", 1), ("session", 2), ("always", 3)])
def test_a_deaf_service_shows_what_it_keeps_for_as_long_as_it_lasts(
    keeps: str, spoken: set[str], lasts: str, deaf: int, *, typed: bool
) -> None:
    """The second connection resumes the session, the third begins a new one."""
    first = FaultyTalk(f"deaf:keeps={keeps},lasts={lasts}")
    assert answers_what_is_typed(first), "nobody has spoken yet"
    for number in (1, 2, 3):
        talk = first if number == 1 else FaultyTalk(faults=first.faults, resumes=first.memory if number == 2 else None)
        assert shown(talk) == (spoken if number <= deaf else {"transcript", "voice"})
        assert answers_what_is_typed(talk) is (typed if number <= deaf else True)
    assert first.happened() == 1


def test_speech_that_does_not_end() -> None:
    talk = FaultyTalk("no_end_of_speech:seconds=4")
    talk.say(LOUD + QUIET + QUIET)
    assert talk.find("inputTranscription") == []
    talk.say(QUIET)
    assert len(talk.find("inputTranscription")) == 1
