"""What each model generation does differently on the wire, in the recorded order."""

import base64
import dataclasses
import itertools
import re
from typing import Any

import numpy as np
import pytest

from emulator import closes, messages
from emulator.answers import Call, Rule, SayBack, WebPage
from emulator.profile import ConnectionProfile, Profile
from emulator.profile_table import table
from emulator.profiles import (
    GEMINI_2_5_NATIVE,
    GEMINI_3_1_FLASH_LIVE,
    GEMINI_3_8_LIVE,
    GEMINI_3_8_LIVE_ET,
    PROFILES,
    VERTEX_2_5_NATIVE,
    VERTEX_3_8_LIVE,
    profile_of,
)
from emulator.script import Script
from tests.emulator.talk import LOUD, QUIET, Talk

SCRIPT = Script(
    turns=(Rule(hears="What time is it?", calls=(Call("clock"),), says="It is {clock}."),),
    otherwise=Rule("Here is what I think about that.", thinks="**Plan**\n\nI will say it.", searches="what to think"),
)
ALL = list(PROFILES.values())


def kinds(talk: Talk) -> list[str]:
    """What was sent, each message by its one telling field, repetitions as one."""
    told: list[str] = []
    for _, message in talk.sent:
        kind = _kind(message)
        if not told or told[-1] != kind:
            told.append(kind)
    return told


def _kind(message: dict[str, Any]) -> str:
    content = message.get("serverContent")
    if content is None:
        return next(iter(message), "{}")
    names = "+".join(sorted(set(content) - {"groundingMetadata", "interactionStatus"}))
    if "modelTurn" in content:
        part = content["modelTurn"]["parts"][0]
        names = names.replace("modelTurn", "thought" if part.get("thought") else next(iter(part)))
    return names or "empty"


@pytest.mark.parametrize(
    ("profile", "order"),
    [
        (GEMINI_3_8_LIVE, ["{}", "empty", "inlineData+outputTranscription"]),
        (GEMINI_3_1_FLASH_LIVE, ["empty", "inlineData+outputTranscription"]),
        (GEMINI_2_5_NATIVE, ["thought", "outputTranscription", "inlineData"]),
        (VERTEX_2_5_NATIVE, ["outputTranscription", "inlineData"]),
    ],
)
def test_a_typed_turn_in_the_recorded_order(profile: Profile, order: list[str]) -> None:
    talk = Talk(SCRIPT, profile=profile)
    talk.sent.clear()
    talk.type("x")
    talk.pass_time(10)
    told = [kind for kind in kinds(talk) if kind != "sessionResumptionUpdate"]
    told = told[: told.index("generationComplete") + 2]
    without_keepalives = [kind for kind in told[1:] if kind != "{}"] if profile.speaking.keepalives else told[1:]
    assert [told[0], *without_keepalives][: len(order)] == order
    assert told[-2:] == ["generationComplete", "turnComplete"]
    if profile.speaking.order == "words_first":
        assert told == ["outputTranscription", "inlineData", "generationComplete", "turnComplete"]
        [first, *_, last] = [body for _, body in talk.find("outputTranscription")]
        assert (first, last) == ({}, {"finished": True})


def test_the_callers_words_come_in_pieces_or_as_a_sentence() -> None:
    for profile, texts in ((GEMINI_2_5_NATIVE, [" What", " time", " is", " it?"]), (GEMINI_3_8_LIVE, ["What time is it?"])):
        talk = Talk(SCRIPT, profile=profile)
        talk.say(LOUD + QUIET)
        assert [each["text"] for _, each in talk.find("inputTranscription")] == texts


@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.model)
def test_only_those_known_for_it_tell_of_voice_activity(profile: Profile) -> None:
    talk = Talk(SCRIPT, profile=profile)
    talk.say(LOUD + QUIET)
    assert bool(talk.find("voiceActivity")) == profile.hearing.voice_activity


@pytest.mark.parametrize(
    ("profile", "prefix", "completions"),
    [(GEMINI_2_5_NATIVE, "function-call-", 1), (GEMINI_3_1_FLASH_LIVE, "fc_", 1), (VERTEX_2_5_NATIVE, "", 2)],
)
def test_a_blocking_tool_round(profile: Profile, prefix: str, completions: int) -> None:
    talk = Talk(SCRIPT, tools={"clock": None}, profile=profile)
    talk.say(LOUD + QUIET)
    talk.pass_time(1)
    [(_, call)] = talk.find("toolCall")
    assert call["functionCalls"][0]["id"].startswith(prefix)
    assert talk.find("turnComplete") == []
    talk.answer_calls()
    talk.pass_time(6)
    assert talk.text().strip() == "It is noon."
    assert len(talk.times("turnComplete")) == completions


