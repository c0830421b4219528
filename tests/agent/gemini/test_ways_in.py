"""The worker's ways in to Google, each against the emulator: an API key, Vertex with OAuth, an ephemeral token."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.genai import types
from livekit.agents import llm

from agent.endpoint import access_of, endpoint_of
from agent.errors import PersonaError, SettingsError
from agent.gemini import (
    EMULATOR_KEY,
    TRANSLATE_MODEL,
    Access,
    ApiKey,
    Cause,
    CredentialsError,
    EarshotModel,
    Endpoint,
    EphemeralToken,
    FixedToken,
    GoogleAccessTokens,
    Kind,
    Trial,
    Vertex,
    Voicing,
    capabilities_of,
    key_or_token,
    live_config,
    try_setup,
)
from agent.gemini.api_version import api_version
from agent.gemini.commands import main
from agent.gemini.commands.token import make_token
from agent.settings import Settings
from emulator.faults.catalogue import fault_from_text
from emulator.profiles import PROFILES
from tests.agent.gemini.listening import Told
from tests.agent.test_assistant import assistant
from tests.emulator.conftest import Running
from tests.emulator.google_oauth import OAuthServer, oauth_server

MODEL = "gemini-3.8-live"
VERTEX_MODEL = next(profile.model for profile in PROFILES.values() if profile.vertex)


@pytest.fixture
async def oauth(tmp_path: Path) -> AsyncIterator[OAuthServer]:
    async with oauth_server(tmp_path) as server:
        yield server


def config(model: str) -> types.LiveConnectConfig:
    """The worker's own setup, with all its tools."""
    worker = assistant()
    return live_config(Voicing("Puck"), capabilities_of(model), worker.instructions, llm.ToolContext(worker.tools))


async def tried(emulator: Running, endpoint: Endpoint, within_s: float = 10) -> Trial:
    return await try_setup(endpoint, config(endpoint.model), within_s=within_s)


def received_setup(emulator: Running) -> dict[str, object]:
    """The newest setup that the emulator has received."""
    lines = emulator[0].journal.recent
    setups = [line["message"]["setup"] for line in lines() if "setup" in line.get("message", {})]
    setup: dict[str, object] = setups[-1]
    return setup


async def test_a_key_lets_in(emulator: Running, tmp_path: Path) -> None:
    state, url, _ = emulator
    state.api_key = "the-key"
    good = Endpoint(MODEL, ApiKey("the-key"), base_url=url, ca_file=tmp_path / "ca.pem")
    assert await tried(emulator, good) == Trial()
    bad = await tried(emulator, Endpoint(MODEL, ApiKey("another"), base_url=url, ca_file=tmp_path / "ca.pem"))
    assert (bad.cause, bad.is_final, bad.reason) == (Cause.KEY, True, "API key not valid. Please pass a valid API key.")


@pytest.mark.parametrize("model", [MODEL, VERTEX_MODEL])
async def test_vertex_lets_in_with_an_access_token(emulator: Running, oauth: OAuthServer, tmp_path: Path, model: str) -> None:
    """A service account's file, a real request for the token, and Vertex's path, header and model name."""
    state, url, _ = emulator
    state.api_key = "token-1"  # the emulator takes the bearer's token for its key
    access = Vertex("project", "us-central1", GoogleAccessTokens(oauth.file))
    assert await tried(emulator, Endpoint(model, access, base_url=url, ca_file=tmp_path / "ca.pem")) == Trial()
    assert received_setup(emulator)["model"] == f"projects/project/locations/us-central1/publishers/google/models/{model}"
    assert oauth.given == ["token-1"]


