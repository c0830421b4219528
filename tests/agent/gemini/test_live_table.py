"""The `[live]` table is google-genai's own type: what it doesn't know is named with the nearest that it does."""

import tomllib

import pytest
from google.genai import types

from agent.gemini import LiveSettingError, check_live, check_name, leaves, merged, nested, value_at, without
from agent.gemini.live_table import WORKER_SETS

GOOD = """
top_p = 0.9
top_k = 40
max_output_tokens = 2048
seed = 7
enable_affective_dialog = true
labels = { team = "support" }
safety_settings = [{ category = "HARM_CATEGORY_HARASSMENT", threshold = "block_only_high" }]
tools = [{ google_search = {} }]

[generation_config]
presence_penalty = 0.5

[thinking_config]
include_thoughts = true
thinking_level = "low"

[realtime_input_config]
activity_handling = "NO_INTERRUPTION"
turn_coverage = "TURN_INCLUDES_ONLY_ACTIVITY"
automatic_activity_detection = { silence_duration_ms = 700, start_of_speech_sensitivity = "START_SENSITIVITY_LOW" }

[context_window_compression]
trigger_tokens = 25600
sliding_window = { target_tokens = 12800 }

[input_audio_transcription]
language_codes = ["de-DE"]
custom_vocabulary = ["Earshot"]
"""


def test_a_table_of_every_kind_of_value_is_taken() -> None:
    table = check_live(tomllib.loads(GOOD))
    config = types.LiveConnectConfig.model_validate(table)
    assert config.thinking_config is not None
    assert config.thinking_config.thinking_level is types.ThinkingLevel.LOW


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("thinking_confg = {}", "live.thinking_confg is unknown; did you mean live.thinking_config?"),
        ("thinkingConfig = {}", "live.thinkingConfig is unknown; did you mean live.thinking_config?"),
        (
            "realtime_input_config.automatic_activity_detection.silence_ms = 3",
            (
                "live.realtime_input_config.automatic_activity_detection.silence_ms is unknown; did you mean "
                "live.realtime_input_config.automatic_activity_detection.silence_duration_ms?"
            ),
        ),
        ("thinking_config.xyz = 1", "xyz is unknown; known are include_thoughts, thinking_budget, thinking_level"),
        ("zzz = 1", "live.zzz is unknown; its keys are those of google-genai's LiveConnectConfig"),
        ('seed = "x"', "live.seed is 'x'; it must be a whole number"),
        ("seed = true", "live.seed is True; it must be a whole number"),
        ('top_p = "high"', "live.top_p is 'high'; it must be a number"),
        ("top_p = 3", "live.top_p is 3; it must be from 0 to 1"),
        ("temperature = nan", "live.temperature is nan; it must be from 0 to 2"),
        ("seed = 2147483648", "live.seed is 2147483648; it must be from -2147483648 to 2147483647"),
        (
            'input_audio_transcription.language_codes = ["de", "German"]',
            "language_codes is 'German'; it must be a BCP-47 tag such as",
        ),
        ("enable_affective_dialog = 1", "live.enable_affective_dialog is 1; it must be true or false"),
        ("proactivity = true", "live.proactivity is True; it must be a table"),
        ("tools = { google_search = {} }", "live.tools is a table; it must be a list in brackets"),
        ("labels = { a = 1 }", "live.labels is a table; it must be a table of texts"),
        ("input_audio_transcription.custom_vocabulary = [3]", "custom_vocabulary is 3; it must be a text in quotes"),
        ('thinking_config.thinking_level = "hihg"', "live.thinking_config.thinking_level is 'hihg'; did you mean HIGH?"),
        ('thinking_config.thinking_level = "x"', "it must be one of MINIMAL, LOW, MEDIUM, HIGH, XHIGH"),
        ("thinking_config.thinking_level = 3", "it must be one of MINIMAL, LOW"),
        ('response_modalities = ["AUDIO", "TEXT"]', "live.response_modalities can't be set: a call is sound with captions"),
        ("tools = [{ function_declarations = [] }]", "live.tools.function_declarations can't be set: a function is a method"),
        ("tools = [{ google_maps = {} }]", "can't be set: Google's own tools are google_search, code_execution, url_context"),
        ("tools = [{ google_serch = {} }]", "live.tools.google_serch is unknown; did you mean live.tools.google_search?"),
        ("generation_config.top_p = 0.5", "live.generation_config.top_p can't be set: write live.top_p instead"),
        ("generation_config.logprobs = 1", "live.generation_config.logprobs can't be set: the Live API doesn't take it"),
        (
            "realtime_input_config.automatic_activity_detection.disabled = true",
            'is True; write `turns = "push_to_talk"` in [hearing] instead',
        ),
        (
            'media_resolution = "LOW"',
            "live.media_resolution is 'LOW'; it must be one of MEDIA_RESOLUTION_LOW, MEDIA_RESOLUTION_MED",
        ),
        (
            'speech_config.voice_config.prebuilt_voice_config.voice_name = "Pika"',
            "voice_name is 'Pika'; Gemini's voices are Achernar",
        ),
    ],
)
def test_what_can_not_be_used_is_one_sentence_with_the_fix(text: str, sentence: str) -> None:
    with pytest.raises(LiveSettingError) as caught:
        check_live(tomllib.loads(text))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(name for name in WORKER_SETS if not name.startswith("tools.")))
def test_what_the_worker_sets_itself_is_refused_by_name(name: str) -> None:
    """The names are google-genai's: the parent of each is looked up in its type."""
    with pytest.raises(LiveSettingError, match="can't be set: ") as caught:
        check_name(name)
    assert caught.value.name == name


def test_a_name_of_a_setting_is_looked_up_in_googles_type() -> None:
    assert check_name("realtime_input_config.activity_handling") == "realtime_input_config.activity_handling"
    assert check_name("labels") == "labels"
    with pytest.raises(LiveSettingError, match=r"live\.top_pp is unknown; did you mean live\.top_p\?"):
        check_name("top_pp")
    with pytest.raises(LiveSettingError, match=r"live\.top_p is no table; name live"):
        check_name("top_p.x")


def test_tables_are_merged_key_by_key_and_lists_replaced() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merged(base, {"a": {"c": [3], "e": {}}}) == {"a": {"b": 1, "c": [3], "e": {}}, "d": 1}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


def test_dotted_names_lead_in_and_out_of_a_table() -> None:
    table = nested("a.b.c", 3)
    assert table == {"a": {"b": {"c": 3}}}
    assert (value_at(table, "a.b.c"), value_at(table, "a.x"), value_at(table, "a.b.c.d")) == (3, None, None)
    assert list(leaves(table | {"e": {}})) == [("a.b.c", 3), ("e", {})]
    assert without(table, "a.b.c") == {}
    assert without(table | {"e": 1}, "a.b") == {"e": 1}
    assert without(table, "x") == table