@pytest.mark.parametrize(("profile", "told"), [(GEMINI_2_5_NATIVE, True), (GEMINI_3_8_LIVE, False)])
def test_a_call_that_the_caller_talks_over_is_cancelled_aloud_or_in_silence(profile: Profile, told: bool) -> None:
    talk = Talk(SCRIPT, tools={"clock": "BLOCKING"}, profile=profile)
    talk.say(LOUD + QUIET)
    talk.pass_time(1)
    [(_, call)] = talk.find("toolCall")
    talk.type("something else")
    talk.pass_time(1)
    assert [ids for _, ids in talk.find("toolCallCancellation")] == (
        [{"ids": [call["functionCalls"][0]["id"]]}] if told else []
    )
    if told:
        [interrupted], [cancelled], [complete, *_] = (
            talk.times(name) for name in ("interrupted", "toolCallCancellation", "turnComplete")
        )
        assert interrupted <= cancelled < complete


def test_what_is_said_while_a_call_runs_belongs_to_its_turn() -> None:
    script = Script((Rule(hears="x", calls=(Call("clock"),), says="It is {clock}.", meanwhile="One moment."),))
    talk = Talk(script, tools={"clock": "NON_BLOCKING"}, profile=GEMINI_2_5_NATIVE)
    talk.say(LOUD + QUIET)
    talk.pass_time(1)
    assert talk.text() == "One moment."
    talk.answer_calls(scheduling="INTERRUPT")
    talk.pass_time(6)
    assert talk.text() == "One moment.It is noon."
    assert len(talk.times("turnComplete")) == 2


def test_a_search_shows_as_grounding_and_on_some_models_as_code() -> None:
    for profile in (GEMINI_3_8_LIVE, GEMINI_2_5_NATIVE):
        talk = Talk(SCRIPT, profile=profile, searches=True)
        talk.type("x")
        talk.pass_time(10)
        [(_, grounding)] = talk.find("groundingMetadata")
        assert grounding["webSearchQueries"] == ["what to think"]
        assert ("executableCode" in kinds(talk)) == (profile is GEMINI_2_5_NATIVE)
    talk = Talk(SCRIPT)
    talk.type("x")
    talk.pass_time(10)
    assert talk.find("groundingMetadata") == [], "the setup doesn't declare it"


def test_a_search_finds_the_pages_of_its_rule() -> None:
    pages = (WebPage("https://a.example/", "A"), WebPage("https://b.example/", "B"))
    talk = Talk(Script(otherwise=Rule("So they say.", searches="a or b", pages=pages)), searches=True)
    talk.type("x")
    talk.pass_time(10)
    [(_, grounding)] = talk.find("groundingMetadata")
    assert [chunk["web"]["uri"] for chunk in grounding["groundingChunks"]] == ["https://a.example/", "https://b.example/"]
    assert grounding["groundingSupports"][0]["groundingChunkIndices"] == [0, 1]


def test_a_turn_tells_the_reason_of_its_end_once() -> None:
    talk = Talk(Script(typed=(Rule("I", matches=re.compile("first"), complete_reason="RESPONSE_REJECTED"),)))
    for text in ("first", "second"):
        talk.type(text)
        talk.pass_time(10)
    assert len(talk.times("turnComplete")) == 2
    assert [reason for _, reason in talk.find("turnCompleteReason")] == ["RESPONSE_REJECTED"]


def test_thoughts_come_always_or_when_asked_for() -> None:
    for profile, asks, shown in (
        (GEMINI_2_5_NATIVE, False, True),
        (GEMINI_3_8_LIVE, True, False),
        (GEMINI_3_8_LIVE_ET, False, False),
        (GEMINI_3_8_LIVE_ET, True, True),
    ):
        talk = Talk(SCRIPT, profile=profile, include_thoughts=asks)
        talk.type("x")
        talk.pass_time(10)
        assert ("thought" in kinds(talk)) == shown, profile.model


def test_extended_thinking_tells_when_it_is_idle() -> None:
    talk = Talk(SCRIPT, profile=GEMINI_3_8_LIVE_ET)
    talk.type("x")
    talk.pass_time(10)
    assert [status for _, status in talk.find("interactionStatus")] == ["IDLE"]


def test_usage_has_the_platforms_names() -> None:
    talk = Talk(SCRIPT, profile=VERTEX_2_5_NATIVE)
    talk.type("x")
    talk.pass_time(10)
    [usage] = [message["usageMetadata"] for _, message in talk.sent if "usageMetadata" in message]
    assert {"candidatesTokenCount", "candidatesTokensDetails"} <= set(usage)
    assert usage["promptTokensDetails"][1] == {"modality": "AUDIO"}, "a zero is left out"


@pytest.mark.parametrize(
    ("profile", "asks", "handles"),
    [
        (GEMINI_3_8_LIVE, False, 1),
        (GEMINI_2_5_NATIVE, False, 0),
        (GEMINI_2_5_NATIVE, True, 2),
        (GEMINI_3_1_FLASH_LIVE, False, 4),
        (VERTEX_3_8_LIVE, True, 1),
        (VERTEX_3_8_LIVE, False, 1),
    ],
)
def test_handles_come_as_known_for_the_model(profile: Profile, asks: bool, handles: int) -> None:
    talk = Talk(SCRIPT, profile=profile, resumable=asks)
    talk.type("x")
    for _ in range(5):
        talk.say(bytes(640 * 40))
    assert len(talk.find("sessionResumptionUpdate")) == pytest.approx(
        handles, abs=1 if profile.connection.handles == "often" else 0
    )


