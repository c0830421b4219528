"""The realtime model as calls use it: pinned API version, one TLS context, our session class on our link."""

import asyncio
import functools
import inspect
import re
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from google.genai import types
from livekit.agents.types import NOT_GIVEN
from livekit.plugins.google.realtime import realtime_api

from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from agent.gemini.core import LinkCore
from agent.gemini.events import Cause, Kind, Line, LinkEvent
from agent.gemini.limits import LinkLimits
from agent.gemini.link import Link
from agent.gemini.messages import Received
from agent.gemini.session import CHUNK_MS, PRIVATE_NAMES, EarshotSession
from agent.gemini.socket import Address

EMULATOR_KEY = "no-key-leaves-this-machine"
"""Sent instead of the real key when the endpoint isn't Google's."""

_SURELY_S = 0.3
"""So much more than the silence that the service was told ends a turn surely ends it."""
_GOOGLE = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True)
class Endpoint:
    """Which model, and where."""

    model: str
    api_key: str = field(repr=False)
    api_version: str = "v1beta"
    base_url: str | None = None
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    """`http://`, `https://` or `socks5://`, with a password if need be."""

    def address(self) -> Address:
        """The socket's; an ephemeral token knocks at a door of its own (docs/facts.md G26)."""
        base = urlsplit(self.base_url or _GOOGLE)
        token = self.api_key.startswith("auth_tokens/")
        method = "BidiGenerateContentConstrained" if token else "BidiGenerateContent"
        path = f"{base.path.rstrip('/')}/ws/google.ai.generativelanguage.{self.api_version}.GenerativeService.{method}"
        headers = {"Authorization": f"Token {self.api_key}"} if token else {"x-goog-api-key": self.api_key}
        return Address(f"wss://{base.netloc}{path}", headers, tls_context(self.ca_file), self.proxy)


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
    source = inspect.getsource(realtime_api)
    return [name for name in PRIVATE_NAMES if not re.search(rf"self\.{name}\b", source)]


class EarshotModel(realtime_api.RealtimeModel):
    """Gemini Live for one call; a model is not shared between calls (docs/facts.md L9)."""

    def __init__(
        self, endpoint: Endpoint, voicing: Voicing, limits: LinkLimits | None = None, *, chunk_ms: int = CHUNK_MS
    ) -> None:
        self.on_link: Callable[[LinkEvent], None] = _nobody_listens
        """Told what happens to the connection: events.py has the words."""
        self.on_caller_speaks: Callable[[], None] = _nobody_listens
        self.on_caller_pauses: Callable[[], None] = _nobody_listens
        """Called when the model hears the caller's voice begin and end; not every model says so."""
        self.on_tools_cancelled: Callable[[list[str]], None] = _nobody_listens
        """Told the ids of function calls that nobody wants answered any more."""
        self.history: Callable[[], Sequence[Line]] | None = None
        """What was said and heard so far, for a session that has forgotten it; by default what the plugin knows."""
        self.counts: Counter[tuple[Kind, str]] = Counter()
        """What happened to the link, by kind and cause."""
        self._endpoint = endpoint
        self._chunk_ms = chunk_ms
        self._limits = replace(limits or LinkLimits(), pause_s=voicing.silence_ms / 1000 + _SURELY_S)
        self._connected = asyncio.Event()
        self._failed = False
        self._link: Link | None = None
        self._running: asyncio.Task[None] | None = None
        self._session: EarshotSession | None = None
        self._earshot_capabilities = CAPABILITIES.get(endpoint.model, CAUTIOUS)
        thinking = self._earshot_capabilities.thinking
        super().__init__(
            model=endpoint.model,
            api_key=endpoint.api_key,
            vertexai=False,
            api_version=endpoint.api_version,
            voice=voicing.voice,
            language=voicing.language or NOT_GIVEN,
            temperature=NOT_GIVEN if voicing.temperature is None else voicing.temperature,
            realtime_input_config=_listening(voicing.silence_ms),
            thinking_config=NOT_GIVEN if thinking is None else types.ThinkingConfig(thinking_level=thinking),
            context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
        )
        # A connection can be asked for other tools, so agents that take turns share one session: what the model knows, and the
        # calls that wait for a result, outlive a change of agents.
        self.capabilities.mutable_tools = self.capabilities.manual_function_calls = True
        self.capabilities.supports_say = True

    def session(self, *, turn_detection_disabled: bool = False) -> EarshotSession:
        """A conversation; the model's own voice activity detection takes the turns whatever is asked for."""
        del turn_detection_disabled
        self.dial()
        assert self._link is not None
        session = EarshotSession(self, self._earshot_capabilities, self._link, self._tools_cancelled, self._chunk_ms)
        self._session = session
        self._link.on_event = self._on_event
        self._sessions.add(session)
        return session

    def dial(self) -> None:
        """Begin to connect, before there is a session."""
        if self._running is not None and not self._running.done():
            return
        core = LinkCore(self._earshot_capabilities, self._limits, self._history, seed=id(self))
        self._link = Link(self._endpoint.address(), self._endpoint.model, core, self._limits)
        self._link.on_event = self._on_event
        self._link.on_received = self._on_received
        self._link.on_skipped = self._on_skipped
        self._running = asyncio.create_task(self._link.run(), name="gemini-link")

    async def connected(self) -> bool:
        """Wait until the model can hear; False if it never will."""
        await self._connected.wait()
        return not self._failed

    def microphone(self, *, is_open: bool) -> None:
        """The caller's microphone was opened or closed; while it is closed, its silence is not the model's business."""
        if self._link is not None:
            self._link.microphone(is_open=is_open)

    @property
    def dropped_chunks(self) -> int:
        """Of the caller's sound, 20 ms each, because nothing took it for half a minute."""
        return round(self._link.dropped_s * 1000 / CHUNK_MS) if self._link is not None else 0

    async def aclose(self) -> None:
        """End the conversation, in little more than a second."""
        if self._link is not None:
            await self._link.aclose()
        if self._running is not None:
            await asyncio.wait({self._running})
        await super().aclose()

    def _history(self) -> Sequence[Line]:
        if self.history is not None:
            return self.history()
        return self._session.history() if self._session is not None else ()

    def _tools_cancelled(self, ids: list[str]) -> None:
        self.on_tools_cancelled(ids)

    def _on_event(self, event: LinkEvent) -> None:
        self.counts[event.kind, event.cause] += 1
        self._failed = self._failed or event.kind is Kind.FAILED
        if event.kind in {Kind.CONNECTED, Kind.FAILED}:
            self._connected.set()
        if self._session is not None:
            self._session.on_event(event)
        self.on_link(event)

    def _on_skipped(self) -> None:
        self.counts[Kind.IGNORED, Cause.UNREADABLE] += 1

    def _on_received(self, received: Received) -> None:
        if received.caller_begins:
            self.on_caller_speaks()
        elif received.caller_ends:
            self.on_caller_pauses()


def _listening(silence_ms: int) -> types.RealtimeInputConfig:
    detection = types.AutomaticActivityDetection(silence_duration_ms=silence_ms)
    return types.RealtimeInputConfig(automatic_activity_detection=detection)


def _nobody_listens(*_: object) -> None:
    """Until somebody does."""
