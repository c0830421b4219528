"""The pages of recorded calls, /calls and /calls/NAME, and what they show: /records. All of it is for the operator's key alone,
but for the pages' own files, which are the same for everybody.

No part of a request becomes a path unless it is a call's name (records/call_folder.py).
"""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from records.call_folder import is_name
from records.search import CallSearch
from token_server.connections import allow_long_answer
from token_server.error_responses import NO_STORE
from token_server.errors import RefusedError
from token_server.operator import OperatorAccess
from token_server.page import MEDIA_TYPES
from token_server.recorded_calls import RecordedCalls, media_type

FILES = "/operator/"
"""Where the pages' files are."""
_PAGE_FILE = "calls.html"
_SHARED = ("colours.css", "icon.svg")
"""Files of the callers' page that these pages have as well."""
_RANGE = re.compile(r"bytes=(\d{1,15}-\d{0,15}|-\d{1,15})", re.IGNORECASE)
"""One range of bytes. Of another one no part is sent, however it is meant: parts are bounded."""
PRIVATE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(), camera=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
"""Headers of the pages, and of everything that they show."""


def _name(text: str) -> str:
    if text and not is_name(text):
        raise ValueError("it is no name of a call; `next` of an answer is one")
    return text


class SearchForm(BaseModel):
    """The query of GET /records."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=200)] = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    ending: Annotated[str, Field(pattern="^[a-z_]{0,40}$")] = ""
    faults: bool = False
    before: Annotated[str, AfterValidator(_name)] = ""


class CallPages:
    """Serves the pages of recorded calls.

    Args:
        calls: The folder of all calls (RECORD_DIR).
        web: The folder of the callers' page, which has the pages' files in its folder `operator`.
        access: Tells the operator's requests from others'.
    """

    def __init__(self, calls: Path, web: Path, access: OperatorAccess) -> None:
        self._records = RecordedCalls(calls)
        self._access = access
        own = [path for path in (web / "operator").glob("*.*") if path.suffix in MEDIA_TYPES]
        shared = [web / name for name in _SHARED]
        self._files = {path.name: path for path in [*own, *shared] if path.is_file()}

    @property
    def routes(self) -> list[Route]:
        """The routes of the pages, of their files, and of what they show."""
        gzip = [Middleware(GZipMiddleware, compresslevel=4)]
        return [
            Route("/calls", self.page),
            Route("/calls/{call}", self.page),
            *(Route(f"{FILES}{name}", self.file, middleware=gzip) for name in sorted(self._files)),
            Route("/records", self.search, middleware=gzip),
            Route("/records/{call}", self.call, middleware=gzip),
            Route("/records/{call}/waveform", self.waveform, middleware=gzip),
            Route("/records/{call}/sound", self.sound),
        ]

    async def page(self, _: Request) -> Response:
        """The response to GET /calls and /calls/NAME: the same page, which asks for what it shows.

        Raises:
            RefusedError: its file isn't here.
        """
        if _PAGE_FILE not in self._files:
            raise RefusedError(404, "not_found", "The page of recorded calls is not here (web/operator is missing).")
        return FileResponse(self._files[_PAGE_FILE], headers=PRIVATE, media_type=MEDIA_TYPES[".html"])

    async def file(self, request: Request) -> Response:
        """One of the pages' files; the request's path is that of a route."""
        path = self._files[request.scope["path"].removeprefix(FILES)]
        headers = PRIVATE | {"Cache-Control": "no-cache"}
        return FileResponse(path, headers=headers, media_type=MEDIA_TYPES[path.suffix])

    async def search(self, request: Request) -> Response:
        """The response to GET /records: the newest calls that match the query.

        Raises:
            RefusedError: the request isn't the operator's, or a field of the query can't be used.
        """
        self._access.check(request)
        form = _search_form(request)
        wanted = CallSearch(form.text, form.since, form.until, form.ending, form.faults)
        return _private(await self._records.search(wanted, form.before))

    async def call(self, request: Request) -> Response:
        """The response to GET /records/NAME: the call's summary, what was said, and its events.

        Raises:
            RefusedError: the request isn't the operator's, or there is no such call.
        """
        self._access.check(request)
        return _private(await self._records.call(request.path_params["call"]))

    async def waveform(self, request: Request) -> Response:
        """The response to GET /records/NAME/waveform: the loudness of both sides.

        Raises:
            RefusedError: the request isn't the operator's, or there is no such call, or no waveform of it.
        """
        self._access.check(request)
        return _private(await self._records.waveform(request.path_params["call"]))

    async def sound(self, request: Request) -> Response:
        """The response to GET /records/NAME/sound: the file, or the part of it that Range asks for, if it isn't too large.

        Raises:
            RefusedError: the request isn't the operator's, or there is no such sound, or no such part of it.
        """
        self._access.check(request)
        path = await self._records.sound_path(request.path_params["call"])
        if "Range" not in request.headers:
            allow_long_answer()  # half an hour of a WAV file is 174 MB
            name = f"{request.path_params['call']}{path.suffix}"
            return FileResponse(path, headers=PRIVATE, media_type=media_type(path), filename=name)
        part = await self._records.sound_part(path, *_range(request.headers["Range"]))
        last = part.start + len(part.content) - 1
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {part.start}-{last}/{part.size}"}
        return Response(part.content, 206, headers=PRIVATE | headers, media_type=part.media_type)


def _range(asked: str) -> tuple[int | None, int | None]:
    """The first and the last byte that a request asks for, as `RecordedCalls.sound_part` takes them."""
    found = _RANGE.fullmatch(asked)
    if found is None:
        raise RefusedError(416, "bad_range", "Range has one range of bytes, such as bytes=0-1023.")
    start, end = (int(digits) if digits else None for digits in found[1].split("-"))
    return start, end


def _search_form(request: Request) -> SearchForm:
    try:
        return SearchForm.model_validate(dict(request.query_params))
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        field_name = ascii(".".join(map(str, error["loc"]))[:60])[1:-1]
        raise RefusedError(400, "bad_field", f"{field_name}: {error['msg'].removeprefix('Value error, ')}.") from None


def _private(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers=PRIVATE | NO_STORE)