def test_a_lone_dot_is_an_empty_turn_on_newer_models() -> None:
    talk = Talk(SCRIPT)
    talk.type(".")
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    assert len(talk.times("turnComplete")) == 1
    old = Talk(SCRIPT, profile=GEMINI_2_5_NATIVE)
    old.send(messages.ClientContent(".", turn_complete=True, all_text="Greet the caller.\n."))
    old.pass_time(5)
    assert old.find("modelTurn")


@pytest.mark.parametrize(
    "message",
    [
        messages.ClientContent("x", turn_complete=True, all_text="x", roleless=True),
        messages.MediaChunks(messages.Audio(LOUD, 16000)),
    ],
)
def test_what_only_the_old_generation_takes(message: messages.ClientMessage) -> None:
    for profile, close in ((GEMINI_2_5_NATIVE, None), (GEMINI_3_8_LIVE, closes.INVALID_ARGUMENT)):
        talk = Talk(SCRIPT, profile=profile)
        talk.send(message)
        assert talk.conversation.close == close


def test_a_session_without_compression_ends_with_its_window() -> None:
    small = dataclasses.replace(GEMINI_3_8_LIVE, connection=ConnectionProfile(context_tokens=700))
    talk = Talk(SCRIPT, profile=small)
    for _ in range(8):
        talk.type("x" * 80)
        talk.pass_time(10)
    assert talk.conversation.close == closes.INVALID_ARGUMENT


def test_compression_is_silent_and_shows_as_fewer_tokens() -> None:
    small = dataclasses.replace(GEMINI_3_8_LIVE, connection=ConnectionProfile(context_tokens=1000))
    talk = Talk(SCRIPT, profile=small, compression=messages.Compression(700, 600))
    for _ in range(8):
        talk.type("x" * 80)
        talk.pass_time(10)
    counts = [message["usageMetadata"]["promptTokenCount"] for _, message in talk.sent if "usageMetadata" in message]
    assert talk.conversation.close is None
    assert any(later < earlier for earlier, later in itertools.pairwise(counts))
    assert max(counts) < 1000


def test_the_callers_own_sound_is_said_back() -> None:
    talk = Talk(SayBack())
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert talk.audio_s() == pytest.approx(1.0, abs=0.1)
    parts = [part for _, turn in talk.find("modelTurn") for part in turn["parts"]]
    heard = np.frombuffer(b"".join(base64.b64decode(part["inlineData"]["data"]) for part in parts), dtype=np.int16)
    spectrum = np.abs(np.fft.rfft(heard.astype(float)))
    tone_hz = 0.3 / (2 * np.pi) * 16000
    assert np.argmax(spectrum) * 24000 / len(heard) == pytest.approx(tone_hz, rel=0.02)


def test_the_table_says_where_every_value_is_from() -> None:
    shown = table()
    for profile in ALL:
        assert profile.name in shown
        for value in profile.values():
            assert value.known in {"recorded", "documented", "reported", "guessed"}
    assert {value.name: value.known for value in GEMINI_3_8_LIVE_ET.values()}["think_s"] == "guessed"
    assert "guessed" in shown


def test_vertex_has_profiles_of_its_own() -> None:
    """A model that one API alone is known to have is served by the other as well: as that one has it."""
    assert profile_of("gemini-3.8-live", vertex=False) is GEMINI_3_8_LIVE
    assert profile_of("gemini-3.8-live", vertex=True) is VERTEX_3_8_LIVE
    assert profile_of("gemini-live-2.5-flash-native-audio", vertex=False) is VERTEX_2_5_NATIVE
    assert profile_of("gemini-3.1-flash-live-preview", vertex=True) is GEMINI_3_1_FLASH_LIVE
    assert profile_of("gemini-9-live", vertex=True) is None


def test_vertex_hears_with_low_sensitivity_unless_told() -> None:
    """A voice that is quiet is heard on the Gemini API, and on Vertex if the setup asks for it."""
    quiet = (np.frombuffer(LOUD, dtype=np.int16) // 8).tobytes()
    unset = messages.ActivityDetection()
    high = messages.ActivityDetection(start_of_speech_sensitivity="START_SENSITIVITY_HIGH")
    for profile, vad, heard in ((GEMINI_3_8_LIVE, unset, 1), (VERTEX_3_8_LIVE, unset, 0), (VERTEX_3_8_LIVE, high, 1)):
        talk = Talk(SCRIPT, profile=profile, vad=vad)
        talk.say(quiet + QUIET)
        assert len(talk.find("inputTranscription")) == heard, profile.name


def test_a_session_of_vertex_says_its_id() -> None:
    [(_, complete)] = [
        (at, message) for at, message in Talk(SCRIPT, profile=VERTEX_3_8_LIVE).sent if "setupComplete" in message
    ]
    assert complete["setupComplete"]["sessionId"]
