"""GET /metrics of the token server: what became of each request for a token, for whoever has the key."""

from prometheus_client.parser import text_string_to_metric_families

from tests.token_server.program import UNLIMITED, running_token_server
from token_server.metrics import TokenMetrics

KEY = "the-key-of-prometheus"
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


def test_without_a_key_there_is_no_such_path() -> None:
    assert TokenMetrics().routes(None) == []
