"""Where this folder's tests find Gemini: in `make test` the emulator, in `make real` what the environment and `.env` say."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from livekit.agents import llm

from agent.endpoint import endpoint_of
from agent.gemini import Cause, LiveTable, Trial, Voicing, capabilities_of, live_config, try_setup
from agent.settings import Settings, read_settings
from emulator.profile import Profile
from emulator.profiles import PROFILES
from tests.e2e.stack import API_KEY, API_SECRET, Gemini

REAL = "EARSHOT_REAL"
"""The variable of the environment by which `make real` tells its tests what they are."""
SCRIPT = Path(__file__).parent / "script.toml"
CONVERSING = tuple(profile for profile in PROFILES.values() if not profile.translation.translates)
"""The models that hold a conversation; one that translates answers nobody."""
_ANSWERS_S = 20.0
_LIVEKIT = {"livekit_url": "ws://127.0.0.1:7880", "livekit_api_key": API_KEY, "livekit_api_secret": API_SECRET}


@dataclass(frozen=True)
class Served:
    """The models of one place, and how a worker gets there."""

    settings: Settings = field(repr=False)
    is_google: bool
    """Whether Google answers, which says what it likes."""

    @property
    def place(self) -> Gemini:
        """The address, for a worker; there is no journal."""
        return Gemini(self.settings.gemini_base_url or "", self.settings.gemini_ca_file or Path(), Path(os.devnull))

    def worker_settings(self, profile: Profile) -> dict[str, str]:
        """What a worker's environment says of the model and the way to it."""
        known = self._settings_for(profile)
        key = known.google_api_key
        return {
            "GEMINI_MODEL": profile.model,
            "GOOGLE_API_KEY": "" if key is None else key.get_secret_value(),
            "GEMINI_BASE_URL": known.gemini_base_url or "",
            "GEMINI_CA_FILE": str(known.gemini_ca_file or ""),
            "GOOGLE_GENAI_USE_VERTEXAI": str(profile.vertex),
            "GOOGLE_CLOUD_PROJECT": known.google_cloud_project or "",
        }

    async def skip_unless_served(self, profile: Profile) -> None:
        """Skip the test if this key, or this project, doesn't have the model: with Google's reason."""
        if profile.vertex and self.settings.google_cloud_project is None:
            pytest.skip("GOOGLE_CLOUD_PROJECT is not set: models of Vertex need a project")
        if not profile.vertex and self.settings.google_api_key is None and self.is_google:
            pytest.skip("GOOGLE_API_KEY is not set: models of the Gemini API need a key")
        trial = await self.tried(profile, {})
        if trial.cause is Cause.MODEL:
            pytest.skip(f"{profile.name} is not served here: {trial.reason}")
        assert trial.cause is None, f"{profile.name}: {trial.reason}"

    async def tried(self, profile: Profile, live: LiveTable) -> Trial:
        """Ask the model for a session with the settings of a `[live]` table, those that the worker would refuse as well."""
        config = live_config(Voicing("Puck", live=live), capabilities_of(profile.model), "Be brief.", llm.ToolContext.empty())
        return await try_setup(endpoint_of(self._settings_for(profile)), config, within_s=_ANSWERS_S)

    def _settings_for(self, profile: Profile) -> Settings:
        return self.settings.model_copy(update={"gemini_model": profile.model, "google_genai_use_vertexai": profile.vertex})


def emulated(model: Gemini) -> Served:
    """The models of an emulator that the tests have started."""
    given = {"gemini_base_url": model.url, "gemini_ca_file": model.ca_file, "google_cloud_project": "project"}
    return Served(Settings.model_validate(given), is_google=False)


def asked_for() -> Served:
    """The models that `make real` was asked to test.

    Raises:
        AgentError: there is no key, or a setting can't be used. One sentence.
        FileError: `.env` can't be read.
    """
    settings = read_settings(**_LIVEKIT)
    return Served(settings, is_google=settings.gemini_base_url is None)
