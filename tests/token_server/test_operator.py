"""The operator's key: a bearer token for programs, and a session in a cookie for a browser."""

import re

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request

from token_server.errors import RefusedError
from token_server.operator import COOKIE, SESSION_PATH, SESSION_S, OperatorAccess

KEY = "the-key-of-the-operator"
BEARER = {"Authorization": f"Bearer {KEY}"}


def request(address: str = "192.0.2.1", scheme: str = "http", **headers: str) -> Request:
    fields = {"Host": "example.com"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    scope = {"type": "http", "method": "GET", "path": "/calls", "headers": raw, "client": (address, 1), "scheme": scheme}
    return Request(scope | {"query_string": b"", "server": ("example.com", 80)})


def refusal(access: OperatorAccess, asked: Request) -> str | None:
    """The code with which a request is refused; None if it isn't."""
    try:
        access.check(asked)
    except RefusedError as refused:
        return refused.code
    return None


def access() -> OperatorAccess:
    return OperatorAccess(SecretStr(KEY))


async def cookie(of: OperatorAccess, scheme: str = "http") -> str:
    return (await of.sign_in(request(scheme=scheme, **BEARER))).headers["Set-Cookie"]


def test_the_key_is_a_bearer_token() -> None:
    operator = access()
    assert refusal(operator, request(**BEARER)) is None
    for wrong in ({}, {"Authorization": "Bearer another"}, {"Authorization": KEY}, {"X-Api-Key": KEY}):
        assert refusal(operator, request(**wrong)) == "unauthorized"


def test_an_address_with_many_wrong_keys_has_to_wait_even_with_the_right_one() -> None:
    operator = access()
    wrong = request(Authorization="Bearer wrong")
    assert [refusal(operator, wrong) for _ in range(11)] == [*["unauthorized"] * 10, "too_many_requests"]
    assert refusal(operator, request(**BEARER)) == "too_many_requests"
    assert refusal(operator, request("192.0.2.2", **BEARER)) is None


async def test_a_browser_gets_a_session_that_no_script_and_no_other_site_can_use() -> None:
    operator = access()
    given_cookie = await cookie(operator)
    assert re.fullmatch(rf"{COOKIE}=\d+\.[0-9a-f]{{64}}; HttpOnly; Max-Age={SESSION_S}; Path=/; SameSite=strict", given_cookie)
    assert KEY not in given_cookie
    assert "; Secure" in await cookie(operator, "https")
    session = given_cookie.partition(";")[0]
    assert refusal(operator, request(Cookie=session)) is None
    assert refusal(operator, request(Cookie=session, Sec_Fetch_Site="same-origin", Origin="http://example.com")) is None
    assert refusal(operator, request(Cookie=session, Sec_Fetch_Site="same-site")) == "unauthorized"
    assert refusal(operator, request(Cookie=session, Origin="http://app.example.com")) == "unauthorized"


async def test_a_session_ends_with_its_time_and_with_the_key() -> None:
    operator, later = access(), OperatorAccess(SecretStr("another-key-of-the-operator"))
    session = (await cookie(operator)).partition(";")[0]
    assert refusal(later, request(Cookie=session)) == "unauthorized"
    longer = re.sub(r"\d", "9", session.partition(".")[0]) + "." + session.partition(".")[2]
    assert refusal(operator, request(Cookie=longer)) == "unauthorized"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters=';,"\\'), max_size=100))
def test_no_other_cookie_is_a_session(value: str) -> None:
    assert refusal(access(), request(Cookie=f"{COOKIE}={value}")) == "unauthorized"


def test_the_routes_are_those_of_the_session() -> None:
    assert {route.path for route in access().routes} == {SESSION_PATH}
