"""The emulator for tests and programs of any kind: in a thread of its own, behind methods that any thread may call."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from anyio.from_thread import start_blocking_portal

from emulator.answers import Answers
from emulator.auto import Auto
from emulator.errors import NotConnectedError, ScriptError
from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text, faults_of_script
from emulator.faults.fault import Fault
from emulator.journal import Direction, Journal
from emulator.messages import Json
from emulator.script import load
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context

_HOST = "127.0.0.1"
_MOST_LINES = 10_000
"""Lines of the journal that are kept: two minutes of a call with sound."""
_ANY_KEY = "any"


class GeminiLive:
    """The Gemini Live API on this machine, for as long as a `with` block lasts: `with GeminiLive() as gemini_live:`.

    The server runs in a thread with an event loop of its own. Clients may be in this process or in another one, with asyncio,
    anyio, trio or without an event loop. Every method may be called from any thread, and returns at once.

    Args:
        script: what the model says: TOML as a `str`, or a TOML file as a `Path`. None: the model answers by itself.
        faults: faults from the start on, each as `NAME:k=v,...`; `python -m emulator faults` lists them.
        api_key: the only key that is accepted; None accepts any key.
        time_scale: multiplies all limits on how long connections and sessions last; 0.02 makes ten minutes twelve seconds.
        port: the port on 127.0.0.1; 0 is a free one.

    Raises:
        ScriptError: on entering, when the script can't be used.
        FaultError: on entering, when a fault can't be asked for.
        OSError: on entering, when the port is taken.
    """

    url: str
    """The address of the server, `https://127.0.0.1:PORT`: the base URL of a client."""
    ca_file: Path
    """The certificate (PEM) of the authority by which clients verify the server. The file is deleted with the block."""

    def __init__(
        self,
        script: str | Path | None = None,
        *,
        faults: tuple[str, ...] = (),
        api_key: str | None = None,
        time_scale: float = 1.0,
        port: int = 0,
    ) -> None:
        self.api_key = api_key or _ANY_KEY
        """A key that the server accepts."""
        self._script, self._asked, self._port = script, faults, port
        self._journal = Journal(None, most_recent=_MOST_LINES)
        self._emulator = Emulator(Auto(), self._journal, api_key=api_key, time_scale=time_scale)
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._folder = Path(opened.enter_context(TemporaryDirectory(prefix="gemini-live-")))
            self.ca_file = self._folder / "ca.pem"
            tls = server_context(self.ca_file)
            opened.enter_context(self._journal)
            self._portal = opened.enter_context(start_blocking_portal(name="gemini-live"))
            self.use_script(self._script)
            for asked in self._asked:
                self.add_fault(asked)
            served = serving(self._emulator, host=_HOST, port=self._port, tls=tls)
            port = opened.enter_context(self._portal.wrap_async_context_manager(served))
            self.url = f"https://{_HOST}:{port}"
            self._exit = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exit.__exit__(kind, error, at)

    @property
    def http_options(self) -> dict[str, Any]:
        """The way to the server as google-genai takes it: `genai.Client(api_key=..., http_options=gemini_live.http_options)`.

        Frameworks that want an object get `types.HttpOptions(**gemini_live.http_options)`.
        """
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        return {
            "base_url": self.url,
            "api_version": "v1beta",  # v1, which the SDKs ask for by themselves, has no Live models
            "client_args": {"verify": tls},
            "async_client_args": {"ssl": tls, "verify": tls},
        }

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead a program with one of Google's SDKs to the server instead of to Google."""
        return {
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "GOOGLE_GENAI_API_VERSION": "v1beta",
            "GEMINI_API_KEY": self.api_key,
            "GOOGLE_API_KEY": self.api_key,
            "SSL_CERT_FILE": str(self.ca_file),  # Python
            "NODE_EXTRA_CA_CERTS": str(self.ca_file),
        }

    def use_script(self, script: str | Path | None) -> None:
        """Change what the model says in sessions that open from now on: TOML, a TOML file, or None for the default answers.

        Raises:
            ScriptError: the script can't be used.
        """
        answers, faults = self._read(script)
        for fault in faults:
            self._portal.call(self._emulator.faults.add, fault)
        self._portal.call(self._emulator.answer_with, answers)

    def announce(self, words: str) -> None:
        """Say what the caller's next spoken turn contains: it is transcribed so, and answered as if it had been typed.

        The emulator hears that somebody speaks, and not what.

        Raises:
            NotConnectedError: no client has a session.
        """
        if not self._portal.call(self._emulator.sessions.announce, words):
            raise NotConnectedError(words)

    def add_fault(self, fault: str) -> None:
        """Break something from now on, on connections that are open as well: `NAME:k=v,...`, such as `goaway:after_s=0`.

        Raises:
            FaultError: there is no such fault or parameter.
        """
        self._portal.call(self._emulator.faults.add, fault_from_text(fault))

    def clear_faults(self) -> None:
        """Withdraw all faults."""
        self._portal.call(self._emulator.faults.clear)

    def expecting(self, *faults: str) -> AbstractContextManager[None]:
        """Break something for the time of a block, in which each fault must happen: `with live.expecting("goaway:after_s=0"):`.

        Raises:
            FaultError: there is no such fault or parameter.
            FaultNotHappenedError: at the end of the block, if a fault has not happened.
        """
        asked = [fault_from_text(fault) for fault in faults]
        return self._portal.wrap_async_context_manager(_expecting(self._emulator.faults, asked))

    def faults(self) -> list[Json]:
        """The faults that were asked for: `name`, `parameters`, how often `asked` for, how often `happened`."""
        return self._portal.call(self._emulator.faults.report)

    def sessions(self) -> list[Json]:
        """The sessions so far: `handle`, whether a connection has it (`held`), `spoken_turns`, `audio_s`, `open_calls`."""
        return self._portal.call(self._emulator.sessions.report)

    def journal(self) -> list[Json]:
        """The newest 10,000 messages and events: `t` (s, monotonic), `session`, `direction` and `message`.

        Sound is left out: its place has its length.
        """
        return self._portal.call(self._journal.recent)

    def received(self, kind: str) -> list[Any]:
        """The messages of clients of one kind, without the envelope: `received("setup")`, `received("toolResponse")`.

        A client that spells the kind `tool_response` is found as well. What is in a message is as the client wrote it.
        """
        return self._messages("received", kind)

    def sent(self, kind: str) -> list[Any]:
        """The messages of the model of one kind, without the envelope: `sent("serverContent")`, `sent("toolCall")`."""
        return self._messages("sent", kind)

    def _messages(self, direction: Direction, kind: str) -> list[Any]:
        messages = [line["message"] for line in self.journal() if line["direction"] == direction]
        return [content for message in messages for key, content in message.items() if _plain(key) == _plain(kind)]

    def _read(self, script: str | Path | None) -> tuple[Answers, list[Fault]]:
        if script is None:
            return Auto(), []
        if isinstance(script, str):
            if script.endswith(".toml"):
                raise ScriptError(script, f"a str is the script itself; for a file pass Path({script!r})")
            path = self._folder / "script.toml"
            path.write_text(script, encoding="utf-8")
        else:
            path = script
        read = load(path)
        return read, faults_of_script(path, read.faults)


def _plain(key: str) -> str:
    """A key as protobuf's JSON compares it: `tool_response` and `toolResponse` are one."""
    return key.replace("_", "").lower()


@asynccontextmanager
async def _expecting(faults: Faults, asked: list[Fault]) -> AsyncIterator[None]:
    with faults.expecting(*asked):
        yield
