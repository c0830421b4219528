"""A misspelt persona is refused before the call; the names are those of the token server's /config."""

import pytest
from aiohttp import web

from caller import UnknownPersonaError
from caller.tokens import check_persona, offered_personas

OFFERED = ["assistant", "boxing_coach", "stadtfuehrer"]


def test_a_name_that_is_nearly_one_of_the_offered_is_refused() -> None:
    with pytest.raises(
        UnknownPersonaError, match=r"no persona 'stadtfurer'; did you mean 'stadtfuehrer'\? .* offers assistant, "
    ):
        check_persona("stadtfurer", OFFERED)


@pytest.mark.parametrize("name", ["boxing_coach", "pirate"])
def test_other_names_are_left_to_the_worker(name: str) -> None:
    check_persona(name, OFFERED)
    check_persona(name, [])


async def test_the_offered_names_are_read_beside_the_token_endpoint() -> None:
    async def config(_: web.Request) -> web.Response:
        return web.json_response({"personas": [{"name": name, "title": name} for name in OFFERED]})

    application = web.Application()
    application.add_routes([web.get("/config", config)])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert await offered_personas(f"{url}/token") == OFFERED
        assert await offered_personas(f"{url}/elsewhere/token") == [], "another token server has no such page"
    finally:
        await runner.cleanup()
    assert await offered_personas(f"{url}/token") == []
