"""Client messages: both casings, both alphabets, and the service's close for what it doesn't take."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import messages, protos, wire
from emulator.closes import Close, unknown_model
from emulator.errors import RefusedError

API = protos.gemini("v1beta")


def read(frame: object) -> messages.ClientMessage:
    """The message that a frame holds; what isn't a frame yet is written as JSON."""
    return wire.read(wire.load(frame if isinstance(frame, str | bytes) else json.dumps(frame), API))


LIVEKIT_SETUP = {
    "setup": {
        "model": "models/gemini-3.8-live",
        "generationConfig": {
            "candidate_count": 1,
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}}},
        },
        "systemInstruction": {"parts": [{"text": "..."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "book", "behavior": "NON_BLOCKING", "parameters": {"type": "OBJECT", "property_ordering": ["a"]}}
                ]
            }
        ],
        "sessionResumption": {},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "realtimeInputConfig": {"automaticActivityDetection": {"silence_duration_ms": 300}},
    }
}


def test_the_setup_that_livekit_sends_is_understood() -> None:
    """Casing is mixed as captured from the plugin."""
    setup = read(LIVEKIT_SETUP)
    assert isinstance(setup, messages.Setup)
    assert (setup.model, setup.voice, setup.modalities) == ("models/gemini-3.8-live", "Puck", ("AUDIO",))
    assert setup.tools["book"].behavior == "NON_BLOCKING"
    assert setup.tools["book"].schema["type"] == "OBJECT"
    assert setup.instructions == "..."
    assert setup.vad.silence_duration_ms == 300
    assert setup.input_transcription
    assert setup.output_transcription
    assert setup.handle is None


@pytest.mark.parametrize("key", ["parameters", "parametersJsonSchema", "parameters_json_schema"])
def test_a_tools_schema_is_found_under_each_of_its_names(key: str) -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    declared = [{"functionDeclarations": [{"name": "roll", key: schema}]}]
    setup = read({"setup": {"model": "m", "tools": declared}})
    assert isinstance(setup, messages.Setup)
    assert setup.tools["roll"].schema == schema


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
@pytest.mark.parametrize("keys", [("realtime_input", "mime_type"), ("realtimeInput", "mimeType")])
def test_audio_comes_in_both_alphabets_and_casings(encode: object, padding: str, keys: tuple[str, str]) -> None:
    pcm = bytes([0xFF, 0xEF, 0xFB, 0x3F])
    data = encode(pcm).decode().rstrip("=") + padding * 2  # type: ignore[operator]
    message = read({keys[0]: {"audio": {"data": data, keys[1]: "audio/pcm;rate=24000"}}})
    assert message == messages.Audio(pcm, 24000)


def test_audio_without_a_rate_is_16_khz() -> None:
    message = read('{"realtimeInput": {"audio": {"data": "AAA=", "mimeType": "audio/pcm"}}}')
    assert message == messages.Audio(b"\0\0", 16000)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"client_content": {"turn_complete": True}}, messages.ClientContent("", turn_complete=True)),
        (
            {
                "clientContent": {
                    "turns": [
                        {"role": "user", "parts": [{"text": "a"}, {"inlineData": {}}]},
                        {"role": "model", "parts": [{"text": "b"}]},
                        {"role": "user", "parts": [{"text": "c"}]},
                    ]
                }
            },
            messages.ClientContent("a\nc", turn_complete=False, all_text="a\nb\nc"),
        ),
        (
            {"clientContent": {"turns": [{"parts": [{"text": "a"}]}]}},
            messages.ClientContent("a", turn_complete=False, all_text="a", roleless=True),
        ),
        ({"realtime_input": {"text": "hi"}}, messages.Text("hi")),
        ({"realtimeInput": {"audioStreamEnd": True}}, messages.AudioStreamEnd()),
        ({"realtimeInput": {"text": "hi", "audioStreamEnd": False}}, messages.Text("hi")),
        ({"realtimeInput": {"audioStreamEnd": "false", "activityEnd": {}}}, messages.ActivityEnd()),
        ({"realtimeInput": {"activityStart": {}}}, messages.ActivityStart()),
        ({"realtimeInput": {"activityEnd": {}}}, messages.ActivityEnd()),
        ({"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/jpeg"}}}, messages.Video(bytes(3))),
        ({"contextUpdate": {"tools": {"tools": []}}}, messages.ContextUpdate({})),
        ({"contextUpdate": {"systemInstruction": {"parts": [{"text": "New."}]}}}, messages.ContextUpdate(None, "New.")),
        (
            {"realtimeInput": {"mediaChunks": [{"data": "AAA=", "mimeType": "audio/pcm"}, {"data": "AA"}]}},
            messages.MediaChunks(messages.Audio(b"\0\0", 16000)),
        ),
        ({"realtimeInput": {"mediaChunks": []}}, messages.MediaChunks(None)),
    ],
)
def test_messages_are_understood(frame: dict[str, object], message: object) -> None:
    assert read(frame) == message


