"""The client's messages of `BidiGenerateContent` as protobuf declares them: fields, types, enums. Pure.

Sources: `google/ai/generativelanguage/v1beta/{generative_service,content}.proto` in googleapis/google-cloud-node (2026), and
google-genai's types for the fields that are newer. Type names that only the SDK has are guessed. The emulator looks into no
message that is written `Struct` here and isn't one in the proto, so their fields aren't checked; `AuthToken`'s times and mask
are read in emulator/tokens.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

SCALARS = {"string", "bool", "int32", "int64", "float", "double", "bytes"}
WELL_KNOWN = {"Struct", "Value"}
Declared = Mapping[str, str]
"""Field name to type. `X*`: repeated. `map X`: a map from strings. `group|X`: one of the fields of a oneof."""

ENUMS = {
    "Type": "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
    "GenerationConfig.Modality": "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO VIDEO",
    "GenerationConfig.MediaResolution": (
        "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM MEDIA_RESOLUTION_HIGH"
    ),
    "ThinkingConfig.ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED LOW MEDIUM HIGH MINIMAL XHIGH",
    "FunctionDeclaration.Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
    "FunctionResponse.Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
    "RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity": (
        "START_SENSITIVITY_UNSPECIFIED START_SENSITIVITY_HIGH START_SENSITIVITY_LOW"
    ),
    "RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity": (
        "END_SENSITIVITY_UNSPECIFIED END_SENSITIVITY_HIGH END_SENSITIVITY_LOW"
    ),
    "RealtimeInputConfig.ActivityHandling": "ACTIVITY_HANDLING_UNSPECIFIED START_OF_ACTIVITY_INTERRUPTS NO_INTERRUPTION",
    "RealtimeInputConfig.TurnCoverage": (
        "TURN_COVERAGE_UNSPECIFIED TURN_INCLUDES_ONLY_ACTIVITY TURN_INCLUDES_ALL_INPUT"
        " TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
    ),
    "AudioTranscriptionConfig.Mode": "MODE_UNSPECIFIED VERBATIM SMART",
    "HarmCategory": (
        "HARM_CATEGORY_UNSPECIFIED HARM_CATEGORY_DEROGATORY HARM_CATEGORY_TOXICITY HARM_CATEGORY_VIOLENCE HARM_CATEGORY_SEXUAL"
        " HARM_CATEGORY_MEDICAL HARM_CATEGORY_DANGEROUS HARM_CATEGORY_HARASSMENT HARM_CATEGORY_HATE_SPEECH"
        " HARM_CATEGORY_SEXUALLY_EXPLICIT HARM_CATEGORY_DANGEROUS_CONTENT HARM_CATEGORY_CIVIC_INTEGRITY"
        " HARM_CATEGORY_JAILBREAK HARM_CATEGORY_IMAGE_HATE HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT"
        " HARM_CATEGORY_IMAGE_HARASSMENT HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT"
    ),
    "SafetySetting.HarmBlockThreshold": (
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH BLOCK_NONE OFF"
    ),
    "SafetySetting.HarmBlockMethod": "HARM_BLOCK_METHOD_UNSPECIFIED SEVERITY PROBABILITY",
}
"""Names of each enum's values, in the order of their numbers, from 0."""

