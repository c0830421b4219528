"""A trial of a setup: one connection that asks for it and ends, before a call needs it."""

import asyncio
from dataclasses import dataclass

from google.genai import types
from picows import WSError

from agent.gemini import messages, wire
from agent.gemini.access import EphemeralToken
from agent.gemini.connection.closes import Failure, Remedy, Stage, judge
from agent.gemini.endpoint import Endpoint
from agent.gemini.events import Cause
from agent.gemini.google_credentials import CredentialsError
from agent.gemini.socket import Socket
from agent.gemini.socket_failures import refused_with

_NO_SESSION = "no-such-session"
"""The handle of no session. To resume one is no use of an ephemeral token (docs/facts.md G44)."""


@dataclass(frozen=True)
class Trial:
    """The outcome of a trial."""

    cause: Cause | None = None
    """The cause of a failure; None if the service takes the setup."""
    is_final: bool = False
    """True if another attempt would fail the same way."""
    code: int | None = None
    """The WebSocket's close code, or the HTTP status of a refused upgrade."""
    reason: str = ""
    """The service's own words, or the network's."""


async def try_setup(endpoint: Endpoint, config: types.LiveConnectConfig, *, within_s: float) -> Trial:
    """Open a connection, ask for `config`, wait for the answer, and close. The outcome is of the first failure, or of none.

    With an ephemeral token it asks to resume a session that doesn't exist, so that the token isn't used up. The answer is then
    about the token alone.
    """
    handle = _NO_SESSION if isinstance(endpoint.access, EphemeralToken) else None
    attempt = _Attempt(wire.first_message(wire.setup(endpoint.model_name, config), handle), resumes=handle is not None)
    socket = Socket(attempt)
    attempt.socket = socket
    awaited = "access token"
    try:
        async with asyncio.timeout(within_s):
            await endpoint.access.headers()  # the same token lets the connection in
            awaited = "answer"
            await socket.open(endpoint.address(config), within_s=within_s)
            return await attempt.trial
    except TimeoutError:
        return Trial(Cause.HANDSHAKE, reason=f"no {awaited} within {within_s:g} s")
    except CredentialsError as error:
        return Trial(Cause.KEY, is_final=True, reason=str(error))
    except (OSError, WSError) as error:
        return _judged(Failure(Stage.DIAL, refused_with(error)), str(error))
    finally:
        await socket.close()


class _Attempt:
    """The listener of the trial's one socket."""

    def __init__(self, first_message: bytes, *, resumes: bool) -> None:
        self.trial: asyncio.Future[Trial] = asyncio.get_running_loop().create_future()
        self.socket: Socket | None = None
        self._first_message = first_message
        self._stage = Stage.RESUME if resumes else Stage.FRESH

    def on_upgraded(self) -> None:
        assert self.socket is not None
        self.socket.send(self._first_message)

    def on_frame(self, frame: bytes) -> None:
        try:
            is_taken = messages.read(frame).setup_complete
        except messages.MalformedError as error:
            self._end(Trial(Cause.UNREADABLE, reason=str(error)))
        else:
            if is_taken:
                self._end(Trial())

    def on_pong(self) -> None:
        pass

    def on_stalled(self, *, stalled: bool) -> None:
        pass

    def on_closed(self, code: int | None, reason: str) -> None:
        trial = _judged(Failure(self._stage, code, reason), reason)
        self._end(Trial() if trial.cause is Cause.HANDLE else trial)

    def _end(self, trial: Trial) -> None:
        if not self.trial.done():
            self.trial.set_result(trial)


def _judged(failure: Failure, reason: str) -> Trial:
    verdict = judge(failure)
    return Trial(verdict.cause, verdict.remedy is Remedy.NONE, failure.code, reason)
