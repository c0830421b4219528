"""GET /metrics of the token server: what became of each request for a token, for whoever has the key."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.ports import free_port
from tests.token_server.program import UNLIMITED, running_token_server
from token_server.metrics import TokenMetrics

KEY, OPERATOR_KEY = "the-key-of-prometheus", "the-key-of-the-operator"
WITH_KEY = [f"Authorization: Bearer {KEY}", "Host: 10.0.0.7:7882"]
"""As Prometheus asks: at an IP address."""


async def test_each_request_is_counted_by_what_became_of_it_for_whoever_has_the_key() -> None:
    async with running_token_server(METRICS_KEY=KEY, **UNLIMITED) as server:
        await server.ask(body=b'{"room_name": "a-private-room", "participant_identity": "ann"}')
        await server.ask(body=b"no json")
        for wrong in ([], ["Authorization: Bearer another"]):
            answer = await server.ask("GET", "/metrics", headers=wrong)
            assert (answer.status, answer.code) == (401, "unauthorized")
        answer = await server.ask("GET", "/metrics", headers=WITH_KEY)
    assert answer.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    text = answer.body.decode()
    assert 'earshot_token_requests_total{result="issued"} 1.0' in text
    assert 'earshot_token_requests_total{result="bad_json"} 1.0' in text
    assert "earshot_token_request_duration_seconds_count 2.0" in text
    assert not any(private in text for private in ("a-private-room", 'ann"', KEY))
    assert list(text_string_to_metric_families(text))


async def test_the_operators_requests_are_counted_by_route_and_result(tmp_path: Path) -> None:
    """Nobody answers as LiveKit: the list of calls fails."""
    bearer, away = f"Authorization: Bearer {OPERATOR_KEY}", f"ws://127.0.0.1:{free_port()}"
    keys = {"METRICS_KEY": KEY, "OPERATOR_KEY": OPERATOR_KEY, "RECORD_DIR": str(tmp_path), "LIVEKIT_URL": away}
    async with running_token_server(**keys, **UNLIMITED) as server:
        for path, headers in {"/records": [bearer], "/records/nobody": [bearer], "/calls": [], "/api/calls": [bearer]}.items():
            await server.ask("GET", path, headers=headers)
        await server.ask("GET", "/records", headers=[])
        assert (await server.ask("PUT", "/records", headers=[bearer])).status == 405
        answer = await server.ask("GET", "/metrics", headers=WITH_KEY)
    lines = [line for line in answer.body.decode().splitlines() if line.startswith("earshot_operator_requests_total{")]
    assert sorted(line.partition("{")[2] for line in lines if not line.endswith(" 0.0")) == [
        'result="done",route="/calls"} 1.0',
        'result="done",route="/records"} 1.0',
        'result="failed",route="/api/calls"} 1.0',
        'result="refused",route="/records"} 1.0',
        'result="refused",route="/records/{call}"} 1.0',
        'result="unauthorized",route="/records"} 1.0',
    ]


def test_without_a_key_there_is_no_such_path() -> None:
    assert TokenMetrics().routes(None) == []
