"""Without a token server: a token of the caller's own, for agents that aren't ours."""

import jwt
import pytest

from caller import sign_token
from caller.__main__ import main

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
URL = "ws://127.0.0.1:9"


def test_the_token_joins_one_room_and_asks_for_the_agent() -> None:
    grant = sign_token(URL, ("key", SECRET), room="r", identity="me", agent_name="shop", agent_metadata="{}")
    claims = jwt.decode(grant.participant_token, SECRET, algorithms=["HS256"])
    assert (grant.server_url, claims["iss"], claims["sub"]) == (URL, "key", "me")
    assert claims["video"]["room"] == "r"
    assert claims["video"]["roomJoin"]
    assert claims["roomConfig"]["agents"] == [{"agentName": "shop", "metadata": "{}"}]


def test_agents_without_a_name_need_no_dispatch() -> None:
    grant = sign_token(URL, ("key", SECRET), room="r", identity="me")
    assert "roomConfig" not in jwt.decode(grant.participant_token, SECRET, algorithms=["HS256"])


@pytest.mark.parametrize("option", ["--token", "--agent"])
def test_what_belongs_to_a_url_is_refused_without_one(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main([option, "x"])
    assert exited.value.code == 2
    assert f"{option} goes with --url" in capsys.readouterr().err


def test_a_missing_secret_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.delenv("LIVEKIT_API_SECRET", raising=False)
    assert main(["--url", URL]) == 2
    error = capsys.readouterr().err
    assert error == f"LIVEKIT_API_SECRET is None: set it to the one that {URL} knows, or pass a --token\n"
