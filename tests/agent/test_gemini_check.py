"""The check of Gemini before the first call: what is refused stops the worker in a sentence, what may pass is a warning."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.endpoint import endpoint_of
from agent.errors import SettingsError
from agent.gemini import EarshotModel
from agent.live_settings import voicing_of
from agent.persona import Persona, load
from agent.settings import Settings
from agent.worker.gemini_check import GeminiProblem, check_gemini
from emulator.faults.catalogue import fault_from_text
from tests.agent.test_assistant import assistant
from tests.emulator.conftest import Running
from tests.emulator.google_oauth import oauth_server

ROOT = Path(__file__).parents[2]
HERE = Persona(name="clerk", instructions="Be a clerk.")


def settings(emulator: Running, tmp_path: Path, **values: object) -> Settings:
    """The worker's settings with the emulator in Google's place."""
    return Settings.model_validate({"gemini_base_url": emulator[1], "gemini_ca_file": tmp_path / "ca.pem"} | values)


async def check(known: Settings, within_s: float = 10) -> GeminiProblem | None:
    return await check_gemini(known, HERE, assistant().tools, within_s=within_s)


async def refusal(known: Settings) -> str:
    with pytest.raises(SettingsError) as caught:
        await check(known)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_it_asks_for_what_calls_ask_for_and_leaves(emulator: Running, tmp_path: Path) -> None:
    assert await check(settings(emulator, tmp_path)) is None
    lines = emulator[0].journal.recent()
    [setup] = [line["message"]["setup"] for line in lines if "setup" in line["message"]]
    assert setup["systemInstruction"]["parts"] == [{"text": "Be a clerk."}]
    assert setup["tools"]
    while emulator[0].connections:
        await asyncio.sleep(0.01)


async def test_a_personas_setting_chooses_the_version_that_takes_it(emulator: Running, tmp_path: Path) -> None:
    """In the check and in a call: affective dialog is unknown to the emulator on `v1beta`."""
    known = settings(emulator, tmp_path, gemini_model="gemini-2.5-flash-native-audio-preview-12-2025")
    warm = replace(HERE, live={"enable_affective_dialog": True})
    await check_gemini(known, warm, assistant().tools, within_s=10)
    async with EarshotModel(endpoint_of(known), voicing_of(known, warm)) as model:
        model.session()
        assert await model.connected()


async def test_off_asks_nobody(emulator: Running, tmp_path: Path) -> None:
    await check(settings(emulator, tmp_path, gemini_check="off"))
    assert {line["session"] for line in emulator[0].journal.recent()} == {""}, "the journal's own line"


async def test_a_refused_key_is_named_with_googles_reason(emulator: Running, tmp_path: Path) -> None:
    emulator[0].api_key = "another"
    assert await refusal(settings(emulator, tmp_path)) == (
        "GOOGLE_API_KEY is '***': Gemini refuses it (API key not valid. Please pass a valid API key); set another,"
        " or GEMINI_CHECK=off starts the worker all the same"
    )


async def test_a_refused_model_is_named(emulator: Running, tmp_path: Path) -> None:
    said = await refusal(settings(emulator, tmp_path, gemini_model="gemini-9-live"))
    assert said.startswith(
        "GEMINI_MODEL is 'gemini-9-live': Gemini refuses it (models/gemini-9-live is not found for API version"
    )
    vertex = {"google_genai_use_vertexai": True, "google_cloud_project": "project", "gemini_model": "gemini-9-live"}
    said = await refusal(settings(emulator, tmp_path, **vertex))
    assert said.startswith(
        "GEMINI_MODEL is 'gemini-9-live': Gemini refuses it (Publisher model `projects/project/locations/us-"
    )


async def test_a_refused_model_of_the_persona_s_own_is_named(emulator: Running, tmp_path: Path) -> None:
    own = replace(HERE, model="gemini-9-live")
    with pytest.raises(SettingsError) as caught:
        await check_gemini(settings(emulator, tmp_path), own, assistant().tools, within_s=10)
    said = "PERSONA is 'clerk': its model gemini-9-live: Gemini refuses it (models/gemini-9-live is not found for API version"
    assert str(caught.value).startswith(said)


async def test_an_interpreters_model_takes_what_its_calls_ask_for(emulator: Running, tmp_path: Path) -> None:
    interpreter = load("interpreter", ROOT / "agent" / "personas")
    assert await check_gemini(settings(emulator, tmp_path), interpreter, [], within_s=10) is None


CLOSES = {
    ("1007", "User location is not supported for the API use."): "GOOGLE_API_KEY is '***': Gemini refuses it (User location",
    (
        "1007",
        "Request contains an invalid argument.",
    ): "PERSONA is 'clerk': Gemini refuses it (Request contains an invalid argument)",
}


@pytest.mark.parametrize("close", CLOSES, ids=lambda close: close[1])
async def test_a_refused_place_or_setting_is_named(emulator: Running, tmp_path: Path, close: tuple[str, str]) -> None:
    emulator[0].faults.add(fault_from_text(f"close:at=setup,code={close[0]},reason={close[1]}"))
    assert (await refusal(settings(emulator, tmp_path))).startswith(CLOSES[close])


async def test_a_refused_region_of_vertex_is_named(emulator: Running, tmp_path: Path) -> None:
    emulator[0].faults.add(fault_from_text("close:at=setup,code=1007,reason=User location is not supported for the API use."))
    vertex = settings(emulator, tmp_path, google_genai_use_vertexai=True, google_cloud_project="project")
    assert (await refusal(vertex)).startswith("GOOGLE_CLOUD_LOCATION is 'us-central1': Gemini refuses it (User location")


async def test_an_expired_token_is_named(emulator: Running, tmp_path: Path) -> None:
    name = emulator[0].tokens.create({}, datetime.now(UTC) - timedelta(hours=1))["name"]
    assert await refusal(settings(emulator, tmp_path, google_api_key=name)) == (
        "GOOGLE_API_KEY is '***': the ephemeral token has expired; make another with `python -m agent.gemini token`"
    )


async def test_refused_credentials_are_named(tmp_path: Path) -> None:
    """Without GEMINI_BASE_URL; Google's server for access tokens is asked before Gemini is."""
    async with oauth_server(tmp_path) as oauth:
        oauth.refuses = True
        vertex = {"google_genai_use_vertexai": True, "google_cloud_project": "project"}
        known = Settings.model_validate(vertex | {"google_application_credentials": oauth.file})
        said = await refusal(known)
    assert said.startswith(f"GOOGLE_APPLICATION_CREDENTIALS is '{oauth.file}': it can't be used (invalid_grant")


PASSING = {
    "close:at=setup,code=1011,reason=The service is currently unavailable.": "(closed): The service is currently unavailable",
    "close:at=setup,code=1011,reason=You exceeded your current quota.": "(quota): You exceeded your current quota",
    "upgrade_refused:status=503": "(unavailable): ",
    "setup_complete_late:seconds=5": "(handshake): no answer within 0.5 s",
}


@pytest.mark.parametrize("fault", PASSING)
async def test_what_may_pass_is_a_warning(
    emulator: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    emulator[0].faults.add(fault_from_text(fault))
    problem = await check(settings(emulator, tmp_path), within_s=0.5)
    assert PASSING[fault] in only_warning(caplog)
    assert problem == GeminiProblem(only_warning(caplog)), "`/readyz` says the same"


async def test_nobody_there_is_a_warning(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    await check(Settings.model_validate({"gemini_base_url": "https://127.0.0.1:9"}))
    assert only_warning(caplog).startswith("Gemini at https://127.0.0.1:9 can't be used yet (unavailable): ")


def only_warning(caplog: pytest.LogCaptureFixture) -> str:
    [record] = [record for record in caplog.records if record.name == "earshot.worker"]
    assert record.levelno == logging.WARNING
    return record.getMessage()
