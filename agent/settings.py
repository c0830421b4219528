"""The worker's settings: the only reader of the environment and of `.env`. The environment wins.

They are read once, in the worker, and handed to the processes of its calls.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, SecretStr

from agent.errors import SettingsError
from agent.gemini import (
    GEMINI_URL,
    LiveTable,
    vertex_url,
)
from agent.setting_types import (
    LiveFile,
    PriceFile,
    RecordingSettings,
    Seconds,
    Usd,
    dotted_names,
    level,
    listed,
    message_content,
    model_name,
    switch,
)
from agent.settings_checks import check_together, check_url, check_webhook_proxies
from configuration import (
    LOWER_CASE,
    Folder,
    LiveKitPair,
    LogSettings,
    ProxySettings,
    ValueMistakeError,
    check_secret_for,
    proxy_for,
    read_model,
    set_native_proxy,
    values,
    with_pair,
)


class Settings(RecordingSettings, LogSettings, LiveKitPair, ProxySettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"
    """The SFU: ws:// or wss://."""
    livekit_connect_retries: int = Field(default=60, ge=1)
    """After this number of failed attempts in a row (up to 10 s apart) the worker ends with exit code 1."""

    agent_name: str = Field(default="earshot", min_length=1)
    """The agent name that a dispatch asks for."""
    persona: str = "assistant"
    """The persona of calls whose dispatch names none: a file in the personas' folder, without `.toml`."""
    personas_dir: Folder = Path(__file__).parent / "personas"
    """The folder of the persona files."""

    google_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("google_api_key", "gemini_api_key"))
    """The key of the Gemini API (https://aistudio.google.com/apikey). The worker needs it, Vertex, or GEMINI_BASE_URL."""
    gemini_model: Annotated[str, BeforeValidator(model_name)] = "gemini-3.8-live"
    """The Gemini Live model of calls whose persona names none. `python -m agent.gemini models` lists those that are known."""
    gemini_api_version: Annotated[str | None, LOWER_CASE] = None
    """The version of the Gemini API; without it the worker chooses (docs/access.md)."""
    google_genai_use_vertexai: bool = Field(
        default=False, validation_alias=AliasChoices("google_genai_use_enterprise", "google_genai_use_vertexai")
    )
    """Vertex instead of the Gemini API, with OAuth instead of a key."""
    google_cloud_project: str | None = None
    """The id of the Google Cloud project whose Vertex is used."""
    google_cloud_location: Annotated[str, LOWER_CASE] = "us-central1"
    """The region of Vertex. The default is that of LiveKit's plugin for Gemini."""
    google_application_credentials: Folder | None = None
    """The file with Vertex's credentials. Without it google-auth looks for gcloud's login, then for the machine's own."""
    gemini_base_url: str | None = None
    """An emulator or a proxy instead of Google. Neither the API key nor an access token is sent there."""
    gemini_ca_file: Folder | None = None
    """The certificate authority of GEMINI_BASE_URL (PEM)."""
    gemini_check: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "on"
    """Before it registers the worker opens one connection with the default persona, and stops if that is refused."""
    gemini_silence_ms: int = Field(default=500, ge=100, le=5000)
    """Silence that ends the caller's turn at the pace `normal`, in milliseconds; `[live]` tables win over it."""
    gemini_live_config: LiveFile = None
    """A TOML file whose `[live]` table holds for all personas; a persona's own `[live]` wins."""
    call_may_set: Annotated[tuple[str, ...], BeforeValidator(dotted_names)] = ()
    """The settings of `[live]` that a dispatch may set for its call: dotted names, each with all that is beneath it.

    `hearing.turns` is the one of `[hearing]`.
    """

    resume_callers: Annotated[Literal["off", "identity", "phone"], BeforeValidator(switch)] = "off"
    """Whether a caller who calls back within two hours continues the last call, and how callers are recognised."""
    resume_callers_dir: Folder | None = None
    """The folder where RESUME_CALLERS keeps the last calls of its callers. Without it they are kept in Redis."""
    redis_url: SecretStr | None = None
    """The Redis that workers on several machines share."""
    failover: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "on"
    """Whether another process goes on with a call whose process has died."""
    failover_dir: Folder | None = None
    """The folder for the state of running calls. Without it: Redis, else `$XDG_RUNTIME_DIR`, else /dev/shm, in memory."""
    checkpoint_key: SecretStr | None = None
    """Encrypts the state of running calls at rest: a Fernet key, or several with commas in between, the newest first."""
    gemini_prices: PriceFile = None
    """A TOML file with prices that win over those of agent/gemini/prices.toml."""
    cost_cap_usd: Usd | None = None
    """A call that has cost this ends with a goodbye. A persona and a dispatch may lower it."""
    day_cost_cap_usd: Usd | None = None
    """When the calls of a day (UTC) have cost this, new calls are refused."""
    day_cost_dir: Folder | None = None
    """The folder in which the costs of the day are kept; without it, by each worker for itself, until it ends."""

    webhook_url: Annotated[tuple[str, ...], BeforeValidator(listed), Field(repr=False)] = ()
    """The URLs that are told when a call starts and ends, comma-separated: http:// or https://."""
    webhook_dir: Folder | None = None
    """The folder in which messages wait that no receiver has taken. Without it: FAILOVER_DIR, else in memory, as that."""

    tool_details: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "on"
    """Whether the room is told the arguments and the results of tools, cut after some words, beside their names."""

    calls_per_worker: int = Field(default=10, ge=1)
    """The number of calls that a worker takes at once. It refuses more, and livekit-server asks the next worker."""
    job_memory_mb: int = Field(default=700, ge=200)
    """A call's process that uses more memory, in MB, hands its call over to another process. It is killed at 1.5 times that."""
    idle_processes: int = Field(default=2, ge=0)
    """Warm processes that wait for the next call."""
    health_host: str = "127.0.0.1"
    """The address of the health checks over HTTP (`/`, `/worker`, `/healthz`, `/readyz`, `/metrics`)."""
    health_port: int = Field(default=0, ge=0, le=65535)
    """The port of the health checks. 0 picks a free one, so that several workers fit on one machine."""
    drain_timeout_s: int = Field(default=1800, ge=1)
    """The longest time for which running calls continue after SIGTERM, in seconds."""
    drain: Literal["wait", "handover"] = "wait"
    """What happens to running calls after SIGTERM. `wait`: they go on, and are handed over to other workers when
    DRAIN_TIMEOUT_S is over. `handover`: they are handed over at once."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"], BeforeValidator(level)] = Field(
        default="INFO", validation_alias=AliasChoices("log_level", "livekit_log_level")
    )
    """The lowest level of the log. DEBUG shows what libraries log, which may quote callers."""

    otel_exporter_otlp_endpoint: str | None = None
    """The base URL of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Without it there are no traces."""
    otel_exporter_otlp_headers: SecretStr | None = None
    """The headers of each request to that collector, as `name=value` with commas in between."""
    otel_instrumentation_genai_capture_message_content: Annotated[Literal["on", "off"], BeforeValidator(message_content)] = (
        "off"
    )
    """Whether traces have what is said, and arguments and results of tools; numbers and what a persona lists are left out."""

    start_s: Seconds = 30
    """The longest time for joining the room and connecting the model."""
    caller_join_s: Seconds = 60
    """A call that nobody joins ends after this time."""
    caller_listens_s: Seconds = 10
    """A caller who hasn't subscribed to the agent's audio by then gets captions only."""
    caller_return_s: Seconds = 20
    """The time in which a caller whose connection was lost may come back."""
    still_there_s: Seconds = 30
    """After this silence the agent asks once whether the caller is still there."""
    caller_silence_s: Seconds = 90
    """A call in which nobody says anything ends after this time, with a goodbye."""
    answer_s: Seconds = 60
    """A call ends if the model doesn't answer a typed turn, a tool's result or the worker for this long."""
    tool_s: Seconds = 10
    """A tool that hasn't returned by then is cancelled, and the model says that it didn't work."""
    gemini_away_s: Seconds = 60
    """A call ends if Gemini can't be reached for this long; the caller is told meanwhile."""
    longest_call_s: Seconds = 1800
    """A call ends after this time, with a goodbye."""
    goodbye_s: Seconds = 15
    """The longest wait for a goodbye; then the call ends without it."""

    @property
    def live_base(self) -> LiveTable:
        """The `[live]` table that lies beneath that of every persona."""
        return self.gemini_live_config.content if self.gemini_live_config else {}

    @property
    def job_killed_at_mb(self) -> float:
        """The memory at which LiveKit kills a call's process."""
        return 1.5 * self.job_memory_mb

    @property
    def checkpoint_keys(self) -> tuple[str, ...]:
        """The Fernet keys, the newest first."""
        keys = self.checkpoint_key.get_secret_value() if self.checkpoint_key else ""
        return tuple(key.strip() for key in keys.split(",") if key.strip())

    @property
    def remembered_calls_dir(self) -> Path | None:
        """The folder of remembered calls; None: there is none, or nothing is remembered."""
        return None if self.resume_callers == "off" else self.resume_callers_dir

    @property
    def gemini_proxy(self) -> str | None:
        """The proxy that leads to Google, as a URL."""
        return None if self.gemini_base_url else self.proxy_for(self.google_url)

    @property
    def google_url(self) -> str:
        """Google's address for the Live API."""
        return vertex_url(self.google_cloud_location) if self.google_genai_use_vertexai else GEMINI_URL

    @property
    def livekit_proxy(self) -> str | None:
        """The proxy that leads to LiveKit, as a URL."""
        return self.livekit_proxy_for(self.livekit_url)