MESSAGES: Mapping[str, Declared] = {
    "BidiGenerateContentClientMessage": {
        "setup": "message_type|BidiGenerateContentSetup",
        "client_content": "message_type|BidiGenerateContentClientContent",
        "realtime_input": "message_type|BidiGenerateContentRealtimeInput",
        "tool_response": "message_type|BidiGenerateContentToolResponse",
        "context_update": "message_type|BidiGenerateContentContextUpdate",
    },
    "BidiGenerateContentSetup": {
        "model": "string",
        "generation_config": "GenerationConfig",
        "system_instruction": "Content",
        "tools": "Tool*",
        "realtime_input_config": "RealtimeInputConfig",
        "session_resumption": "SessionResumptionConfig",
        "context_window_compression": "ContextWindowCompressionConfig",
        "input_audio_transcription": "AudioTranscriptionConfig",
        "output_audio_transcription": "AudioTranscriptionConfig",
        "proactivity": "ProactivityConfig",
        "avatar_config": "Struct",
        "safety_settings": "SafetySetting*",
        "labels": "map string",
    },
    "AuthToken": {
        **dict.fromkeys(("expire_time", "new_session_expire_time", "field_mask"), "string"),
        "uses": "int32",
        "bidi_generate_content_setup": "BidiGenerateContentSetup",
    },
    "BidiGenerateContentClientContent": {"turns": "Content*", "turn_complete": "bool"},
    "BidiGenerateContentRealtimeInput": {
        "media_chunks": "Blob*",
        "audio": "Blob",
        "audio_stream_end": "bool",
        "video": "Blob",
        "text": "string",
        "activity_start": "BidiGenerateContentRealtimeInput.ActivityStart",
        "activity_end": "BidiGenerateContentRealtimeInput.ActivityEnd",
    },
    "BidiGenerateContentRealtimeInput.ActivityStart": {},
    "BidiGenerateContentRealtimeInput.ActivityEnd": {},
    "BidiGenerateContentToolResponse": {"function_responses": "FunctionResponse*"},
    "BidiGenerateContentContextUpdate": {
        "system_instruction": "Content",
        "tools": "BidiGenerateContentContextUpdate.Tools",
    },
    "BidiGenerateContentContextUpdate.Tools": {"tools": "Tool*"},
    "Content": {"parts": "Part*", "role": "string"},
    "Part": {
        "text": "data|string",
        "inline_data": "data|Blob",
        "function_call": "data|FunctionCall",
        "function_response": "data|FunctionResponse",
        "file_data": "data|FileData",
        "executable_code": "data|Struct",
        "code_execution_result": "data|Struct",
        "tool_call": "data|Struct",
        "tool_response": "data|Struct",
        "audio_transcription": "data|Struct",
        "thought": "bool",
        "thought_signature": "bytes",
        **dict.fromkeys(("video_metadata", "media_resolution", "part_metadata", "media_processing"), "Struct"),
        **dict.fromkeys(("speech_metadata", "document_metadata", "spreadsheet_metadata", "audio_metadata"), "Struct"),
    },
    "Blob": {"mime_type": "string", "data": "bytes"},
    "FileData": {"mime_type": "string", "file_uri": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "Struct"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "Struct",
        "parts": "Struct*",
        "scheduling": "FunctionResponse.Scheduling",
    },
    "GenerationConfig": {
        **dict.fromkeys(("candidate_count", "max_output_tokens", "top_k", "seed", "logprobs"), "int32"),
        **dict.fromkeys(("temperature", "top_p", "presence_penalty", "frequency_penalty"), "float"),
        **dict.fromkeys(("response_logprobs", "enable_enhanced_civic_answers", "enable_affective_dialog"), "bool"),
        "stop_sequences": "string*",
        "response_mime_type": "string",
        "response_schema": "Schema",
        "response_json_schema": "Value",
        "response_modalities": "GenerationConfig.Modality*",
        "speech_config": "SpeechConfig",
        "thinking_config": "ThinkingConfig",
        "media_resolution": "GenerationConfig.MediaResolution",
        "audio_transcription_config": "AudioTranscriptionConfig",
        "response_format": "Struct*",
        "translation_config": "TranslationConfig",
        **dict.fromkeys(("image_config", "model_selection_config"), "Struct"),
    },
    "TranslationConfig": {"target_language_code": "string", "echo_target_language": "bool"},
    "SpeechConfig": {
        "voice_config": "VoiceConfig",
        "multi_speaker_voice_config": "MultiSpeakerVoiceConfig",
        "language_code": "string",
    },
    "VoiceConfig": {
        "prebuilt_voice_config": "voice_config|PrebuiltVoiceConfig",
        "replicated_voice_config": "voice_config|Struct",
        "voice": "voice_config|string",
    },
    "PrebuiltVoiceConfig": {"voice_name": "string"},
    "MultiSpeakerVoiceConfig": {"speaker_voice_configs": "SpeakerVoiceConfig*"},
    "SpeakerVoiceConfig": {"speaker": "string", "voice_config": "VoiceConfig"},
    "ThinkingConfig": {
        "include_thoughts": "bool",
        "thinking_budget": "int32",
        "thinking_level": "ThinkingConfig.ThinkingLevel",
    },
    "RealtimeInputConfig": {
        "automatic_activity_detection": "RealtimeInputConfig.AutomaticActivityDetection",
        "activity_handling": "RealtimeInputConfig.ActivityHandling",
        "turn_coverage": "RealtimeInputConfig.TurnCoverage",
        "interim_transcript_timestamp_enabled": "bool",
    },
    "RealtimeInputConfig.AutomaticActivityDetection": {
        "disabled": "bool",
        "start_of_speech_sensitivity": "RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity",
        "prefix_padding_ms": "int32",
        "end_of_speech_sensitivity": "RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity",
        "silence_duration_ms": "int32",
    },
    "SessionResumptionConfig": {"handle": "string"},
    "ContextWindowCompressionConfig": {
        "sliding_window": "compression_mechanism|ContextWindowCompressionConfig.SlidingWindow",
        "trigger_tokens": "int64",
    },
    "ContextWindowCompressionConfig.SlidingWindow": {"target_tokens": "int64"},
    "AudioTranscriptionConfig": {
        **dict.fromkeys(("language_codes", "custom_vocabulary", "adaptation_phrases"), "string*"),
        **dict.fromkeys(("language_auto", "language_hints"), "Struct"),
        **dict.fromkeys(("word_timestamp", "diarization"), "bool"),
        "mode": "AudioTranscriptionConfig.Mode",
        "source_text": "string",
    },
    "ProactivityConfig": {"proactive_audio": "bool", "proactive_video": "bool"},
    "HistoryConfig": {"initial_history_in_client_content": "bool"},
    "Tool": {
        "function_declarations": "FunctionDeclaration*",
        "google_search": "GoogleSearch",
        **dict.fromkeys(("google_search_retrieval", "code_execution", "computer_use"), "Struct"),
        **dict.fromkeys(("url_context", "file_search", "google_maps"), "Struct"),
        "mcp_servers": "Struct*",
    },
    "GoogleSearch": {"search_types": "Struct", "time_range_filter": "Struct"},
    "SafetySetting": {"category": "HarmCategory", "threshold": "SafetySetting.HarmBlockThreshold"},
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "parameters": "Schema",
        "parameters_json_schema": "Value",
        "response": "Schema",
        "response_json_schema": "Value",
        "behavior": "FunctionDeclaration.Behavior",
    },
    "Schema": {
        "type": "Type",
        **dict.fromkeys(("format", "title", "description", "pattern"), "string"),
        **dict.fromkeys(("min_items", "max_items", "min_properties", "max_properties", "min_length", "max_length"), "int64"),
        **dict.fromkeys(("enum", "required", "property_ordering"), "string*"),
        **dict.fromkeys(("minimum", "maximum"), "double"),
        **dict.fromkeys(("example", "default"), "Value"),
        "nullable": "bool",
        "items": "Schema",
        "properties": "map Schema",
        "any_of": "Schema*",
    },
}
"""Messages that both APIs have, by name."""

