"""Client messages: both casings, both alphabets, and the service's close for what it doesn't take."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import messages, wire
from emulator.closes import Close, unknown_model
from emulator.errors import RefusedError

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
    setup = wire.read(wire.load(json.dumps(LIVEKIT_SETUP)))
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
    setup = wire.read(wire.load(json.dumps({"setup": {"model": "m", "tools": declared}})))
    assert isinstance(setup, messages.Setup)
    assert setup.tools["roll"].schema == schema


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
@pytest.mark.parametrize("keys", [("realtime_input", "mime_type"), ("realtimeInput", "mimeType")])
def test_audio_comes_in_both_alphabets_and_casings(encode: object, padding: str, keys: tuple[str, str]) -> None:
    pcm = bytes([0xFF, 0xEF, 0xFB, 0x3F])
    data = encode(pcm).decode().rstrip("=") + padding * 2  # type: ignore[operator]
    message = wire.read(wire.load(json.dumps({keys[0]: {"audio": {"data": data, keys[1]: "audio/pcm;rate=24000"}}})))
    assert message == messages.Audio(pcm, 24000)


def test_audio_without_a_rate_is_16_khz() -> None:
    message = wire.read(wire.load('{"realtimeInput": {"audio": {"data": "AAA=", "mimeType": "audio/pcm"}}}'))
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
            messages.ClientContent("a\nc", turn_complete=False, told="a\nb\nc"),
        ),
        (
            {"clientContent": {"turns": [{"parts": [{"text": "a"}]}]}},
            messages.ClientContent("a", turn_complete=False, told="a", roleless=True),
        ),
        ({"realtime_input": {"text": "hi"}}, messages.Text("hi")),
        ({"realtimeInput": {"audioStreamEnd": True}}, messages.AudioStreamEnd()),
        ({"realtimeInput": {"activityStart": {}}}, messages.ActivityStart()),
        ({"realtimeInput": {"activityEnd": {}}}, messages.ActivityEnd()),
        ({"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/jpeg"}}}, messages.Video(3)),
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
    assert wire.read(wire.load(json.dumps(frame))) == message


def test_scheduling_is_taken_from_the_field_or_from_inside_the_response() -> None:
    responses = [
        {"id": "1", "name": "a", "response": {"output": "x"}, "scheduling": "SILENT", "will_continue": True},
        {"id": "2", "name": "b", "response": {"scheduling": "INTERRUPT"}},
    ]
    message = wire.read(wire.load(json.dumps({"tool_response": {"function_responses": responses}})))
    assert isinstance(message, messages.ToolResponse)
    assert [(each.scheduling, each.will_continue) for each in message.responses] == [("SILENT", True), ("INTERRUPT", False)]


@pytest.mark.parametrize(
    ("frame", "close"),
    [
        ("{", Close(1007, "Request contains an invalid argument.")),
        ("[]", Close(1007, "Request contains an invalid argument.")),
        ('{"a":{},"b":{}}', Close(1007, "Request contains an invalid argument.")),
        ('{"bogus":{}}', Close(1007, 'Invalid JSON payload received. Unknown name "bogus": Cannot find field.')),
        (
            '{"setup":{"model":"models/m","bogusField":1}}',
            Close(1007, "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field."),
        ),
        ('{"setup":{}}', Close(1007, "Request contains an invalid argument.")),
        (
            '{"setup":{"model":"models/m","generationConfig":{"responseModalities":["SMELL"]}}}',
            Close(1007, "Request contains an invalid argument."),
        ),
        ('{"setup":3}', Close(1007, "Invalid value at 'setup', '3'")),
        ('{"clientContent":{"turns":[{"role":"system","parts":[]}]}}', Close(1007, "Request contains an invalid argument.")),
        (
            '{"clientContent":{"turns":[{"role":"user","parts":3}]}}',
            Close(1007, "Invalid value at 'client_content.turns.parts', '3'"),
        ),
        ('{"clientContent":{"turns":[{"role":[]}]}}', Close(1007, "Invalid value at 'client_content.turns.role', '[]'")),
        ('{"contextUpdate":{"tools":{"tools":3}}}', Close(1007, "Invalid value at 'context_update.tools.tools', '3'")),
        ('{"toolResponse":{"functionResponses":[{"scheduling":["x"]}]}}', None),
        ('{"realtimeInput":{}}', Close(1007, "Request contains an invalid argument.")),
        (
            '{"realtimeInput":{"audio":{"data":"!!","mimeType":"audio/pcm"}}}',
            Close(1007, "Invalid value at 'realtime_input.audio.data', '!!'"),
        ),
        (
            '{"realtimeInput":{"audio":{"data":"AA","mimeType":"audio/mp3"}}}',
            Close(1007, "Request contains an invalid argument."),
        ),
    ],
)
def test_what_the_service_refuses_has_its_close(frame: str, close: Close | None) -> None:
    with pytest.raises(RefusedError) as caught:
        wire.read(wire.load(frame))
    assert caught.value.close == (close or caught.value.close)


def test_reasons_are_cut_at_123_bytes() -> None:
    assert len(unknown_model("models/" + "x" * 200, "v1beta").reason.encode()) == 123
    assert len(Close(1008, "ü" * 100).reason.encode()) <= 123


@given(st.binary() | st.text())
def test_any_frame_is_a_message_or_a_close(frame: str | bytes) -> None:
    try:
        wire.read(wire.load(frame))
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
        wire.read(wire.load(json.dumps(message)))
    except RefusedError as refused:
        assert refused.close.code == 1007