_COLLECTOR = "http://127.0.0.1:4318"
_RENAMED = {"CALL_MEMORY_MB": "JOB_MEMORY_MB"}


def read_settings(env_file: Path | str | None = ".env", **given: object) -> Settings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
        FileError: `.env` can't be read.
    """
    try:
        known = values(os.environ, env_file)
        for old, new in _RENAMED.items():
            if old in known.known:
                fix = f"write {new} instead, with two thirds of the number{known.where(old)}: 1.5 times as much ends the call"
                raise SettingsError(old, known.known[old], fix)
        settings = read_model(Settings, known, given)
        check_together(settings)
        check_url("LIVEKIT_URL", settings.livekit_url, {"ws", "wss", "http", "https"}, "ws://127.0.0.1:7880")
        if settings.otel_exporter_otlp_endpoint is not None:
            check_url("OTEL_EXPORTER_OTLP_ENDPOINT", settings.otel_exporter_otlp_endpoint, {"http", "https"}, _COLLECTOR)
        settings = with_pair(settings, settings.livekit_url)
        check_secret_for(settings.livekit_url, settings.secret)
        google = () if settings.gemini_base_url else (settings.google_url,)
        for url in (settings.livekit_url, *google, *settings.webhook_url):
            proxy_for(url, known)
        check_webhook_proxies(settings)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None
    return settings


def variable(name: str) -> str | None:
    """A variable that a persona's file names, for a secret of a service that is no setting of the worker's; None without one.

    Raises:
        FileError: `.env` can't be read.
    """
    return values(os.environ, ".env").known.get(name.upper())


def prepare_environment(settings: Settings) -> None:
    """Set what LiveKit's libraries read from the environment themselves, before they start processes."""
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")  # no local VAD or end-of-turn model: saves 245 MB
    # LiveKit looks for blocked event loops 50 times a second in every process, waiting ones included; to find blocks of this
    # length it looks 20 times, which saves an idle worker some 40 % of its CPU
    os.environ.setdefault("LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS", "250")
    # each of a call's threads would keep freed memory of its own: 1.5 MB of a call
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    # LiveKit's command line would take these as they are written there, over what was read here
    os.environ["LIVEKIT_URL"] = settings.livekit_url
    os.environ["LIVEKIT_API_KEY"] = settings.key
    os.environ["LIVEKIT_API_SECRET"] = settings.secret
    os.environ["LIVEKIT_LOG_LEVEL"] = settings.log_level
    set_native_proxy(os.environ, settings.livekit_url, settings.livekit_proxy)