GEMINI_ONLY: Mapping[str, Declared] = {
    "BidiGenerateContentSetup": {"history_config": "HistoryConfig"},
    "FunctionResponse": {"will_continue": "bool"},
}
VERTEX_ONLY: Mapping[str, Declared] = {
    "BidiGenerateContentSetup": {"explicit_vad_signal": "bool"},
    "SafetySetting": {"method": "SafetySetting.HarmBlockMethod"},
    "GoogleSearch": {"exclude_domains": "string*", "blocking_confidence": "string"},
    "SessionResumptionConfig": {"transparent": "bool"},
    "GenerationConfig": {"routing_config": "Struct", "audio_timestamp": "bool"},
    "Tool": dict.fromkeys(("retrieval", "enterprise_web_search", "parallel_ai_search", "exa_ai_search"), "Struct"),
    "Schema": {"additional_properties": "Value", "defs": "map Schema", "ref": "string"},
    "Blob": {"display_name": "string"},
    "FileData": {"display_name": "string"},
}


@dataclass(frozen=True)
class Field:
    name: str
    """The name as the proto has it."""
    kind: str
    """The type: a scalar, a well-known type, a message or an enum."""
    repeated: bool = False
    mapped: bool = False
    oneof: str = ""


@dataclass(frozen=True)
class Api:
    """One version of the Gemini API or of Vertex AI, with its messages."""

    package: str
    """Protobuf package of the messages, such as `google.ai.generativelanguage.v1beta`."""
    fields: Mapping[str, Mapping[str, Field]]
    """Fields by message, and by both spellings of their names."""

    def url(self, kind: str) -> str:
        """The name of a type in the service's sentences."""
        if kind in SCALARS:
            return f"TYPE_{kind.upper()}"
        package = "google.protobuf" if kind in WELL_KNOWN else self.package
        return f"type.googleapis.com/{package}.{kind}"


def gemini(version: str) -> Api:
    """The messages of a version of the Gemini API."""
    return Api(f"google.ai.generativelanguage.{version}", _GEMINI)


def vertex(version: str) -> Api:
    """The messages of a version of Vertex AI."""
    return Api(f"google.cloud.aiplatform.{version}", _VERTEX)


def _compiled(more: Mapping[str, Declared]) -> dict[str, dict[str, Field]]:
    return {name: dict(_spelled({**declared, **more.get(name, {})})) for name, declared in MESSAGES.items()}


def _spelled(declared: Declared) -> Iterator[tuple[str, Field]]:
    for name, written in declared.items():
        oneof, _, kind = written.rpartition("|")
        plain = kind.removeprefix("map ").removesuffix("*")
        field = Field(name, plain, repeated=kind.endswith("*"), mapped=kind.startswith("map "), oneof=oneof)
        yield name, field
        yield to_camel(name), field


_GEMINI, _VERTEX = _compiled(GEMINI_ONLY), _compiled(VERTEX_ONLY)
NUMBERED = {kind: tuple(names.split()) for kind, names in ENUMS.items()}
"""Each enum's names, in the order of their numbers."""
