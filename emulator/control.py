"""The control endpoint: plain http on loopback, for tests that ask for faults and read reports. No part of the Live API.

Web pages are kept out, since a browser on this machine reaches loopback too: a request of a foreign page is refused by its
Origin or Sec-Fetch-Site header, one that came by a foreign DNS name by its Host header, and a body must be declared as JSON,
which no page can send to another origin without asking first.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from configuration import is_loopback
from emulator.errors import FaultError
from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_table
from emulator.messages import Json
from emulator.sessions import Sessions

_LARGEST_BODY_BYTES = 64 * 1024

Report = Callable[[], list[Json]]


@asynccontextmanager
async def controlling(
    faults: Faults, sessions: Sessions, journal: Report, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve the control endpoint until the block is left; yields its URL."""
    application = web.Application(client_max_size=_LARGEST_BODY_BYTES, middlewares=[_programs_only])
    application.add_routes(
        [
            web.post("/faults", _adding(faults)),
            web.get("/faults", _reporting(faults.report)),
            web.delete("/faults", _clearing(faults)),
            web.get("/sessions", _reporting(sessions.report)),
            web.post("/hears", _announcing(sessions)),
            web.get("/journal", _reporting(journal)),
            web.get("/picture", _showing(sessions)),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _programs_only(request: web.Request, handler: _Handler) -> web.StreamResponse:
    host = request.headers.get("Host", "")
    if not is_loopback(_host_name(host)):
        return web.json_response(
            {"error": f"{host[:100]!r} is not an address of this machine's loopback interface"}, status=403
        )
    own = request.headers.get("Origin", f"http://{host}") == f"http://{host}"
    if not own or request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return web.json_response({"error": "web pages of elsewhere may not use the control endpoint"}, status=403)
    if request.method == "POST" and request.content_type != "application/json":
        return web.json_response({"error": "send JSON, and the header `Content-Type: application/json`"}, status=415)
    return await handler(request)


def _host_name(host: str) -> str:
    """The name in a Host header: without its port, and without an IPv6 address's brackets."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return name.removeprefix("[").removesuffix("]")


def _adding(faults: Faults) -> _Handler:
    async def add(request: web.Request) -> web.Response:
        try:
            fault = fault_from_table(json.loads(await request.read()))
            faults.add(fault)
        except (ValueError, RecursionError):
            return web.json_response({"error": 'the body is no JSON; send {"name": NAME, PARAMETER: VALUE, ...}'}, status=400)
        except FaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"name": fault.name, "parameters": fault.parameters()}, status=201)

    return add


def _announcing(sessions: Sessions) -> _Handler:
    async def announce(request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.read())
        except (ValueError, RecursionError):
            asked = None
        words = asked.get("text") if isinstance(asked, dict) else None
        handle = asked.get("session") if isinstance(asked, dict) else None
        if not isinstance(words, str) or not words.strip() or not isinstance(handle, str | None):
            return web.json_response({"error": 'send {"text": WORDS} and, if need be, "session": HANDLE'}, status=400)
        meant = sessions.announce(words, handle)
        if not meant:
            return web.json_response({"error": "no such session is on a socket; GET /sessions lists them"}, status=404)
        return web.json_response({"sessions": meant}, status=201)

    return announce


def _clearing(faults: Faults) -> _Handler:
    async def clear(_request: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    return clear


def _reporting(report: Report) -> _Handler:
    async def show(_request: web.Request) -> web.Response:
        return web.json_response(report())

    return show


def _showing(sessions: Sessions) -> _Handler:
    async def show(request: web.Request) -> web.Response:
        picture = sessions.newest_picture(request.query.get("session"))
        if picture is None:
            return web.json_response(
                {"error": "no such session on a socket has got a picture; GET /sessions lists them"}, status=404
            )
        data, mime_type = picture
        # a browser must not take for a page what a client has sent
        return web.Response(body=data, content_type="image/jpeg" if mime_type == "image/jpeg" else "application/octet-stream")

    return show
