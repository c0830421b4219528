"""Our bytes are the SDK's, and the service's messages are read as it writes them."""

import asyncio
import base64
import json
from typing import Any

import pytest
from google import genai
from google.genai import _live_converters, types
from pydantic.alias_generators import to_camel

from agent.gemini import wire
from agent.gemini.messages import MalformedError, Received, ToolCall, read


def as_the_sdk(config: types.LiveConnectConfig) -> Any:
    client = genai.Client(api_key="key")
    parameters = types.LiveConnectParameters(model="models/m", config=config).model_dump(exclude_none=True)
    converted = _live_converters._LiveConnectParameters_to_mldev(client._api_client, parameters)
    client.close()
    asyncio.run(client.aio.aclose())
    return camel(genai._common.encode_unserializable_types(genai._common.convert_to_dict(converted)["setup"]))


def camel(value: Any) -> Any:
    """The SDK mixes spellings; the service takes both."""
    if isinstance(value, dict):
        return {to_camel(key): camel(each) for key, each in value.items()}
    return [camel(each) for each in value] if isinstance(value, list) else value


def test_the_setup_is_what_google_genai_makes_of_the_same_config() -> None:
    declaration = types.FunctionDeclaration(
        name="book",
        description="Book a slot.",
        behavior=types.Behavior.NON_BLOCKING,
        parameters=types.Schema(type=types.Type.OBJECT, properties={"slot": types.Schema(type=types.Type.STRING)}),
    )
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        generation_config=types.GenerationConfig(candidate_count=1, temperature=0.5),
        system_instruction=types.Content(parts=[types.Part(text="Be brief.")]),
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Puck")),
            language_code="de-DE",
        ),
        tools=[types.Tool(function_declarations=[declaration])],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle="h"),
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(silence_duration_ms=300)
        ),
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
    )
    assert json.loads(wire.first_message(wire.setup("m", config), "h"))["setup"] == as_the_sdk(config)


def test_a_resumption_is_always_asked_for() -> None:
    setup = json.loads(wire.first_message(wire.setup("models/m", types.LiveConnectConfig()), None))["setup"]
    assert (setup["model"], setup["sessionResumption"]) == ("models/m", {})


def test_sound_is_an_sdk_message() -> None:
    message = json.loads(wire.audio(b"\x00\x01\xff\xfe"))
    blob = types.LiveClientRealtimeInput.model_validate(message["realtime_input"]).audio
    assert blob is not None
    assert (blob.data, blob.mime_type) == (b"\x00\x01\xff\xfe", "audio/pcm;rate=16000")


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_sound_alone_is_read_without_a_model(alphabet: Any) -> None:
    pcm = bytes(range(256)) * 4
    part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": alphabet(pcm).decode()}}
    received = read(json.dumps({"serverContent": {"modelTurn": {"role": "model", "parts": [part]}}}).encode())
    assert received.only_sound
    assert received.pcm == pcm
    assert received.duration_s == pytest.approx(1024 / 48000)


def test_what_comes_with_the_sound_is_not_overlooked() -> None:
    part = {"inlineData": {"data": base64.b64encode(bytes(4)).decode()}}
    content = {"modelTurn": {"parts": [part, {"text": "a thought", "thought": True}]}, "outputTranscription": {"text": "Hi"}}
    received = read(json.dumps({"serverContent": content, "usageMetadata": {}}).encode())
    assert not received.only_sound
    assert (received.pcm, received.words, received.is_output) == (bytes(4), "Hi", True)


def test_the_facts_of_each_message() -> None:
    def facts(message: dict[str, Any]) -> Received:
        return read(json.dumps(message).encode())

    assert facts({"setupComplete": {}}).setup_complete
    assert facts({"goAway": {"timeLeft": "9.5s"}}).go_away_s == 9.5
    assert facts({"goAway": {}}).go_away_s == 0.0
    assert facts({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}).handle == "h"
    assert facts({"sessionResumptionUpdate": {"resumable": False}}).handle is None
    assert facts({"toolCallCancellation": {"ids": ["a"]}}).cancelled == ("a",)
    assert facts({"voiceActivity": {"type": "ACTIVITY_START"}}).caller_begins
    assert facts({"voiceActivity": {"voiceActivityType": "ACTIVITY_END"}}).caller_ends
    assert facts({"serverContent": {"inputTranscription": {"text": "Hi"}}}).caller_words == "Hi"
    calls = {"functionCalls": [{"id": "1", "name": "f", "args": {"b": 1, "a": 2}}, {"name": "g"}]}
    assert facts({"toolCall": calls}).calls == (ToolCall("1", "f", '{"a": 2, "b": 1}'), ToolCall("", "g", "{}"))
    assert not facts({}).is_output
    assert facts({"serverContent": {"turnComplete": True, "interactionStatus": "IDLE"}}).turn_complete
    goes_on = facts({"serverContent": {"turnComplete": True, "interactionStatus": "IN_PROGRESS"}})
    assert not goes_on.turn_complete
    assert "turnComplete" not in goes_on.raw["serverContent"]


@pytest.mark.parametrize("frame", [b"", b"[1]", b'{"serverContent"', b"\xff\xfe"])
def test_a_frame_that_is_no_message(frame: bytes) -> None:
    with pytest.raises(MalformedError):
        read(frame)


NEW_FIELDS = {"newer": {}, "newest": [1]}


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ({"serverContent": {"turnComplete": True, **NEW_FIELDS}}, {"turn_complete": True}),
        ({"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1s"}}, {"caller_begins": True}),
        ({"goAway": {"timeLeft": "9s", **NEW_FIELDS}}, {"go_away_s": 9.0}),
        ({"toolCall": {"functionCalls": [{"id": "1", "name": "f", **NEW_FIELDS}]}}, {"calls": (ToolCall("1", "f", "{}"),)}),
        ({"somethingNew": 1}, {"is_output": False}),
    ],
)
def test_a_new_field_costs_nothing_else_of_its_message(message: dict[str, Any], facts: dict[str, Any]) -> None:
    """The service adds fields before anybody knows them."""
    received = read(json.dumps(message | NEW_FIELDS).encode())
    assert {name: getattr(received, name) for name in facts} == facts
    assert not received.unreadable


@pytest.mark.parametrize("resolution", [None, *types.MediaResolution])
def test_the_media_resolution_of_a_setup_is_found(resolution: types.MediaResolution | None) -> None:
    """Wherever a setting has put it: pictures are sized for it."""
    setup = wire.setup("m", types.LiveConnectConfig(media_resolution=resolution))
    assert wire.media_resolution(setup) == (None if resolution is None else resolution.value)
    assert wire.media_resolution(None) is None
