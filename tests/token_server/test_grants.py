"""The token itself: narrow, short, with the agent's dispatch; and whatever is asked, a token or a refusal."""

import datetime
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api

import tickets
from token_server.errors import RefusedError
from token_server.grants import BACKDATED_S, TokenPolicy, issue
from token_server.token_request import TokenRequest, read_request

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
OPEN = TokenPolicy("key", SECRET, "earshot", life_s=600)
CLOSED = replace(OPEN, is_open=False, rooms="fresh")
NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
NEVER_GRANTED = {"roomAdmin", "roomCreate", "roomList", "roomRecord", "ingressAdmin", "hidden", "recorder", "agent"}


def claims(request: TokenRequest, policy: TokenPolicy = OPEN, subject: str | None = None) -> dict[str, Any]:
    token = issue(request, policy, NOW, subject).token
    return dict(jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}))


def asking(**fields: Any) -> TokenRequest:
    return read_request(json.dumps(fields).encode())[0]


def refusal(**fields: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        asking(**fields)
    return caught.value


def test_a_caller_may_join_one_room_and_speak_and_nothing_else() -> None:
    made = claims(TokenRequest(room_name="r"))
    assert made["video"] == {
        "roomJoin": True,
        "room": "r",
        "canPublish": True,
        "canPublishData": True,
        "canPublishSources": ["microphone", "unknown"],
        "canSubscribe": True,
        "canUpdateOwnMetadata": True,
    }
    assert set(made) == {"video", "attributes", "roomConfig", "iss", "sub", "nbf", "exp"}
    assert set(made["roomConfig"]) == {"agents"}


def test_a_policy_without_sources_lets_nobody_publish() -> None:
    """LiveKit takes a token without a list of sources for one that allows them all."""
    assert claims(TokenRequest(), replace(OPEN, sources=()))["video"]["canPublish"] is False


def test_livekit_reads_the_token_with_its_own_library() -> None:
    policy = replace(OPEN, sources=("microphone", "camera"))
    now = datetime.datetime.now(datetime.UTC)
    read = api.TokenVerifier("key", SECRET).verify(issue(asking(participant_identity="i"), policy, now).token)
    assert read.identity == "i"
    assert read.video is not None
    assert read.video.can_publish_sources == ["microphone", "camera", "unknown"]
    assert not read.video.room_admin
    assert not read.video.agent


def test_a_token_is_short_lived_and_backdated() -> None:
    made = claims(TokenRequest())
    seconds = int(NOW.timestamp())
    assert (made["nbf"], made["exp"]) == (seconds - BACKDATED_S, seconds + 600)


def test_what_is_left_out_is_random() -> None:
    one, two = (issue(TokenRequest(), OPEN, NOW) for _ in range(2))
    assert one.room != two.room
    assert one.identity != two.identity
    assert len(one.room) >= 22


def test_an_open_policy_grants_what_is_asked_for() -> None:
    made = claims(
        asking(
            room_name="r",
            participant_identity="i",
            participant_name="n",
            participant_metadata="m",
            participant_attributes={"k": "v"},
        )
    )
    assert (made["video"]["room"], made["sub"]) == ("r", "i")
    assert (made["name"], made["metadata"], made["attributes"]) == ("n", "m", {"k": "v"})


def test_a_closed_policy_chooses_room_and_identity_itself() -> None:
    wanted = asking(room_name="r", participant_identity="i", participant_name="n")
    made = claims(wanted, CLOSED)
    assert made["video"]["room"].startswith("call-")
    assert made["sub"].startswith("caller-")
    assert made["name"] == "n"
    assert claims(wanted, replace(CLOSED, rooms="named"))["video"]["room"] == "r"


def test_who_has_a_subject_joins_under_it() -> None:
    assert claims(asking(participant_identity="somebody else"), CLOSED, "auth0|1234")["sub"] == "auth0|1234"


@pytest.mark.parametrize("name", ["a/b", "a b", "../x", "x" * 65, ".x", "raum-ä"])
def test_a_named_room_must_match_the_pattern(name: str) -> None:
    with pytest.raises(RefusedError, match="it must match") as caught:
        issue(asking(room_name=name), OPEN, NOW)
    assert caught.value.code == "bad_field"


def agents(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"room_config": {"agents": list(entries)}}


def test_the_agents_dispatch_rides_in_every_token() -> None:
    for fields in ({}, agents(), agents({}), agents({"agent_name": "earshot"}), agents({"agent_name": None})):
        for policy in (OPEN, CLOSED):
            assert dispatches(asking(**fields), policy) == [{"agentName": "earshot"}]
    asked = asking(**agents({"agent_name": "", "metadata": '{"persona": "x"}'}))
    assert dispatches(asked) == [{"agentName": "earshot", "metadata": '{"persona": "x"}'}]


def dispatches(request: TokenRequest, policy: TokenPolicy = OPEN) -> list[dict[str, Any]]:
    """The token's dispatches without their tickets; each has one."""
    made: list[dict[str, Any]] = claims(request, policy)["roomConfig"]["agents"]
    for dispatch in made:
        assert dispatch["attributes"].pop(tickets.ATTRIBUTE)
    return [{name: value for name, value in dispatch.items() if value != {}} for dispatch in made]


@pytest.mark.parametrize("policy", [OPEN, CLOSED])
def test_each_dispatch_has_a_ticket_for_this_room_identity_and_life(policy: TokenPolicy) -> None:
    """Whatever metadata the client chose stays as it is, JSON or not."""
    issued = issue(asking(room_name="r", participant_identity="i", **agents({"metadata": "not JSON {"})), policy, NOW)
    [dispatch] = issued.dispatches
    assert dispatch.metadata == "not JSON {"
    ticket = tickets.read(dispatch.attributes[tickets.ATTRIBUTE], SECRET)
    assert ticket == tickets.Ticket(issued.room, issued.identity, int(NOW.timestamp()) + policy.life_s)


def test_a_client_cannot_write_the_ticket_itself() -> None:
    """An open token server takes the client's attributes, but for this one."""
    forged = tickets.signed(tickets.Ticket("r", "i", 2**40), SECRET)
    asked = asking(room_name="r", **agents({"attributes": {tickets.ATTRIBUTE: forged, "k": "v"}}, {"agent_name": "other"}))
    for dispatch in issue(asked, OPEN, NOW).dispatches:
        assert tickets.read(dispatch.attributes[tickets.ATTRIBUTE], SECRET).expires_at_s < 2**40


@pytest.mark.parametrize(
    "entry", [{"deployment": "staging"}, {"restart_policy": "JRP_NEVER"}, {"restart_policy": 1}, {"attributes": {"k": "v"}}]
)
def test_how_an_agent_is_deployed_is_not_for_callers_to_choose(entry: dict[str, Any]) -> None:
    [field] = entry
    with pytest.raises(RefusedError, match=rf"room_config\.agents\.0\.{field}: .* the metadata alone"):
        issue(asking(**agents(entry)), CLOSED, NOW)
    assert issue(asking(**agents(entry)), OPEN, NOW).agents == ("earshot",)


def test_a_dispatch_of_an_open_policy_keeps_its_fields() -> None:
    entry = {"deployment": "d", "restart_policy": "JRP_NEVER", "attributes": {"k": "v"}, "metadata": "m"}
    [made] = dispatches(asking(**agents(entry)))
    assert made == {
        "agentName": "earshot",
        "metadata": "m",
        "deployment": "d",
        "restartPolicy": "JRP_NEVER",
        "attributes": {"k": "v"},
    }


def test_an_open_policy_dispatches_the_agents_that_the_client_names() -> None:
    """Whoever types another agent's name into the playground wants to talk to that one."""
    assert issue(asking(**agents({"agent_name": "other"})), OPEN, NOW).agents == ("other",)
    assert issue(asking(**agents({"agent_name": "other"}, {})), OPEN, NOW).agents == ("other", "earshot")
    with pytest.raises(RefusedError, match="'earshot' is named twice"):
        issue(asking(**agents({"agent_name": "earshot"}, {})), OPEN, NOW)


def test_a_closed_policy_dispatches_its_own_agent_alone() -> None:
    with pytest.raises(RefusedError, match="the agent here is 'earshot', and no other"):
        issue(asking(**agents({"agent_name": "other"})), CLOSED, NOW)


@pytest.mark.parametrize("camel", [False, True])
def test_both_casings_are_read(camel: bool) -> None:
    entry = {"agent_name": "a", "metadata": "m", "restart_policy": 1}
    body: dict[str, Any] = {"room_name": "r", "participant_identity": "i", "participant_attributes": {"k": "v"}} | agents(entry)
    if camel:
        entry = {"agentName": "a", "metadata": "m", "restartPolicy": 1}
        body = {"roomName": "r", "participantIdentity": "i", "participantAttributes": {"k": "v"}}
        body |= {"roomConfig": {"agents": [entry]}}
    request, was_camel = read_request(json.dumps(body).encode())
    assert (request.room_name, request.participant_identity, request.participant_attributes) == ("r", "i", {"k": "v"})
    assert (request.room_config.agents[0].agent_name, request.room_config.agents[0].metadata) == ("a", "m")
    assert was_camel == camel


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"unknownField": 1}', b'{"room_config": null, "room_name": null}'])
def test_an_empty_request_is_a_request(body: bytes) -> None:
    assert read_request(body) == (TokenRequest(), False)


