"""The token itself: narrow, short, with the agent's dispatch; and whatever is asked, a token or a refusal."""

import datetime
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_server.errors import RefusedError
from token_server.grants import BACKDATED_S, Door, TokenRequest, issue, read_request

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
DOOR = Door("key", SECRET, "earshot", life_s=600)
NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)


def claims(request: TokenRequest) -> dict[str, Any]:
    token = issue(request, DOOR, NOW).token
    return dict(jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}))


def test_a_caller_may_join_one_room_and_speak_and_nothing_else() -> None:
    assert claims(TokenRequest(room_name="r"))["video"] == {
        "roomJoin": True,
        "room": "r",
        "canPublish": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canUpdateOwnMetadata": True,
    }


def test_the_agents_dispatch_rides_in_every_token() -> None:
    assert claims(TokenRequest())["roomConfig"]["agents"] == [{"agentName": "earshot"}]
    asked = TokenRequest.model_validate({"room_config": {"agents": [{"agent_name": "", "metadata": '{"persona": "x"}'}]}})
    assert claims(asked)["roomConfig"]["agents"] == [{"agentName": "earshot", "metadata": '{"persona": "x"}'}]


def test_a_token_is_short_lived_and_backdated() -> None:
    made = claims(TokenRequest())
    seconds = int(NOW.timestamp())
    assert (made["nbf"], made["exp"]) == (seconds - BACKDATED_S, seconds + 600)


def test_what_is_left_out_is_random() -> None:
    one, two = (issue(TokenRequest(), DOOR, NOW) for _ in range(2))
    assert one.room != two.room
    assert one.identity != two.identity
    assert len(one.room) >= 12


def test_what_is_asked_for_is_granted() -> None:
    made = claims(
        TokenRequest(
            participant_identity="i", participant_name="n", participant_metadata="m", participant_attributes={"k": "v"}
        )
    )
    assert (made["sub"], made["name"], made["metadata"], made["attributes"]) == ("i", "n", "m", {"k": "v"})


@pytest.mark.parametrize("camel", [False, True])
def test_both_casings_are_read(camel: bool) -> None:
    body = {"room_name": "r", "participant_identity": "i", "room_config": {"agents": [{"agent_name": "a", "metadata": "m"}]}}
    if camel:
        body = {"roomName": "r", "participantIdentity": "i", "roomConfig": {"agents": [{"agentName": "a", "metadata": "m"}]}}
    request, was_camel = read_request(json.dumps(body).encode())
    assert (request.room_name, request.participant_identity, request.room_config.agents[0].metadata) == ("r", "i", "m")
    assert was_camel == camel


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"unknown": 1}'])
def test_an_empty_request_is_a_request(body: bytes) -> None:
    assert read_request(body) == (TokenRequest(), False)


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        (b"{", "bad_json", "is not JSON"),
        (b"[]", "bad_json", "must be a JSON object"),
        (b'{"room_name": 3}', "bad_field", "room_name"),
        (b'{"room_name": "' + b"x" * 129 + b'"}', "bad_field", "at most 128 characters"),
        (b'{"room_config": {"egress": {"room": {}}}}', "bad_field", "room_config.egress"),
        (b'{"room_config": {"agents": [{}, {}, {}, {}]}}', "bad_field", "at most 3 items"),
        (b'{"participant_attributes": {"lk.agent.state": "x"}}', "reserved_attribute", "'lk.agent.state' is LiveKit's own"),
        (b'{"participant_attributes": {"sip.phoneNumber": "x"}}', "reserved_attribute", "LiveKit's own"),
        (b"[" * 100_000, "bad_json", "is not JSON"),
    ],
)
def test_refusals_have_a_code_and_a_sentence(body: bytes, code: str, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_request(body)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert sentence in caught.value.sentence


FIELDS = """room_name roomName participant_identity participantIdentity participant_metadata participant_attributes
room_config agents agent_name metadata"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_gives_a_token_or_a_refusal(body: bytes) -> None:
    try:
        request, _ = read_request(body)
    except RefusedError as refused:
        assert refused.status == 400
    else:
        made = claims(request)
        assert made["video"]["roomJoin"] is True
        assert not {"roomAdmin", "roomCreate", "roomList", "roomRecord", "hidden", "agent"} & set(made["video"])


def test_nothing_shows_the_secret_or_the_token() -> None:
    issued = issue(TokenRequest(), DOOR, NOW)
    assert SECRET not in repr(DOOR)
    assert issued.token not in repr(issued)