async def test_an_access_token_is_renewed_before_it_expires(emulator: Running, oauth: OAuthServer, tmp_path: Path) -> None:
    """By each new connection, and in a thread: the server for tokens runs in this loop, which would hang otherwise."""
    access = Vertex("project", "us-central1", GoogleAccessTokens(oauth.file))
    endpoint = Endpoint(MODEL, access, base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    oauth.life_s = 60  # less than google-auth's margin
    assert await tried(emulator, endpoint) == Trial()
    oauth.life_s, before = 3600, len(oauth.given)
    for _ in range(2):
        assert await tried(emulator, endpoint) == Trial()
    assert len(oauth.given) == before + 1


async def test_a_call_asks_for_a_fresh_access_token_when_it_connects_again(
    emulator: Running, oauth: OAuthServer, tmp_path: Path
) -> None:
    oauth.life_s = 60  # less than google-auth's margin
    emulator[0].faults.add(fault_from_text("abrupt_1006:after_s=0.1"))
    told = Told()
    access = Vertex("project", "us-central1", GoogleAccessTokens(oauth.file))
    endpoint = Endpoint(MODEL, access, base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as model, asyncio.timeout(20):
        model.session()
        while len(oauth.given) < 2:
            await asyncio.sleep(0.01)
        assert await model.connected()
    assert not any(event.kind is Kind.FAILED for event in told.events)


async def test_a_call_whose_credentials_are_refused_ends(emulator: Running, oauth: OAuthServer, tmp_path: Path) -> None:
    oauth.refuses = True
    access = Vertex("project", "us-central1", GoogleAccessTokens(oauth.file))
    assert await ended_with(Endpoint(MODEL, access, base_url=emulator[1], ca_file=tmp_path / "ca.pem")) is Cause.KEY


async def test_refused_credentials_are_final_and_absent_google_is_not(
    emulator: Running, oauth: OAuthServer, tmp_path: Path
) -> None:
    oauth.refuses = True
    tokens = GoogleAccessTokens(oauth.file)
    endpoint = Endpoint(MODEL, Vertex("p", "us-central1", tokens), base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    refused = await tried(emulator, endpoint)
    assert refused == Trial(Cause.KEY, is_final=True, reason="invalid_grant: Invalid JWT Signature.")
    account = json.loads(oauth.file.read_text())
    oauth.file.write_text(json.dumps(account | {"token_uri": "http://127.0.0.1:9/token"}))
    with pytest.raises(ConnectionError, match="no access token"):
        await GoogleAccessTokens(oauth.file).token()
    oauth.file.write_text("{}")
    with pytest.raises(CredentialsError, match="type"):
        await GoogleAccessTokens(oauth.file).token()


def settings(emulator: Running, tmp_path: Path, **values: object) -> Settings:
    """The worker's settings with the emulator in Google's place."""
    return Settings.model_validate({"gemini_base_url": emulator[1], "gemini_ca_file": tmp_path / "ca.pem"} | values)


async def made_token(emulator: Running, tmp_path: Path, *, uses: int = 1, minutes: int = 30, persona: str | None = None) -> str:
    """A token from our own command's function."""
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return await make_token(settings(emulator, tmp_path), uses=uses, until=until, persona=persona)


def with_token(emulator: Running, tmp_path: Path, name: str) -> Endpoint:
    return endpoint_of(settings(emulator, tmp_path, google_api_key=name))


async def ended_with(endpoint: Endpoint) -> Cause | None:
    """The cause for which a call's link fails at once; None if it connects."""
    told = Told()
    async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as model:
        model.session()
        if await model.connected():
            return None
    return told.events[-1].cause


async def test_a_token_lets_in_as_often_as_it_says(emulator: Running, tmp_path: Path) -> None:
    """Our command makes it, v1alpha takes it in the key's place, the trial uses no session of it, and its end is told."""
    name = await made_token(emulator, tmp_path)
    endpoint = with_token(emulator, tmp_path, name)
    assert ".v1alpha.GenerativeService.BidiGenerateContentConstrained" in endpoint.address().url
    for _ in range(2):
        assert await tried(emulator, endpoint) == Trial()
    assert await ended_with(endpoint) is None
    assert await ended_with(endpoint) is Cause.TOKEN_USED_UP


async def test_a_token_that_has_expired_is_told_in_words(emulator: Running, tmp_path: Path) -> None:
    """At the start, and in a call that begins or resumes."""
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    name = emulator[0].tokens.create({"uses": 0}, an_hour_ago)["name"]
    endpoint = with_token(emulator, tmp_path, name)
    trial = await tried(emulator, endpoint)
    assert (trial.cause, trial.is_final, trial.reason) == (Cause.TOKEN_EXPIRED, True, "Token has expired")
    assert await ended_with(endpoint) is Cause.TOKEN_EXPIRED


async def test_a_token_locks_what_it_was_made_for(emulator: Running, tmp_path: Path) -> None:
    """The model always; a persona's voice and instructions if it was made for one. Tools stay the client's."""
    (tmp_path / "clerk.toml").write_text('instructions = "Be a clerk."\nvoice = "Kore"\n')
    until = datetime.now(UTC) + timedelta(minutes=5)
    about = settings(emulator, tmp_path, personas_dir=tmp_path)
    for persona, locked in ((None, {("model",)}), ("clerk", {("model",), ("system_instruction", "parts")})):
        name = await make_token(about, uses=0, until=until, persona=persona)
        token = emulator[0].tokens.admit(name, datetime.now(UTC), resumed=True)
        assert locked <= set(token.mask)
        assert ("tools",) not in token.mask
        assert token.setup is not None
        assert token.setup["model"] == f"models/{MODEL}"
        other = {"model": "models/other", "system_instruction": {"parts": [{"text": "Be rude."}]}, "tools": [{}]}
        held = token.constrain(other)
        assert held["model"] == f"models/{MODEL}"
        assert held["tools"] == [{}]
        assert (held["system_instruction"]["parts"][0]["text"] == "Be rude.") is (persona is None)
    (tmp_path / "polyglot.toml").write_text(
        f'model = "{TRANSLATE_MODEL}"\nlive.translation_config.target_language_code = "pl"\n'
    )
    name = await make_token(about, uses=0, until=until, persona="polyglot")
    setup = emulator[0].tokens.admit(name, datetime.now(UTC), resumed=True).setup
    assert setup is not None
    assert setup["model"] == f"models/{TRANSLATE_MODEL}"
    assert setup["generation_config"]["translation_config"]["target_language_code"] == "pl"
    with pytest.raises(PersonaError, match="nobody"):
        await make_token(about, uses=1, until=until, persona="nobody")


async def test_who_has_no_key_makes_no_token(emulator: Running, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    token = settings(emulator, tmp_path, google_api_key="auth_tokens/abc")
    vertex = settings(emulator, tmp_path, google_genai_use_vertexai=True, google_cloud_project="project")
    for way, named in ((token, "'***': an ephemeral token"), (vertex, "not set: Vertex")):
        with pytest.raises(SettingsError) as caught:
            await make_token(way, uses=1, until=until)
        assert str(caught.value) == f"GOOGLE_API_KEY is {named} can't make ephemeral tokens; set an API key of the Gemini API"
    emulator[0].api_key = "another"
    with pytest.raises(SettingsError, match=r"Google makes no token with it \(API key not valid"):
        await make_token(settings(emulator, tmp_path), uses=1, until=until)
    with pytest.raises(ConnectionError, match=r"https://127\.0\.0\.1:9 isn't reachable"):
        await make_token(settings(emulator, tmp_path, gemini_base_url="https://127.0.0.1:9"), uses=1, until=until)


async def test_the_command_prints_the_token_alone(
    emulator: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, "gemini_api_key"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("GEMINI_BASE_URL", emulator[1])
    monkeypatch.setenv("GEMINI_CA_FILE", str(tmp_path / "ca.pem"))
    assert await asyncio.to_thread(main, ["token", "--uses", "3", "--minutes", "20"]) == 0
    said = capsys.readouterr()
    token = emulator[0].tokens.admit(said.out.strip(), datetime.now(UTC), resumed=True)
    assert token.uses == 3
    assert token.expires_at == token.new_sessions_until
    assert said.err.startswith(f"for 3 sessions with {MODEL}, until ")
    assert await asyncio.to_thread(main, ["token", "--persona", "nobody"]) == 2
    assert capsys.readouterr().err.startswith("persona 'nobody': there is no such file")


def test_neither_key_nor_access_token_goes_to_a_base_url(tmp_path: Path) -> None:
    elsewhere = {"gemini_base_url": "https://proxy.example", "google_api_key": "the-key"}
    key = Settings.model_validate(elsewhere)
    assert access_of(key) == ApiKey(EMULATOR_KEY)
    vertex = Settings.model_validate(elsewhere | {"google_genai_use_vertexai": True, "google_cloud_project": "p"})
    assert access_of(vertex) == Vertex("p", "us-central1", FixedToken(EMULATOR_KEY))
    token = Settings.model_validate(elsewhere | {"google_api_key": "auth_tokens/a"})
    assert access_of(token) == EphemeralToken("auth_tokens/a")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_dials_its_location(location: str, host: str) -> None:
    """The address is google-genai's, but for its double slash."""
    access = Vertex("p", location, FixedToken())
    path = "ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    assert Endpoint(MODEL, access).address().url == f"wss://{host}/{path}"
    assert access.model_name("m") == f"projects/p/locations/{location}/publishers/google/models/m"
    assert access.model_name("projects/q/locations/l/endpoints/1") == "projects/q/locations/l/endpoints/1"


def test_a_secret_is_in_no_text() -> None:
    ways = (ApiKey("s3cret"), key_or_token("auth_tokens/s3cret"), Vertex("p", "l", FixedToken("s3cret")))
    for way in ways:
        endpoint = Endpoint(MODEL, way, proxy="http://user:s3cret@proxy:1")
        assert "s3cret" not in repr(endpoint) + repr(endpoint.address())


AFFECTIVE = types.LiveConnectConfig(enable_affective_dialog=True)
PROACTIVE = types.LiveConnectConfig(proactivity=types.ProactivityConfig(proactive_audio=True))
NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
KEY, TOKEN, VERTEX = ApiKey("k"), EphemeralToken("auth_tokens/a"), Vertex("p", "l", FixedToken())


@pytest.mark.parametrize(
    ("access", "model", "asked", "wanted", "version"),
    [
        (KEY, MODEL, None, None, "v1beta"),
        (KEY, MODEL, types.LiveConnectConfig(), None, "v1beta"),
        (KEY, NATIVE, AFFECTIVE, None, "v1alpha"),
        (KEY, NATIVE, PROACTIVE, None, "v1alpha"),
        (KEY, MODEL, PROACTIVE, None, "v1beta"),
        (TOKEN, MODEL, None, None, "v1alpha"),
        (VERTEX, MODEL, None, None, "v1beta1"),
        (VERTEX, NATIVE, AFFECTIVE, None, "v1beta1"),
        (KEY, NATIVE, AFFECTIVE, "v1beta", "v1beta"),
        (TOKEN, MODEL, None, "v1beta", "v1beta"),
        (VERTEX, MODEL, None, "v1", "v1"),
    ],
)
def test_what_is_asked_for_chooses_the_version(
    access: Access, model: str, asked: types.LiveConnectConfig | None, wanted: str | None, version: str
) -> None:
    assert api_version(access, model, asked, wanted) == version


@pytest.mark.parametrize("asked", [AFFECTIVE, PROACTIVE])
async def test_the_chosen_version_takes_what_was_asked_for(
    emulator: Running, tmp_path: Path, asked: types.LiveConnectConfig
) -> None:
    chosen = Endpoint(NATIVE, KEY, base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    assert await try_setup(chosen, asked, within_s=10) == Trial()
    beta = await try_setup(replace(chosen, api_version="v1beta"), asked, within_s=10)
    assert (beta.cause, beta.is_final) == (Cause.SETTINGS, True)


async def test_v1_has_no_live_models(emulator: Running, tmp_path: Path) -> None:
    endpoint = Endpoint(MODEL, KEY, api_version="v1", base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    refused = await tried(emulator, endpoint)
    assert (refused.cause, refused.is_final) == (Cause.MODEL, True)
    assert refused.reason.startswith(f"models/{MODEL} is not found for API version v1, ")
