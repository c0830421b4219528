"""Protobuf's JSON mapping: what is read as what, and the service's sentence for the rest."""

import json
import math
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from emulator import protos
from emulator.errors import PayloadError
from emulator.protojson import loads, message

GEMINI, VERTEX = protos.gemini("v1beta"), protos.vertex("v1beta1")
TYPE = "type.googleapis.com/google.ai.generativelanguage.v1beta"


def read(kind: str, body: object, api: protos.Api = GEMINI) -> dict[str, Any]:
    return message(loads(json.dumps(body)), api, kind)


def refused(frame: object, api: protos.Api = GEMINI) -> str:
    with pytest.raises(PayloadError) as caught:
        message(loads(frame if isinstance(frame, str | bytes) else json.dumps(frame)), api)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("GenerationConfig", {"top_k": 3, "topP": 0.5}, {"top_k": 3, "top_p": 0.5}),
        ("GenerationConfig", {"topK": "40", "seed": 7.0, "temperature": "1e-1"}, {"top_k": 40, "seed": 7, "temperature": 0.1}),
        ("ContextWindowCompressionConfig", {"triggerTokens": "25600"}, {"trigger_tokens": 25600}),
        (
            "GenerationConfig",
            {"responseModalities": ["AUDIO", 1, "text", "2"]},
            {"response_modalities": ["AUDIO", "TEXT", "TEXT", "IMAGE"]},
        ),
        ("GenerationConfig", {"responseModalities": ["AUDIO", None]}, {"response_modalities": ["AUDIO"]}),
        ("GenerationConfig", {"responseModalities": [99]}, {"response_modalities": ["99"]}),
        ("FunctionDeclaration", {"behavior": "non-blocking"}, {"behavior": "NON_BLOCKING"}),
        ("FunctionDeclaration", {"behavior": 0}, {}),
        ("Schema", {"type": "object", "required": "a", "minItems": None}, {"type": "OBJECT", "required": ["a"]}),
        ("Schema", {"required": ["a", ["b", ["c"]]]}, {"required": ["a", "b", "c"]}),
        ("Schema", {"default": None, "example": [1, {"a": None}]}, {"default": None, "example": [1, {"a": None}]}),
        ("Content", {"parts": {"text": "a"}}, {"parts": [{"text": "a"}]}),
        ("Part", {"thought": "true", "text": ""}, {"thought": True, "text": ""}),
        ("Part", {"thought": 0}, {"thought": False}),
        ("Blob", {"data": "_-8"}, {"data": b"\xff\xef"}),
        ("Blob", {"data": "/+8="}, {"data": b"\xff\xef"}),
        ("FunctionResponse", {"response": {"a_b": 1, "aB": [None]}}, {"response": {"a_b": 1, "aB": [None]}}),
        ("Schema", {"properties": {"Aa": {"type": "STRING"}, "b": None}}, {"properties": {"Aa": {"type": "STRING"}}}),
    ],
)
def test_values_are_read_as_protobuf_does(kind: str, body: object, expected: object) -> None:
    assert read(kind, body) == expected


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ("[]", 'Invalid JSON payload received. Unknown name "": Root element must be a message.'),
        ("null", 'Invalid JSON payload received. Unknown name "": Root element must be a message.'),
        ('{"bogus":{}}', 'Invalid JSON payload received. Unknown name "bogus": Cannot find field.'),
        ('{"Setup":{}}', 'Invalid JSON payload received. Unknown name "Setup": Cannot find field.'),
        (
            '{"setup":{"bogusField":null}}',
            "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field.",
        ),
        ('{"setup":3}', f"Invalid value at 'setup' ({TYPE}.BidiGenerateContentSetup), 3"),
        ('{"setup":{"systemInstruction":"Be."}}', f"Invalid value at 'setup.system_instruction' ({TYPE}.Content), \"Be.\""),
        (
            '{"setup":{"systemInstruction":{"text":"Be."}}}',
            "Invalid JSON payload received. Unknown name \"text\" at 'setup.system_instruction': Cannot find field.",
        ),
        (
            '{"setup":{"systemInstruction":[{"text":"Be."}]}}',
            (
                "Invalid JSON payload received. Unknown name \"systemInstruction\" at 'setup': "
                "Proto field is not repeating, cannot start list."
            ),
        ),
        (
            '{"setup":{"tools":[{},{"functionDeclarations":[{"parameters":{"properties":{"a":{},"b":{"type":["STRING"]}}}}]}]}}',
            (
                'Invalid JSON payload received. Unknown name "type" at '
                "'setup.tools[1].function_declarations[0].parameters.properties[1].value': "
                "Proto field is not repeating, cannot start list."
            ),
        ),
        (
            '{"setup":{"generationConfig":{"responseModalities":["AUDIO","SMELL"]}}}',
            f"Invalid value at 'setup.generation_config.response_modalities[1]' ({TYPE}.GenerationConfig.Modality), \"SMELL\"",
        ),
        ('{"setup":{"model":3}}', "Invalid value at 'setup.model' (TYPE_STRING), 3"),
        ('{"setup":{"model":{}}}', "Invalid value at 'setup' (model), Starting an object on a scalar field"),
        ('{"setup":{"generationConfig":{"topK":1.5}}}', "Invalid value at 'setup.generation_config.top_k' (TYPE_INT32), 1.5"),
        (
            '{"setup":{"generationConfig":{"seed":3e9}}}',
            "Invalid value at 'setup.generation_config.seed' (TYPE_INT32), 3000000000",
        ),
        (
            '{"setup":{"generationConfig":{"topK":"1e3"}}}',
            "Invalid value at 'setup.generation_config.top_k' (TYPE_INT32), \"1e3\"",
        ),
        (
            '{"clientContent":{"turns":[{"parts":[{"text":"a","inlineData":{}}]}]}}',
            (
                "Invalid value at 'client_content.turns[0].parts[0]' (oneof), "
                "oneof field 'data' is already set. Cannot set 'inlineData'"
            ),
        ),
        (
            '{"realtimeInput":{"audio":{"data":"!!"}}}',
            "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed for \"!!\"",
        ),
        (
            '{"toolResponse":{"functionResponses":[{"response":"x"}]}}',
            (
                "Invalid value at 'tool_response.function_responses[0].response' "
                '(type.googleapis.com/google.protobuf.Struct), "x"'
            ),
        ),
        (
            '{"setup":{"tools":{"functionDeclarations":{"parameters":{"properties":[]}}}}}',
            (
                "Invalid value at 'setup.tools.function_declarations.parameters' (Map), "
                "Cannot bind a list to map for field 'properties'."
            ),
        ),
    ],
)
def test_what_is_no_message_is_told_in_the_services_words(frame: str, sentence: str) -> None:
    assert refused(frame) == sentence


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ("{", "Invalid JSON payload received. Unexpected end of string."),
        ('{"a": bogus}', 'Invalid JSON payload received. Unexpected token.\n{"a": bogus}\n      ^'),
        ('{"a": NaN}', "Invalid JSON payload received. Unexpected token."),
        ('{"a": -Infinity}', "Invalid JSON payload received. Unexpected token."),
        ('{"a": 1e999}', "Invalid JSON payload received. Number exceeds"),
        ('{"a": ' + "9" * 5000 + "}", "Invalid JSON payload received. Number exceeds"),
        ("[" * 100_000, "Invalid JSON payload received. Message too deep."),
        ('{"a": "\\ud800"}', "Request contains an invalid argument."),
        ('{"\\udc00": 1}', "Request contains an invalid argument."),
        ('{"a": "\ud800"}', "Request contains an invalid argument."),
        (b'{"a": "\xff"}', "Request contains an invalid argument."),
    ],
)
def test_what_is_no_json_is_refused(frame: str | bytes, sentence: str) -> None:
    assert refused(frame).startswith(sentence)


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read("Part", {"text": "\U0001f600"}) == {"text": "\U0001f600"}


