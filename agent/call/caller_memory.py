"""A call and its caller's last one: what is taken over at the beginning, and what is kept at the end (RESUME_CALLERS).

Nothing here logs words, identities or telephone numbers.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Sequence

from livekit import rtc

from agent.call.caller_store import CallerStore, DirectoryStore
from agent.call.earlier_conversation import newest
from agent.call.redis_store import RedisStore
from agent.call.remembered_call import RememberedCall, Resumption, Terms, is_current, is_worth_keeping, resumption
from agent.gemini import Line
from agent.live_settings import model_of
from agent.persona import Persona
from agent.room.telephone import phone_call
from agent.settings import Settings

CALLER_COMES_S = 3.0
"""A call that could go on with an earlier one begins without it if its caller isn't there within this."""

logger = logging.getLogger("earshot.call")

CallerName = Callable[[str], str | None]
"""The name by which the caller with an identity is remembered; None: they aren't."""


class CallerMemory:
    """The memory of one call. Without a store it takes over nothing and keeps nothing.

    Args:
        store: of remembered calls.
        terms: of this call.
        name_of: the name by which a caller is remembered.
        keeps_handle: a handle of this service restores a whole session.
    """

    def __init__(self, store: CallerStore | None, terms: Terms, name_of: CallerName, *, keeps_handle: bool = True) -> None:
        self._store = store
        self._terms = terms
        self._name_of = name_of
        self._keeps_handle = keeps_handle
        self._identity: str | None = None
        self._name: str | None = None
        self._is_shared = False
        """The call had more than one caller: what the others have said is not for the first one to hear again."""
        self._caller_came = asyncio.Event()
        self._welcomes_back = False
        self._taken: RememberedCall | None = None
        """The caller's last call, which the store no longer has."""

    def caller_came(self, identity: str) -> None:
        """A caller is there, or rings."""
        if self._identity is None:
            self._identity, self._name = identity, self._name_of(identity)
        if identity != self._identity:
            self._is_shared, self._welcomes_back = True, False
        self._caller_came.set()

    async def recall(self) -> Resumption | None:
        """Wait for the caller, at most CALLER_COMES_S, and take what their last call has left for this one."""
        if self._store is None:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALLER_COMES_S):
                await self._caller_came.wait()
        name = self._only_name()
        if name is None:
            return None
        try:
            remembered = await self._store.take(name)
        except OSError as error:
            logger.warning("the caller's last call can't be read", extra={"reason": error.strerror or str(error)})
            return None
        if self._only_name() is None:  # somebody else came while the file was read
            await self._put(remembered)
            return None
        self._taken = remembered
        found = resumption(remembered, self._terms, time.time())
        if found is not None:
            self._welcomes_back = True
            logger.info("the call goes on from an earlier one", extra={"with_handle": found.handle is not None})
        return found

    def takes_welcome(self) -> bool:
        """Whether the next greeting is for a caller who has come back. True at most once."""
        welcomes_back, self._welcomes_back = self._welcomes_back, False
        return welcomes_back

    async def keep(self, handle: str | None, lines: Sequence[Line], own_lines: Sequence[Line]) -> None:
        """Remember the call, which has ended: its session can be resumed by the handle.

        If the caller said nothing in it, what was remembered before is put back, and is kept no longer than without this call.

        Args:
            handle: of the session; None: it can't be resumed.
            lines: those of the call, after those from before it.
            own_lines: those of the call alone.
        """
        if self._only_name() is None:
            return
        if not is_worth_keeping(own_lines):
            await self._put(self._taken)
            return
        await self._put(RememberedCall(self._terms, time.time(), handle if self._keeps_handle else None, tuple(newest(lines))))

    async def give_back(self) -> None:
        """The call was none, since another Earshot has the room: the store gets back what was taken, for the next call."""
        taken, self._taken = self._taken, None
        await self._put(taken)

    def _only_name(self) -> str | None:
        """The name by which the only caller is remembered. None: they aren't, or there were several."""
        return None if self._is_shared else self._name

    async def _put(self, remembered: RememberedCall | None) -> None:
        """Keep a call for the first caller, if there is one that has not expired."""
        if self._store is None or self._name is None or remembered is None or not is_current(remembered.ended_at, time.time()):
            return
        try:
            await self._store.put(self._name, remembered)
        except OSError as error:
            logger.warning("the call can't be remembered", extra={"reason": error.strerror or str(error)})


def caller_memory(settings: Settings, persona: Persona, room: rtc.Room, *, is_console: bool) -> CallerMemory:
    """The memory of a call in a room, as RESUME_CALLERS says. An interpreter and the console have none."""
    is_phone = settings.resume_callers == "phone"
    store = None if persona.translates or is_console else _store(settings)

    def name_of(identity: str) -> str | None:
        if not is_phone:
            return f"identity {identity}"
        participant = room.remote_participants.get(identity)
        phone = None if participant is None else phone_call(participant)
        return f"phone {phone.number}" if phone is not None and phone.number else None

    vertex = settings.google_genai_use_vertexai
    # on Vertex a handle of a session that was resumed restores its last connection alone (docs/facts.md G90)
    return CallerMemory(store, terms_of(settings, persona), name_of, keeps_handle=not vertex)


def _store(settings: Settings) -> CallerStore | None:
    """The store of remembered calls: a folder, or else Redis; None: nothing is remembered."""
    if settings.resume_callers == "off":
        return None
    secret = settings.secret.encode()
    if settings.resume_callers_dir is not None:
        return DirectoryStore(settings.resume_callers_dir, secret)
    return None if settings.redis_url is None else RedisStore(settings.redis_url.get_secret_value(), secret)


def terms_of(settings: Settings, persona: Persona) -> Terms:
    """The terms of the persona's calls with a worker's settings."""
    key = settings.google_api_key.get_secret_value() if settings.google_api_key else ""
    vertex = (settings.google_cloud_project, settings.google_cloud_location) if settings.google_genai_use_vertexai else ()
    access = repr((settings.gemini_base_url, *vertex) if vertex else (settings.gemini_base_url, key))
    hashed = hmac.new(settings.secret.encode(), access.encode(), hashlib.sha256)
    return Terms(persona.name, model_of(persona, settings), hashed.hexdigest())
