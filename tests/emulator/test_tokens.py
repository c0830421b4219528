"""Ephemeral tokens: what creating one asks for, whom it admits, and what it locks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google import genai
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_snake

from emulator import closes
from emulator.closes import TOKEN_TOO_OLD, TOKEN_USED_UP, Close
from emulator.errors import RefusedError, TokenError
from emulator.tokens import Token, Tokens

NOW = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
SETUP = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {"responseModalities": ["AUDIO"], "temperature": 0.5},
    "sessionResumption": {},
}
ASKED = {
    "model": "models/none-such",
    "generation_config": {"temperature": 2.0, "top_k": 4},
    "system_instruction": {"parts": [{"text": "Be rude."}]},
}
"""As `protojson` reads it."""


def after(**life: float) -> str:
    return (NOW + timedelta(**life)).isoformat()


def made(body: dict[str, Any]) -> Token:
    tokens = Tokens()
    return tokens.admit(tokens.create(body, NOW)["name"], NOW, resumed=False)


def refused(tokens: Tokens, name: str, now: datetime, *, resumed: bool = False) -> Close:
    with pytest.raises(RefusedError) as caught:
        tokens.admit(name, now, resumed=resumed)
    return caught.value.close


def test_a_plain_token_is_for_one_session_within_a_minute_and_half_an_hour_long() -> None:
    tokens = Tokens()
    answer = tokens.create({}, NOW)
    assert set(answer) == {"name"}
    token = tokens.admit(answer["name"], NOW + timedelta(seconds=59), resumed=False)
    assert token.expires_at == NOW + timedelta(minutes=30)
    assert refused(tokens, answer["name"], NOW + timedelta(seconds=59)) == TOKEN_USED_UP
    late = tokens.create({}, NOW)["name"]
    assert refused(tokens, late, NOW + timedelta(seconds=60)) == TOKEN_TOO_OLD


def test_resuming_is_no_use_and_ends_with_the_expiry() -> None:
    tokens = Tokens()
    name = tokens.create({"uses": 2}, NOW)["name"]
    for resumed in (False, True, False, True):
        tokens.admit(name, NOW, resumed=resumed)
    assert refused(tokens, name, NOW) == TOKEN_USED_UP
    tokens.admit(name, NOW + timedelta(minutes=29), resumed=True)
    assert refused(tokens, name, NOW + timedelta(minutes=30), resumed=True) == TOKEN_TOO_OLD


@pytest.mark.parametrize("uses", [0, "0"])
def test_zero_uses_are_unlimited(uses: object) -> None:
    tokens = Tokens()
    name = tokens.create({"uses": uses}, NOW)["name"]
    for _ in range(50):
        tokens.admit(name, NOW, resumed=False)


def test_an_unknown_token_is_a_bad_key_and_the_oldest_is_forgotten() -> None:
    tokens = Tokens(most=2)
    first, *others = (tokens.create({}, NOW)["name"] for _ in range(3))
    assert refused(tokens, first, NOW) == closes.BAD_KEY
    for name in others:
        tokens.admit(name, NOW, resumed=False)


def test_times_are_read_in_both_casings_and_any_zone() -> None:
    token = made({"expire_time": "2026-10-05T15:00:00+02:00", "newSessionExpireTime": "2026-10-05T12:10:00.5Z", "uses": 3})
    assert token.expires_at == NOW + timedelta(hours=1)
    assert token.new_sessions_until == NOW + timedelta(minutes=10, seconds=0.5)
    assert token.uses == 3


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"liveConnectConstraints": {}}, "Unknown name \"liveConnectConstraints\" at 'auth_token': Cannot find field."),
        ({"expireTime": after(hours=20, seconds=1)}, "expire_time is too far in the future. Maximum lifetime is 20h"),
        ({"newSessionExpireTime": after(hours=21)}, "new_session_expire_time is too far in the future."),
        ({"expireTime": after(seconds=-1)}, "expire_time must be in the future"),
        ({"newSessionExpireTime": after(seconds=0)}, "new_session_expire_time must be in the future"),
        ({"expireTime": "tomorrow"}, "Invalid value at 'auth_token.expire_time', 'tomorrow'"),
        ({"expireTime": "2026-10-05T13:00:00"}, "Invalid value at 'auth_token.expire_time'"),
        ({"expireTime": "0001-01-01T00:00:00+23:59"}, "Invalid value at 'auth_token.expire_time'"),
        ({"expireTime": 7}, "Invalid value at 'auth_token.expire_time' (TYPE_STRING), 7"),
        ({"uses": -1}, "Invalid value at 'auth_token.uses', '-1'"),
        ({"uses": True}, "Invalid value at 'auth_token.uses'"),
        ({"uses": "9" * 5000}, "Invalid value at 'auth_token.uses'"),
        ({"uses": 1.5}, "Invalid value at 'auth_token.uses'"),
        (
            {"fieldMask": ["model"]},
            "Unknown name \"fieldMask\" at 'auth_token': Proto field is not repeating, cannot start list.",
        ),
        ([], "Invalid value at 'auth_token' (type.googleapis.com/google.ai.generativelanguage.v1alpha.AuthToken), [...]"),
        ({"fieldMask": "a." * 5000 + "a"}, "Invalid value at 'auth_token.field_mask'"),
        ({"bidiGenerateContentSetup": "all"}, "Invalid value at 'auth_token.bidi_generate_content_setup' (type.googleapis.com"),
        (
            {"bidiGenerateContentSetup": {"topK": 3}},
            "Unknown name \"topK\" at 'auth_token.bidi_generate_content_setup': Cannot find field.",
        ),
    ],
)
def test_what_cant_be_made_is_answered_with_googles_error(body: Any, sentence: str) -> None:
    with pytest.raises(TokenError) as caught:
        Tokens().create(body, NOW)
    error = caught.value.body["error"]
    assert (caught.value.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert sentence in error["message"]


def test_without_constraints_the_clients_setup_stays() -> None:
    assert made({}).constrain(ASKED) == ASKED


def test_a_setup_without_a_mask_locks_everything() -> None:
    assert made({"bidiGenerateContentSetup": SETUP}).constrain(ASKED) == {
        "model": "models/gemini-3.8-live",
        "generation_config": {"response_modalities": ["AUDIO"], "temperature": 0.5},
        "session_resumption": {},
    }


def test_what_everything_locked_leaves_to_the_client_is_the_handle_and_a_model_that_nobody_named() -> None:
    token = made({"bidi_generate_content_setup": {"systemInstruction": {}}})
    asked = ASKED | {"session_resumption": {"handle": "h", "transparent": True}}
    assert token.constrain(asked) == {
        "model": "models/none-such",
        "system_instruction": {},
        "session_resumption": {"handle": "h"},
    }


def test_a_mask_locks_its_fields_in_either_casing() -> None:
    token = made(
        {"bidiGenerateContentSetup": SETUP, "fieldMask": "model,generationConfig.temperature, output_audio_transcription"}
    )
    assert token.constrain(ASKED | {"output_audio_transcription": {}}) == {
        "model": "models/gemini-3.8-live",
        "generation_config": {"temperature": 0.5, "top_k": 4},
        "system_instruction": ASKED["system_instruction"],
    }


def test_a_locked_field_is_set_where_nothing_was() -> None:
    token = made({"bidiGenerateContentSetup": SETUP, "fieldMask": "generationConfig.temperature"})
    assert token.constrain({}) == {"generation_config": {"temperature": 0.5}}


def test_a_mask_without_a_setup_locks_to_the_defaults() -> None:
    assert made({"fieldMask": "temperature,system_instruction"}).constrain(ASKED) == {
        "model": ASKED["model"],
        "generation_config": ASKED["generation_config"],
    }


@contextmanager
def service(tokens: Tokens) -> Iterator[str]:
    """Answers requests for tokens on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1alpha/auth_tokens"
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = json.dumps(tokens.create(body, NOW)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.filterwarnings("ignore:The SDK's token creation implementation is experimental")
@pytest.mark.parametrize("lock", [None, [], ["top_k", "output_audio_transcription"]])
def test_what_googles_sdk_sends_is_understood(lock: list[str] | None) -> None:
    tokens = Tokens()
    constraints = types.LiveConnectConstraints(
        model="gemini-3.8-live", config=types.LiveConnectConfig(temperature=0.7, response_modalities=[types.Modality.AUDIO])
    )
    config = types.CreateAuthTokenConfig(
        uses=1, expire_time=NOW + timedelta(hours=1), live_connect_constraints=constraints, lock_additional_fields=lock
    )
    with service(tokens) as url:
        client = genai.Client(api_key="any", http_options=types.HttpOptions(api_version="v1alpha", base_url=url))
        made_token = client.auth_tokens.create(config=config)
        client.close()
    token = tokens.admit(made_token.name or "", NOW, resumed=False)
    asked = {
        "model": "models/other",
        "generation_config": {"top_k": 3, "temperature": 1.5, "seed": 9},
        "output_audio_transcription": {},
    }
    constrained = token.constrain(asked)
    assert constrained["model"] == "models/gemini-3.8-live"
    assert ("output_audio_transcription" in constrained) == (lock == [])
    generation = constrained["generation_config"]
    assert generation["temperature"] == 0.7
    assert generation.get("top_k") == (3 if lock == [] else None)
    assert generation.get("seed") == (None if lock is None else 9)


NAMES = st.sampled_from(["model", "topK", "generation_config", "temperature", "sessionResumption", "handle", "parts"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(max_size=3),
        "generation_config": st.fixed_dictionaries({}, optional={"top_k": st.integers(0, 9), "temperature": st.floats(0, 2)}),
        "session_resumption": st.fixed_dictionaries({}, optional={"handle": st.text(max_size=3)}),
        "system_instruction": st.just({"parts": [{"text": "Be brief."}]}),
    },
)
"""Setups, as `protojson` reads them."""


def leaves(body: Any, path: tuple[str, ...] = ()) -> set[tuple[tuple[str, ...], str]]:
    if isinstance(body, dict) and body:
        return {leaf for key, value in body.items() for leaf in leaves(value, (*path, key))}
    return {(path, repr(body))}


@given(BODIES, BODIES, st.lists(PATHS, min_size=1, max_size=4))
def test_a_mask_never_changes_what_it_doesnt_name(asked: dict[str, Any], locked: dict[str, Any], mask: list[str]) -> None:
    before = repr(asked)
    merged = made({"bidiGenerateContentSetup": locked, "fieldMask": ",".join(mask)}).constrain(asked)
    paths = [*(tuple(to_snake(part) for part in path.split(".")) for path in mask), ("session_resumption", "handle")]

    def free(body: dict[str, Any]) -> set[tuple[tuple[str, ...], str]]:
        """Leaves that no path leads to, through or past."""
        return {leaf for leaf in leaves(body) if not any(leaf[0][: len(path)] == path[: len(leaf[0])] for path in paths)}

    assert free(dict(merged)) == free(asked)
    assert repr(asked) == before


@given(BODIES, BODIES, PATHS)
def test_a_locked_value_is_the_tokens_whatever_was_asked(asked: dict[str, Any], locked: dict[str, Any], mask: str) -> None:
    token = made({"bidiGenerateContentSetup": locked, "fieldMask": mask})
    assert token.constrain(asked).keys() == token.constrain(token.constrain(asked)).keys()
    assert token.constrain(token.constrain(asked)) == token.constrain(asked)