@pytest.mark.parametrize("field", ["parameters", "parametersJsonSchema"])
def test_nesting_ends_where_protobuf_ends_it(field: str) -> None:
    def nested(levels: int) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "STRING"}
        for _ in range(levels):
            schema = {"type": "OBJECT", "properties": {"x": schema}}
        return {"setup": {"tools": [{"functionDeclarations": [{"name": "f", field: schema}]}]}}

    assert message(nested(46), GEMINI)
    assert "Message too deep" in refused(nested(47))


def test_each_api_has_fields_of_its_own() -> None:
    resumption = {"setup": {"sessionResumption": {"transparent": True}}}
    assert message(resumption, VERTEX)
    assert refused(resumption).endswith("Unknown name \"transparent\" at 'setup.session_resumption': Cannot find field.")
    assert "explicitVadSignal" in refused({"setup": {"explicitVadSignal": True}})
    assert "historyConfig" in refused({"setup": {"historyConfig": {}}}, VERTEX)
    parameters = {"additionalProperties": False}
    assert read("Schema", parameters, VERTEX) == {"additional_properties": False}
    assert "additionalProperties" in refused({"setup": {"tools": {"functionDeclarations": {"parameters": parameters}}}})
    progress = {"toolResponse": {"functionResponses": [{"id": "1", "name": "f", "response": {}, "willContinue": True}]}}
    assert message(progress, GEMINI)
    assert refused(progress, VERTEX).endswith(
        "Unknown name \"willContinue\" at 'tool_response.function_responses[0]': Cannot find field."
    )
    assert "google.cloud.aiplatform.v1beta1.Content" in refused({"setup": {"systemInstruction": "x"}}, VERTEX)