def test_scheduling_is_taken_from_the_field_or_from_inside_the_response() -> None:
    responses = [
        {"id": "1", "name": "a", "response": {"output": "x"}, "scheduling": "SILENT", "will_continue": True},
        {"id": "2", "name": "b", "response": {"scheduling": "INTERRUPT"}},
    ]
    message = read({"tool_response": {"function_responses": responses}})
    assert isinstance(message, messages.ToolResponse)
    assert [(each.scheduling, each.will_continue) for each in message.responses] == [("SILENT", True), ("INTERRUPT", False)]


INVALID = "Request contains an invalid argument."


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({}, INVALID),
        ({"setup": {}}, INVALID),
        ({"setup": None}, INVALID),
        ({"setup": {"model": ""}}, INVALID),
        ({"clientContent": {"turns": [{"role": "system", "parts": []}]}}, INVALID),
        ({"realtimeInput": {}}, INVALID),
        ({"realtimeInput": {"audioStreamEnd": False}}, INVALID),
        ({"realtimeInput": {"text": "a", "activityEnd": {}}}, INVALID),
        ({"realtimeInput": {"text": "a", "audioStreamEnd": True}}, INVALID),
        ({"realtimeInput": {"audio": {"data": "AA", "mimeType": "audio/mp3"}}}, INVALID),
        ({"realtimeInput": {"audio": {"data": "AA", "mimeType": "audio/pcm;rate=7"}}}, INVALID),
        (
            {"setup": {"model": "m"}, "clientContent": {}},
            "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set 'clientContent'",
        ),
        (
            {"contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{"name": "1st"}]}]}}},
            "* BidiGenerateContentRequest.context_update.tools.tools[0].function_declarations[0].name: Invalid function",
        ),
    ],
)
def test_what_the_service_refuses_has_its_close(frame: object, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read(frame)
    assert caught.value.close.code == 1007
    assert caught.value.close.reason.startswith(reason)


def test_a_null_beside_the_one_field_is_a_field_that_is_not_set() -> None:
    assert read({"realtimeInput": {"text": "hi", "audio": None, "video": None}, "setup": None}) == messages.Text("hi")
    setup = read({"setup": {"model": "m", "systemInstruction": None, "sessionResumption": {"handle": None}, "tools": None}})
    assert isinstance(setup, messages.Setup)
    assert (setup.instructions, setup.resumable, setup.handle, setup.tools) == ("", True, None, {})


def test_names_that_two_functions_have_are_told() -> None:
    declared = [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}, {"functionDeclarations": {"name": "a"}}]
    setup = read({"setup": {"model": "m", "tools": declared}})
    assert isinstance(setup, messages.Setup)
    assert (set(setup.tools), setup.repeated_tools) == ({"a", "b"}, ("a",))


def test_reasons_are_cut_at_123_bytes() -> None:
    assert len(unknown_model("models/" + "x" * 200, "v1beta").reason.encode()) == 123
    assert len(Close(1008, "ü" * 100).reason.encode()) <= 123


@given(st.binary() | st.text())
def test_any_frame_is_a_message_or_a_close(frame: str | bytes) -> None:
    try:
        read(frame)
    except RefusedError as refused:
        assert 1000 < refused.close.code < 1012


KEYS = """setup model clientContent turns role parts text turn_complete realtimeInput audio data mimeType tool_response
functionResponses id name response contextUpdate tools systemInstruction generationConfig user model"""
ROLES = st.sampled_from(["user", "model", "audio/pcm;rate=16000"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner | ROLES, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]), JSON))
def test_any_json_is_a_message_or_a_close(message: dict[str, object]) -> None:
    try:
        read(message)
    except RefusedError as refused:
        assert refused.close.code == 1007