def test_a_room_config_of_empty_fields_says_nothing() -> None:
    assert asking(room_config={"name": "", "egress": None, "max_participants": 0, "agents": []}) == TokenRequest()


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        (b"{", "bad_json", "is not JSON"),
        (b"\xff", "bad_json", "is not JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "bad_json", "is not JSON"),
        (b"[]", "bad_json", "must be a JSON object"),
        (b'{"room_name": 3}', "bad_field", "room_name"),
        (b'{"room_name": "' + b"x" * 129 + b'"}', "bad_field", "at most 128 characters"),
        (b'{"room_config": {"egress": {"room": {}}}}', "bad_field", "room_config.egress"),
        (b'{"room_config": {"max_participants": 2}}', "bad_field", "room_config.max_participants"),
        (b'{"room_config": {"agents": [{}, {}, {}, {}]}}', "bad_field", "at most 3 items"),
        (b'{"participant_name": "\\ud800"}', "bad_field", "unicode"),
        (b'{"room_config": {"agents": [{"restart_policy": 7}]}}', "bad_field", "restart_policy"),
        (b"[" * 100_000, "bad_json", "is not JSON"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "bad_json", "more than 16 levels deep"),
    ],
)
def test_refusals_have_a_code_and_a_sentence(body: bytes, code: str, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_request(body)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert sentence in caught.value.sentence


@pytest.mark.parametrize(
    "key", ["lk.agent.state", "sip.phoneNumber", "LK.publish_on_behalf", "Sip.x", "\u017fip.x", "\uff4c\uff4b.x"]
)
def test_livekits_own_attributes_are_refused(key: str) -> None:
    for fields in ({"participant_attributes": {key: "x"}}, agents({"attributes": {key: "x"}})):
        refused = refusal(**fields)
        assert (refused.code, "is LiveKit's own" in refused.sentence) == ("reserved_attribute", True)


HIDDEN = ["\0", "\n", "\x1b", "\x85", "\u2028", "\u202e", "\u2066", "\u200f", "\xad", "\u061c", "\u180e", "\u200b", "\u2060"]
HIDDEN += [
    "\u200c",
    "\u200d",
    "\u2800",
    "\u3164",
    "\u115f",
    "\uffa0",
    "\u034f",
    "\u17b4",
    "\ufeff",
    "\U000e0041",
    "\U0001d173",
    "\U0001d159",
    "\U00016fe4",
    "\u2065",
    "\ufff0",
    "\U000e0080",
    "\ufff9",
]


@pytest.mark.parametrize("character", HIDDEN)
def test_names_are_visible_and_go_one_way(character: str) -> None:
    name = f"a{character}b"
    everywhere: list[dict[str, Any]] = [
        {"room_name": name},
        {"participant_identity": name},
        {"participant_name": name},
        {"participant_attributes": {name: "x"}},
        agents({"agent_name": name}),
        agents({"deployment": name}),
        agents({"attributes": {name: "x"}}),
    ]
    for fields in everywhere:
        refused = refusal(**fields)
        assert refused.code == "bad_field"
        assert f"U+{ord(character):04X}" in refused.sentence
        assert character not in refused.sentence


@pytest.mark.parametrize(
    "name",
    ["Åsa 李 👩🏽‍🚀 می‌خواهم", "山田\u3000太郎", "❤️", "José María", "O'Brien-Müller", "👨‍👩‍👧", "नमस्ते", "auth0|7", "a@b.c"],
)
def test_names_of_all_languages_are_names(name: str) -> None:
    assert asking(participant_name=name).participant_name == name


@pytest.mark.parametrize("name", [" ", " " * 40, "\u3000", "\xa0\u2003", "\u0301", "\u0301\u0308", "\ufe0f"])
def test_a_name_shows_something(name: str) -> None:
    for fields in (
        {"participant_identity": name},
        {"participant_name": name},
        {"room_name": name},
        agents({"agent_name": name}),
    ):
        assert "at least one character that can be seen" in refusal(**fields).sentence


@pytest.mark.parametrize("identity", [" alice", "alice ", "al  ice", "al\xa0ice", "al\u2003ice", "jose\u0301"])
def test_two_identities_that_look_the_same_are_the_same(identity: str) -> None:
    assert refusal(participant_identity=identity).code == "bad_field"


@pytest.mark.parametrize("name", ["al ice", "josé", "ⅷ", "Åsa", "ﬁn"])
def test_an_identity_may_have_blanks_and_any_letters(name: str) -> None:
    assert asking(participant_identity=name).participant_identity == name


TAKEN = [
    "agent-AJ_1",
    "Agent-x",
    "sip_+4930",
    "SIP_x",
    "\uff41gent-x",
    "agent\uff0dx",
    "age\ufe0fnt-x",
    " agent-x",
]


@pytest.mark.parametrize("identity", TAKEN)
def test_nobody_joins_as_an_agent_or_a_telephone(identity: str) -> None:
    assert "LiveKit's own" in refusal(participant_identity=identity).sentence


def test_texts_are_bounded_together() -> None:
    assert len(asking(participant_metadata="m" * 4096).participant_metadata) == 4096
    assert "4096 bytes together" in refusal(participant_metadata="m" * 4090, participant_name="too long").sentence
    assert "4096 bytes together" in refusal(participant_metadata="ä" * 2049).sentence
    assert "at most 32 items" in refusal(participant_attributes={str(number): "" for number in range(33)}).sentence


FIELDS = """room_name roomName participant_identity participantIdentity participant_name participant_metadata
participant_attributes participantAttributes room_config roomConfig agents agent_name agentName metadata deployment
restart_policy restartPolicy attributes egress name lk.x"""
TEXT = st.text(max_size=8) | st.sampled_from(["earshot", "agent-", "JRP_NEVER", "\ud800", "\u202e"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS.split()) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)
NAMED = st.dictionaries(TEXT, TEXT, max_size=3)
ENTRY = st.fixed_dictionaries(
    {}, optional={"agent_name": TEXT, "agentName": TEXT, "metadata": TEXT, "attributes": NAMED | JSON}
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "room_name": TEXT,
        "participantIdentity": TEXT,
        "participant_metadata": TEXT | JSON,
        "participant_attributes": NAMED,
        "room_config": st.fixed_dictionaries({"agents": st.lists(ENTRY, max_size=3)}) | JSON,
    },
)


@given(st.binary() | (JSON | NEARLY).map(lambda value: json.dumps(value).encode()), st.sampled_from([OPEN, CLOSED]))
def test_any_body_gives_a_token_or_a_refusal(body: bytes, policy: TokenPolicy) -> None:
    try:
        request, _ = read_request(body)
        made = claims(request, policy)
    except RefusedError as refused:
        assert refused.status == 400
        assert refused.sentence.encode()
    else:
        assert made["video"]["roomJoin"] is True
        assert not NEVER_GRANTED & set(made["video"])
        assert made["roomConfig"]["agents"]
        assert not any(key.casefold().startswith(("lk.", "sip.")) for key in made["attributes"])


def test_nothing_shows_the_secret_or_the_token() -> None:
    issued = issue(TokenRequest(), OPEN, NOW)
    assert SECRET not in repr(OPEN)
    assert issued.token not in repr(issued)
