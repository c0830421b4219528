"""What is checked of the worker's settings beyond each one's type: which need each other, and files that must be there."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.errors import SettingsError
from agent.gemini import GEMINI_VERSIONS, VERTEX_VERSIONS
from configuration import masked
from failover.encryption import Encryption
from failover.redis_client import check_redis_url

if TYPE_CHECKING:
    from agent.settings import Settings


def check_together(settings: "Settings") -> None:
    """Refuse settings that can't be used together, or whose files aren't there.

    Raises:
        SettingsError: the first one, in one sentence.
        ValueMistakeError: REDIS_URL or CHECKPOINT_KEY has a mistake.
    """
    if settings.gemini_base_url is not None:
        check_url("GEMINI_BASE_URL", settings.gemini_base_url, {"https", "wss"}, "https://127.0.0.1:7883")
    if settings.google_genai_use_vertexai:
        _check_vertex(settings)
    else:
        _check_key(settings)
    _check_version(settings)
    _check_stores(settings)
    _check_webhooks(settings.webhook_url)
    Encryption(settings.checkpoint_keys, b"", "")  # refuses what is no key
    if settings.gemini_ca_file is not None and not settings.gemini_ca_file.is_file():
        fix = "there is no such file; it is the PEM that the emulator's --ca-file writes"
        raise SettingsError("GEMINI_CA_FILE", str(settings.gemini_ca_file), fix)


def _check_stores(settings: "Settings") -> None:
    if settings.record and settings.record_dir is None:
        fix = "RECORD keeps calls there; name a folder, such as /var/lib/earshot/records, or leave RECORD empty"
        raise SettingsError("RECORD_DIR", None, fix)
    if settings.record_s3 is not None and settings.record_dir is None:
        raise SettingsError("RECORD_DIR", None, "RECORD_S3 copies the calls that are there; name the folder of RECORD")
    if settings.record_redact_sound == "on" and settings.record_redact == "off":
        fix = "only the lines from which RECORD_REDACT leaves out words are silenced; set RECORD_REDACT=on as well"
        raise SettingsError("RECORD_REDACT_SOUND", "on", fix)
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    if redis_url is not None:
        check_redis_url(redis_url)
    if settings.drain == "handover" and settings.failover == "off":
        raise SettingsError("DRAIN", "handover", "calls are handed over with FAILOVER=on alone; set that, or DRAIN=wait")
    if settings.resume_callers != "off" and settings.resume_callers_dir is None and redis_url is None:
        fix = "RESUME_CALLERS keeps what callers have said there; name a folder, such as /var/lib/callers, or set REDIS_URL"
        raise SettingsError("RESUME_CALLERS_DIR", None, fix)


def _check_webhooks(urls: tuple[str, ...]) -> None:
    """Refuse what can't be posted to. A URL may hold a secret, so that it isn't shown."""
    for number, url in enumerate(urls, start=1):
        try:
            check_url("WEBHOOK_URL", url, {"http", "https"}, "https://example.com/earshot")
            has_user = urlsplit(url).username is not None
        except SettingsError:
            fix = f"URL {number} must be one such as https://example.com/earshot, with commas between several"
            raise SettingsError("WEBHOOK_URL", "***", fix) from None
        if has_user:
            fix = f"URL {number} has a user's name; leave it out: each request is signed, which the receiver can check"
            raise SettingsError("WEBHOOK_URL", "***", fix)


def check_webhook_proxies(settings: "Settings") -> None:
    """Refuse a proxy that webhooks can't be sent through.

    Raises:
        SettingsError: names the setting.
    """
    for number, url in enumerate(settings.webhook_url, start=1):
        proxy = settings.proxy_for(url)
        if proxy is not None and urlsplit(proxy).scheme != "http":
            fix = f"{masked(proxy)} leads to URL {number}, and the proxy must be an http:// one; or name its host in NO_PROXY"
            raise SettingsError("WEBHOOK_URL", "***", fix)


def _check_key(settings: "Settings") -> None:
    if settings.google_api_key is None and settings.gemini_base_url is None:
        fix = "set GOOGLE_API_KEY (or GEMINI_API_KEY), or GEMINI_BASE_URL for the emulator; `make demo` runs without a key"
        raise SettingsError("GOOGLE_API_KEY", None, fix)
    key = settings.google_api_key.get_secret_value() if settings.google_api_key else ""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError("GOOGLE_API_KEY", "***", "a key has letters, digits and signs of ASCII alone; copy it anew")


def _check_vertex(settings: "Settings") -> None:
    project, file = settings.google_cloud_project, settings.google_application_credentials
    if project is None:
        fix = "Vertex needs a project of Google Cloud; set its id, or GOOGLE_GENAI_USE_VERTEXAI=false for the Gemini API"
        raise SettingsError("GOOGLE_CLOUD_PROJECT", None, fix)
    if re.fullmatch(r"[A-Za-z0-9.:_-]+", project) is None:
        raise SettingsError("GOOGLE_CLOUD_PROJECT", project, "it must be the project's id, such as my-project-123")
    if re.fullmatch(r"[a-z][a-z0-9-]*", settings.google_cloud_location) is None:
        raise SettingsError("GOOGLE_CLOUD_LOCATION", settings.google_cloud_location, "it must be a region such as us-central1")
    if file is not None and not file.is_file():
        fix = "there is no such file; it is a service account's key, or what `gcloud auth application-default login` writes"
        raise SettingsError("GOOGLE_APPLICATION_CREDENTIALS", str(file), fix)


def _check_version(settings: "Settings") -> None:
    version = settings.gemini_api_version
    name, known = ("Vertex", VERTEX_VERSIONS) if settings.google_genai_use_vertexai else ("the Gemini API", GEMINI_VERSIONS)
    if version is not None and version not in known:
        fix = f"{name} has Live models on {' and '.join(known)} alone; leave it out, and what is asked for decides"
        raise SettingsError("GEMINI_API_VERSION", version, fix)


def check_url(name: str, url: str, schemes: set[str], example: str) -> None:
    """Refuse what is no URL of these schemes.

    Raises:
        SettingsError: names the setting, with an example.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(name, url, f"it must be a URL such as {example}")
