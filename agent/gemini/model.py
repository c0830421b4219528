"""The realtime model as calls use it: pinned API version, one TLS context, no deflate, our session class."""

import functools
import inspect
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from google.genai import types
from livekit.agents.types import NOT_GIVEN
from livekit.agents.utils import aio
from livekit.plugins.google.realtime import realtime_api

from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from agent.gemini.session import PRIVATE_NAMES, EarshotSession

EMULATOR_KEY = "no-key-leaves-this-machine"
"""Sent instead of the real key when the endpoint isn't Google's."""

_LARGEST_FRAME_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Endpoint:
    """Which model, and where."""

    model: str
    api_key: str = field(repr=False)
    api_version: str = "v1beta"
    base_url: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True)
class Voicing:
    """How the model sounds and listens."""

    voice: str
    language: str | None = None
    temperature: float | None = None
    silence_ms: int = 500


@functools.cache
def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """The one TLS context of this process: building one takes longer than a frame of audio lasts.

    Raises:
        OSError: `ca_file` is missing or no certificate.
    """
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def check_plugin() -> list[str]:
    """The private names that `agent.gemini` relies on and that this version of the plugin lacks. None, as pinned."""
    source = Path(realtime_api.__file__).read_text(encoding="utf-8") + inspect.getsource(aio.Chan)
    return [name for name in PRIVATE_NAMES if not re.search(rf"self\.{name}\b", source)]


class EarshotModel(realtime_api.RealtimeModel):
    """Gemini Live for one call; a model is not shared between calls (docs/facts.md L9)."""

    def __init__(self, endpoint: Endpoint, voicing: Voicing) -> None:
        self.dropped_chunks = 0
        """Of the caller's sound, because the socket was too slow."""
        self.on_caller_speaks: Callable[[], None] = _nobody_listens
        self.on_caller_pauses: Callable[[], None] = _nobody_listens
        """Called when the model hears the caller's voice begin and end; not every model says so."""
        tls = tls_context(endpoint.ca_file)
        self._earshot_capabilities = CAPABILITIES.get(endpoint.model, CAUTIOUS)
        super().__init__(
            model=endpoint.model,
            api_key=endpoint.api_key,
            vertexai=False,
            api_version=endpoint.api_version,
            voice=voicing.voice,
            language=voicing.language or NOT_GIVEN,
            temperature=NOT_GIVEN if voicing.temperature is None else voicing.temperature,
            realtime_input_config=types.RealtimeInputConfig(
                automatic_activity_detection=types.AutomaticActivityDetection(silence_duration_ms=voicing.silence_ms)
            ),
            context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
            http_options=types.HttpOptions(
                base_url=endpoint.base_url,
                api_version=endpoint.api_version,
                # what isn't an httpx argument goes to websockets.connect (docs/facts.md L8)
                async_client_args={
                    "ssl": tls,
                    "verify": tls,
                    "compression": None,
                    "open_timeout": 5,
                    "close_timeout": 2,
                    "ping_timeout": 60,
                    "max_size": _LARGEST_FRAME_BYTES,
                },
                client_args={"verify": tls},
            ),
        )

    def session(self, *, turn_detection_disabled: bool = False) -> EarshotSession:
        """A conversation; the model's own voice activity detection takes the turns whatever is asked for."""
        del turn_detection_disabled
        session = EarshotSession(self, self._earshot_capabilities, self)
        self._sessions.add(session)
        return session

    def chunk_dropped(self) -> None:
        self.dropped_chunks += 1

    def activity(self, kind: types.VoiceActivityType) -> None:
        if kind is types.VoiceActivityType.ACTIVITY_START:
            self.on_caller_speaks()
        elif kind is types.VoiceActivityType.ACTIVITY_END:
            self.on_caller_pauses()


def _nobody_listens() -> None:
    """Until somebody does."""
