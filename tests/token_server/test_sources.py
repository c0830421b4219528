"""What the page is told: the sources that callers may publish, by TOKEN_SOURCES or the personas; and about recordings."""

from pathlib import Path

import pytest

from token_server.errors import SettingsError
from token_server.page_config import PersonaFolder, page_config, sources
from token_server.settings import TokenServerSettings, read_settings


def settings(folder: Path, **given: object) -> TokenServerSettings:
    return read_settings(env_file=None, personas_dir=folder, **given)


@pytest.mark.parametrize(
    ("personas", "offered"),
    [
        ({}, ("microphone",)),
        ({"talker": ""}, ("microphone",)),
        ({"looker": '[eyes]\nsources = ["camera"]'}, ("microphone", "camera")),
        (
            {"one": '[eyes]\nsources = ["screen_share"]', "other": '[eyes]\nsources = ["camera"]'},
            ("microphone", "camera", "screen_share"),
        ),
        ({"odd": '[eyes]\nsources = ["microphone", "tv", 3]'}, ("microphone",)),
        ({"odd": "[eyes]\nsources = true", "worse": "eyes = 3", "broken": "[eyes"}, ("microphone",)),
    ],
)
def test_callers_may_show_what_a_persona_looks_at(tmp_path: Path, personas: dict[str, str], offered: tuple[str, ...]) -> None:
    for name, table in personas.items():
        (tmp_path / f"{name}.toml").write_text(f'instructions = "x"\n{table}')
    assert sources(settings(tmp_path)) == offered
    assert page_config(settings(tmp_path))["sources"] == offered


@pytest.mark.parametrize(
    ("given", "told"), [({}, None), ({"token_recording": "ON"}, "on"), ({"token_recording": "off"}, "off")]
)
def test_the_page_is_told_about_recordings_what_the_operator_says(
    tmp_path: Path, given: dict[str, str], told: str | None
) -> None:
    assert page_config(settings(tmp_path, **given))["recording"] == told


def test_what_token_sources_says_is_all_that_they_may(tmp_path: Path) -> None:
    (tmp_path / "looker.toml").write_text('instructions = "x"\n[eyes]\nsources = ["camera"]')
    assert sources(settings(tmp_path, token_sources="screen_share")) == ("screen_share",)


def test_the_shipped_personas_look_at_nothing() -> None:
    assert sources(read_settings(env_file=None)) == ("microphone",)


def test_a_saved_persona_is_offered_at_once_and_so_is_what_it_looks_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = PersonaFolder(settings(tmp_path))
    assert (folder.config()["personas"], folder.sources()) == ([], ("microphone",))
    (tmp_path / "chef.toml").write_text('instructions = "Cook."\n[eyes]\nsources = ["camera"]')
    assert folder.config()["personas"] == [{"name": "chef", "title": "Chef"}]
    assert folder.sources() == ("microphone", "camera")
    (tmp_path / "chef.toml").write_text("instructions = Cook")
    for _ in range(3):
        assert folder.config()["personas"] == []
    assert len(caplog.messages) == 1, "what is wrong is logged once for each change"


@pytest.mark.parametrize(("record", "told"), [("audio", "on"), ("off", None), ("", None)])
def test_calls_that_the_workers_record_are_told_of(tmp_path: Path, record: str, told: str | None) -> None:
    assert page_config(settings(tmp_path, record=record))["recording"] == told
    assert page_config(settings(tmp_path, record=record, token_recording="on"))["recording"] == "on"


def test_the_page_may_not_deny_a_recording(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOKEN_RECORDING is 'off': RECORD is 'audio'"):
        settings(tmp_path, record="audio", token_recording="off")