SDK_ONLY = {
    ("GenerationConfig", "routing_config"),  # the SDK says itself that Gemini has no such field, and refuses it
    ("GenerationConfig", "audio_timestamp"),
    ("FunctionCall", "partial_args"),
    ("FunctionCall", "will_continue"),
    *(("Schema", name) for name in ("additional_properties", "defs", "ref")),  # not in the proto
    *((kind, "display_name") for kind in ("Blob", "FileData")),
    *(("Tool", name) for name in ("retrieval", "enterprise_web_search", "parallel_ai_search", "exa_ai_search")),
    ("SessionResumptionConfig", "transparent"),
    ("BidiGenerateContentSetup", "explicit_vad_signal"),
    ("BidiGenerateContentSetup", "labels"),
}
SDK_TYPES: dict[str, type[BaseModel]] = {
    "BidiGenerateContentClientMessage": types.LiveClientMessage,
    "BidiGenerateContentSetup": types.LiveClientSetup,
    "BidiGenerateContentClientContent": types.LiveClientContent,
    "BidiGenerateContentRealtimeInput": types.LiveClientRealtimeInput,
    "BidiGenerateContentToolResponse": types.LiveClientToolResponse,
    "BidiGenerateContentContextUpdate": types.LiveClientContextUpdate,
    "RealtimeInputConfig.AutomaticActivityDetection": types.AutomaticActivityDetection,
    "ContextWindowCompressionConfig.SlidingWindow": types.SlidingWindow,
    **{
        name: getattr(types, name)
        for name in (
            *("Content", "Part", "Blob", "FileData", "FunctionCall", "FunctionResponse", "GenerationConfig", "SpeechConfig"),
            *("VoiceConfig", "PrebuiltVoiceConfig", "MultiSpeakerVoiceConfig", "SpeakerVoiceConfig", "ThinkingConfig"),
            *("RealtimeInputConfig", "SessionResumptionConfig", "ContextWindowCompressionConfig", "AudioTranscriptionConfig"),
            *("ProactivityConfig", "HistoryConfig", "Tool", "FunctionDeclaration", "Schema"),
        )
    },
}


@pytest.mark.parametrize("kind", sorted(SDK_TYPES))
def test_no_field_that_googles_sdk_sends_is_missing(kind: str) -> None:
    """A new version of the SDK that has more of them fails here."""
    known = {field.name for field in GEMINI.fields[kind].values()}
    assert {(kind, name) for name in SDK_TYPES[kind].model_fields if name not in known} <= SDK_ONLY


KEYS = [*sorted({name for fields in GEMINI.fields.values() for name in fields}), "bogus", ""]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=30,
)


@given(st.sampled_from(sorted(GEMINI.fields)), JSON)
def test_any_json_is_a_message_or_a_sentence(kind: str, body: Any) -> None:
    try:
        made = message(body, GEMINI, kind, "setup")
    except PayloadError as error:
        assert str(error)
    else:
        assert set(made) <= {field.name for field in GEMINI.fields[kind].values()}


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_exact_or_refused(whole: int, real: float) -> None:
    config = {"maxItems": str(whole), "minimum": real}
    if -(2**63) <= whole < 2**63:
        made = read("Schema", config)
        assert made["max_items"] == whole
        assert math.isclose(made["minimum"], real)
    else:
        with pytest.raises(PayloadError):
            read("Schema", config)
