"""Admission of INVITEs: digest, addresses, trunks and rules, offers. Every refusal has its code; a flood leaves nothing."""

import hashlib
import string
from dataclasses import replace
from ipaddress import IPv4Address, ip_network

import pytest
from aiosipua import AuthChallenge, SipDigestAuth, build_credentials, parse_auth, stringify_auth
from hypothesis import given
from hypothesis import strategies as st

from telephony.line.admission import Refusal, admission
from telephony.line.digest import NONCE_LIFE_S, Asked, Challenges, Verdict
from telephony.line.errors import MessageError, OfferError
from telephony.line.gate import Gate, Invited, NoAnswer
from telephony.line.limits import FailedLogins
from telephony.line.media import Media
from telephony.line.offer import Choice, choose, describe, offerable, propose, reachable
from telephony.line.participant_token import attributes, new_identity
from telephony.line.reach import Reach, networks
from telephony.line.wire import SipRequest, read_sdp
from telephony.reading import parse
from telephony.routing import Call, RoutingResult
from tests.line.messages import OFFER, SOURCE, invite
from tests.line.sounds import START
from tests.line.stack import OPEN

FILE = """
[[inbound]]
name = "carrier"
numbers = ["+15550002222"]
auth_username = "phone"
auth_password_env = "PHONE_PASSWORD"

[[inbound]]
name = "office"
numbers = ["+15550003333"]
allowed_addresses = ["127.0.0.0/8"]

[[rule]]
name = "of the carrier"
trunks = ["carrier"]
persona = "boxing_coach"

[[rule]]
name = "of the office"
trunks = ["office"]
kind = "direct"
room = "lobby"

[line]
allowed_addresses = ["127.0.0.0/8", "192.0.2.0/24"]
"""
NOW = 1_800_000_000.0
ASKED = Asked("INVITE", "sip:x", ("call-1", "theirs"))
LOCAL = ("127.0.0.1", 20000)


def gate() -> Gate:
    return Gate(admission(parse(FILE.encode()), {"PHONE_PASSWORD": "secret"}), Challenges(b"key", "earshot"))


def judged(request: SipRequest, source: tuple[str, int] = SOURCE, now: float = NOW) -> Invited | Refusal | NoAnswer:
    return gate().judge(request, source, now)


def refused(request: SipRequest, source: tuple[str, int] = SOURCE) -> Refusal:
    found = judged(request, source)
    assert isinstance(found, Refusal)
    return found


def to_office(body: str = OFFER, **headers: str) -> SipRequest:
    return invite(body, **{"To": "<sip:+15550003333@127.0.0.1>", **headers})


def signed(request: SipRequest, password: str, user: str = "phone", at: Gate | None = None, **changed: str) -> SipRequest:
    """The INVITE again, with the answer to our challenge, as aiosipua's own client makes it.

    `at`: the gate whose file asks for a password. It isn't asked itself: the challenge comes from one with the same key.
    """
    asking = Gate((at or gate()).admission, Challenges(b"key", "earshot")).judge(request, SOURCE, NOW)
    assert isinstance(asking, Refusal)
    challenge = parse_auth(asking.headers["Proxy-Authenticate"])
    assert isinstance(challenge, AuthChallenge)
    credentials = build_credentials(SipDigestAuth(user, password), challenge, "INVITE", request.uri)
    assert credentials is not None
    credentials.params.update(changed)
    request.set_header("Proxy-Authorization", stringify_auth(credentials))
    return request


def test_the_right_password_opens_and_the_dispatch_names_the_persona() -> None:
    found = judged(signed(invite(), "secret"))
    assert isinstance(found, Invited)
    assert found.where.rule is not None
    [agent] = found.where.rule.room_config.agents
    assert (agent.agent_name, agent.metadata) == ("earshot", '{"persona": "boxing_coach"}')
    assert found.where.room.startswith("call_+15550001111_")
    assert found.choice is not None
    assert found.choice.codec == "G722"


def test_no_password_is_challenged_and_a_wrong_one_refused() -> None:
    assert refused(invite()).status == 407
    assert refused(signed(invite(), "wrong")).status == 403
    assert refused(signed(invite(), "secret", username="other")).status == 403


def test_a_challenge_is_good_for_one_minute() -> None:
    request = signed(invite(), "secret")
    assert isinstance(judged(request, now=NOW + NONCE_LIFE_S - 1), Invited)
    late = judged(request, now=NOW + NONCE_LIFE_S + 5)
    assert isinstance(late, Refusal)
    assert late.status == 407


@pytest.mark.parametrize(
    ("changed", "source"),
    [
        ({"Call-ID": "another"}, SOURCE),
        ({"From": "<sip:+15550001111@127.0.0.1>;tag=other"}, SOURCE),
        ({"From": "<sip:+15550009999@127.0.0.1>;tag=theirs"}, SOURCE),
        ({}, ("192.0.2.7", 5070)),
    ],
    ids=["another call", "another tag", "another caller", "another address"],
)
def test_an_answer_that_was_overheard_is_of_no_use(changed: dict[str, str], source: tuple[str, int]) -> None:
    stolen = invite(**changed)
    stolen.set_header("Proxy-Authorization", signed(invite(), "secret").get_header("Proxy-Authorization") or "")
    assert refused(stolen, source).status == 407


def test_digest_without_qop_as_old_phones_do_it() -> None:
    challenges = Challenges(b"key", "earshot")
    nonce = parse_auth(challenges.challenge(ASKED, NOW)).params["nonce"]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    response = md5(f"{md5('phone:earshot:secret')}:{nonce}:{md5('INVITE:sip:x')}")
    said = {"username": "phone", "nonce": nonce, "uri": "sip:x", "response": response}
    assert challenges.judge(said, ASKED, NOW, lambda user: "secret" if user == "phone" else None) is Verdict.RIGHT
    assert challenges.judge(said, ASKED, NOW, lambda _: None) is Verdict.WRONG
    elsewhere = Asked("INVITE", "sip:y", ASKED.who)
    assert challenges.judge(said, elsewhere, NOW, lambda _: "secret") is Verdict.WRONG


@given(st.dictionaries(st.sampled_from(["nonce", "response", "username", "uri", "qop", "nc", "cnonce"]), st.text()))
def test_no_made_up_answer_is_right(said: dict[str, str]) -> None:
    verdict = Challenges(b"key", "earshot").judge(said, ASKED, NOW, lambda _: "secret")
    assert verdict is Verdict.ABSENT


@pytest.mark.parametrize(
    ("request_", "source", "status"),
    [
        (to_office(), ("192.0.2.1", 5060), 403),
        (invite(To="<sip:+15559999999@127.0.0.1>"), SOURCE, 404),
        (to_office(Require="100rel"), SOURCE, 420),
        (to_office(From="<sip:127.0.0.1>;tag=theirs"), SOURCE, 400),
        (to_office(From="<sip:a%20b<c@127.0.0.1>;tag=theirs"), SOURCE, 400),
        (to_office("{}", **{"Content-Type": "application/json"}), SOURCE, 415),
        (to_office("nonsense"), SOURCE, 400),
        (to_office(OFFER.replace("RTP/AVP", "RTP/SAVP")), SOURCE, 488),
        (to_office(OFFER.replace("0 9 101", "18 101")), SOURCE, 488),
        (to_office(OFFER.replace("audio 30000", "audio 0")), SOURCE, 488),
        (to_office(OFFER.replace("audio 30000", "video 30000")), SOURCE, 488),
        (to_office(OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 phone.example")), SOURCE, 488),
        (to_office(OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 224.0.0.1")), SOURCE, 488),
        (to_office(OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP6 ::1")), SOURCE, 488),
        (to_office(OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP6 fe80::1%eth0")), SOURCE, 488),
        (to_office(OFFER.replace("30000", "x")), SOURCE, 400),
    ],
    ids=[
        "the trunk keeps the address out", "unknown number", "an extension",
        "no user", "a user no room can be named after", "no SDP", "broken SDP", "SRTP", "no codec", "no audio",
        "video", "a host name", "multicast", "the other IP family", "a zone", "a port that is no number",
    ],
)  # fmt: skip
def test_a_refusal_has_its_code(request_: SipRequest, source: tuple[str, int], status: int) -> None:
    found = refused(request_, source)
    assert found.status == status
    assert found.reason


def gate_of(file: str) -> Gate:
    return Gate(admission(parse(file.encode()), {"PHONE_PASSWORD": "secret"}), Challenges(b"key", "earshot"))


BY_ADDRESS = (
    FILE.partition("[line]")[0]
    + """
[[inbound]]
name = "another carrier"
numbers = ["+15550004444"]
allowed_addresses = ["203.0.113.0/24", "192.0.2.10", "2001:db8::/32"]

[[rule]]
name = "of another carrier"
trunks = ["another carrier"]
"""
)
WRITTEN = st.sampled_from(
    ["203.0.113.0/24", "203.0.113.7", "192.0.2.10", "192.0.2.10/32", "127.0.0.0/8", "127.0.0.1", "2001:db8::/32", "[::1]", "x"]
)
NUMBERS = st.sampled_from(["+15550003333", "+15550004444"])


@given(WRITTEN, WRITTEN, WRITTEN, NUMBERS, st.sampled_from(["198.51.100.66", "192.0.2.11", "10.0.0.66"]))
def test_an_address_that_the_sender_writes_opens_nothing(
    sender: str, contact: str, via: str, number: str, source_ip: str
) -> None:
    """Whatever is written into From, To, Contact, Via, P-Asserted-Identity: the packet's source alone is compared."""
    headers = {
        "From": f"<sip:+15550001111@{sender}>;tag=theirs",
        "To": f"<sip:{number}@{contact}>",
        "Contact": f"<sip:+15550001111@{contact}>",
        "Via": f"SIP/2.0/UDP {via};branch=z9hG4bK1;received={via}",
        "P-Asserted-Identity": f"<sip:+15550001111@{sender}>",
    }
    try:
        request = invite(**headers)
    except MessageError:
        return
    judged = gate_of(BY_ADDRESS).judge(request, (source_ip, 5060), NOW)
    assert isinstance(judged, Refusal)
    assert judged.status == 403


@pytest.mark.parametrize("source_ip", ["203.0.113.200", "192.0.2.10"])
def test_a_caller_from_a_trunk_s_networks_is_let_in_whatever_it_writes(source_ip: str) -> None:
    request = invite("", To="<sip:+15550004444@x>", From="<sip:+15550001111@evil.example>;tag=theirs")
    assert isinstance(gate_of(BY_ADDRESS).judge(request, (source_ip, 5060), NOW), Invited)


def test_a_stranger_gets_silence() -> None:
    """A stranger: an address that [line] keeps out, or every trunk."""
    found = judged(invite(), ("10.0.0.1", 5060))
    assert found == NoAnswer("it is in no allowed_addresses")
    assert isinstance(gate_of(OPEN).judge(invite(), ("198.51.100.66", 5060), NOW), NoAnswer)


def test_wrong_passwords_are_slowed_down_and_the_right_one_is_not_tried_meanwhile() -> None:
    guarding = gate()
    answers = [guarding.judge(signed(invite(), "wrong"), SOURCE, NOW) for _ in range(FailedLogins.FREE + 3)]
    assert [found.status for found in answers if isinstance(found, Refusal)] == [403] * FailedLogins.FREE
    assert [isinstance(found, NoAnswer) for found in answers[FailedLogins.FREE :]] == [True] * 3
    assert isinstance(guarding.judge(signed(invite(), "secret"), SOURCE, NOW), NoAnswer)
    assert isinstance(guarding.judge(invite(), SOURCE, NOW), NoAnswer)
    elsewhere = ("192.0.2.7", 5070)
    unknown = guarding.judge(invite(), elsewhere, NOW)
    assert isinstance(unknown, Refusal)
    assert unknown.status == 407
    assert isinstance(guarding.judge(signed(invite(), "secret"), SOURCE, NOW + FailedLogins.FIRST_S), Invited)


TWO_LOGINS = """
[[inbound]]
name = "carrier"
numbers = ["+15550002222"]
auth_username = "phone"
auth_password_env = "PHONE_PASSWORD"

[[inbound]]
name = "office"
numbers = ["+15550003333"]
auth_username = "%s"
auth_password_env = "OFFICE_PASSWORD"

[[rule]]
name = "all"
trunks = ["carrier", "office"]
"""


def gate_of_two(office_user: str) -> Gate:
    passwords = {"PHONE_PASSWORD": "secret", "OFFICE_PASSWORD": "another"}
    return Gate(admission(parse((TWO_LOGINS % office_user).encode()), passwords), Challenges(b"key", "earshot"))


def office_guess(guarding: Gate, user: str, password: str) -> Invited | Refusal | NoAnswer:
    return guarding.judge(signed(to_office(), password, user, guarding), SOURCE, NOW)


@pytest.mark.parametrize("office_user", ["office", "phone"], ids=["other users", "the same user with another password"])
def test_the_password_of_one_trunk_wins_no_guesses_at_another_s(office_user: str) -> None:
    guarding, judged = gate_of_two(office_user), []
    for _ in range(FailedLogins.FREE):
        judged += [office_guess(guarding, office_user, "secret") for _ in range(FailedLogins.FREE - 1)]
        assert isinstance(guarding.judge(signed(invite(), "secret"), SOURCE, NOW), Invited)
    assert sum(isinstance(found, Refusal) for found in judged) == FailedLogins.FREE
    assert isinstance(judged[-1], NoAnswer)


@pytest.mark.parametrize("user", ["office", "nobody"], ids=["another trunk's user", "an unknown user"])
def test_a_phone_with_a_wrong_password_silences_no_phone_of_another_login_behind_its_nat(user: str) -> None:
    guarding = gate_of_two("office")
    judged = [office_guess(guarding, user, "wrong") for _ in range(2 * FailedLogins.FREE)]
    assert isinstance(judged[-1], NoAnswer)
    assert isinstance(guarding.judge(signed(invite(), "secret"), SOURCE, NOW), Invited)
    assert isinstance(office_guess(guarding, "office", "another"), NoAnswer if user == "office" else Invited)


def test_made_up_users_have_no_guesses_of_their_own() -> None:
    guarding = gate_of_two("office")
    judged = [office_guess(guarding, f"user-{number}", "wrong") for number in range(100)]
    assert sum(isinstance(found, Refusal) for found in judged) == FailedLogins.FREE


@pytest.mark.parametrize(
    ("address", "source_ip", "reached"),
    [
        ("10.1.33.103", "203.0.113.5", False),
        ("198.51.100.1", "203.0.113.5", False),
        ("127.0.0.1", "203.0.113.5", False),
        ("169.254.169.254", "203.0.113.5", False),
        ("255.255.255.255", "203.0.113.5", False),
        ("203.0.113.5", "203.0.113.5", True),
        ("203.0.113.77", "203.0.113.5", True),
        ("0.0.0.0", "203.0.113.5", True),
    ],
    ids=["private", "third party", "this machine", "link-local", "broadcast", "the source", "the trunk's network", "hold"],
)
def test_sound_goes_to_the_source_and_the_trunk_s_networks_only(address: str, source_ip: str, reached: bool) -> None:
    body = OFFER.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {address}")
    request = invite(body, To="<sip:+15550004444@x>")
    found = gate_of(BY_ADDRESS).judge(request, (source_ip, 5060), NOW)
    if reached:
        assert isinstance(found, Invited)
        return
    assert isinstance(found, Refusal)
    assert found.status == 488
    assert address in found.reason
    assert source_ip in found.reason
    public = address in {"198.51.100.1", "255.255.255.255"}
    named = f"name {source_ip} and {address} in allowed_addresses of [[inbound]] 'another carrier'"
    assert (named in found.reason, "symmetric_rtp" in found.reason) == (public, not public)
    followed = gate_of(BY_ADDRESS.replace('name = "another carrier"', 'name = "another carrier"\nsymmetric_rtp = true'))
    again = followed.judge(request, (source_ip, 5060), NOW)
    if not public:
        assert isinstance(again, Invited)
        return
    assert isinstance(again, Refusal)
    assert again.status == 488
    assert named in again.reason


@given(st.ip_addresses(v=4), st.sampled_from(["203.0.113.0/24", "0.0.0.0/0", "127.0.0.0/8", "169.254.0.0/16"]), st.booleans())
def test_whatever_is_described_sound_goes_nowhere_else(address: IPv4Address, network: str, symmetric: bool) -> None:
    reach = Reach("phones", "203.0.113.5", networks([network]), symmetric)
    body = OFFER.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {address}")
    try:
        media = Media(reachable(chosen(body), reach), START, reach)
    except OfferError as error:
        assert error.status == 488
        return
    assert (
        media.peer is None or media.peer[0] == "203.0.113.5" or (network == "203.0.113.0/24" and address in ip_network(network))
    )


def test_the_log_says_what_makes_sound_heard() -> None:
    """`symmetric_rtp` only where it helps, and never where it is set."""
    reach = Reach("pbx", "192.0.2.1", networks(["203.0.113.0/24"]))
    symmetric = replace(reach, symmetric=True)
    named = "if it is your carrier's or PBX's, name 192.0.2.1 and 198.51.100.9 in allowed_addresses of [[inbound]] 'pbx'"
    assert reach.to_hear("203.0.113.7") == "symmetric_rtp = true in [[inbound]] 'pbx' takes it from the trunk's networks"
    assert reach.to_hear("198.51.100.9") == f"{named}, with symmetric_rtp = true"
    assert symmetric.to_hear("198.51.100.9") == named
    assert symmetric.to_hear("203.0.113.7") == "the call's sound comes from another address"


def test_a_password_doesn_t_let_sound_go_anywhere() -> None:
    """The trunk has no networks, or that of all addresses: sound goes to the source."""
    for more in ("", '\nallowed_addresses = ["0.0.0.0/0"]'):
        guarding = gate_of(FILE.partition("[line]")[0].replace('name = "carrier"', f'name = "carrier"{more}'))
        reach = guarding.admission.reach(answer_of(guarding), "198.51.100.1")
        assert [reach.admits(address) for address in ("198.51.100.1", "198.51.100.2", "10.0.0.1")] == [True, False, False]


def answer_of(guarding: Gate) -> RoutingResult:
    found = guarding.admission.decide(Call("+15550001111", "+15550002222", "198.51.100.1", pin=""))
    assert isinstance(found, RoutingResult)
    return found


def test_an_invite_without_an_offer_is_a_call() -> None:
    found = judged(to_office("", **{"Content-Type": ""}))
    assert isinstance(found, Invited)
    assert (found.choice, found.offered) == (None, "")


def test_a_hidden_caller_has_a_random_identity_and_no_number_in_a_refusal() -> None:
    hiding = FILE.replace('room = "lobby"', 'room = "lobby"\nhide_caller = true\ncallers = ["+15550001111"]')
    found = gate_of(hiding).judge(to_office(), SOURCE, NOW)
    assert isinstance(found, Invited)
    assert found.hides_caller
    identities = {new_identity(found.where) for _ in range(2)}
    assert len(identities) == 2
    assert not any("1111" in identity for identity in identities)
    refused = gate_of(hiding).judge(to_office(From="<sip:+15559998888@127.0.0.1>;tag=theirs"), SOURCE, NOW)
    assert isinstance(refused, Refusal)
    assert "15559998888" not in refused.reason


def test_two_callers_of_one_number_in_a_shared_room_are_two_participants() -> None:
    shared = judged(to_office())
    own = judged(signed(invite(), "secret"))
    assert isinstance(shared, Invited)
    assert isinstance(own, Invited)
    assert new_identity(shared.where) != new_identity(shared.where)
    assert new_identity(shared.where).startswith("sip_+15550001111_")
    assert new_identity(own.where) == "sip_+15550001111"


def test_a_room_knows_what_livekit_sip_would_tell() -> None:
    request = to_office()
    found = judged(request)
    assert isinstance(found, Invited)
    assert found.where.room == "lobby"
    told = attributes(found, request)
    assert told.pop("sip.callID").startswith("SCL_")
    assert told == {
        "earshot.owner": "earshot",
        "earshot.rule": "of the office",
        "sip.callIDFull": "call-1",
        "sip.callStatus": "ringing",
        "sip.callTag": "theirs",
        "sip.hostname": "127.0.0.1",
        "sip.phoneNumber": "+15550001111",
        "sip.ruleID": "SDR_of the office",
        "sip.trunkID": "ST_office",
        "sip.trunkPhoneNumber": "+15550003333",
    }


# Offers and answers


def chosen(body: str, *codecs: str) -> Choice:
    return choose(body, codecs or ("PCMU",), LOCAL[0])


def test_our_best_codec_is_taken_and_the_phone_s_numbers_are_kept() -> None:
    body = OFFER.replace("0 9 101", "0 97 101").replace("rtpmap:9 ", "rtpmap:97 ")
    assert chosen(body, "G722", "PCMU").payload_type == 97
    assert chosen(body, "PCMU", "G722").payload_type == 0
    assert chosen(OFFER.replace("101", "96")).dtmf_payload_type == 96


def test_the_answer_has_every_medium_of_the_offer_and_refuses_what_is_no_audio() -> None:
    body = OFFER + "m=video 30002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 30004 RTP/AVP 0\r\n"
    answered = read_sdp(describe(body, chosen(body), LOCAL, (7, 1)))
    assert [(media.media, media.port) for media in answered.media] == [("audio", 20000), ("video", 0), ("audio", 0)]
    assert (answered.origin.session_id, answered.origin.session_version) == ("7", "1")
    assert [codec.encoding_name for codec in answered.media[0].codecs] == ["PCMU", "telephone-event"]


def test_our_own_offer_can_be_read_and_has_codecs_of_one_sample_rate() -> None:
    [media] = read_sdp(propose(offerable(["G722", "PCMU", "PCMA"]), LOCAL, (7, 0))).media
    assert [(codec.payload_type, codec.encoding_name) for codec in media.codecs] == [
        (0, "PCMU"),
        (8, "PCMA"),
        (101, "telephone-event"),
    ]
    assert (media.port, "sendrecv" in media.attributes) == (20000, True)
    assert offerable(["G722"]) == ["G722"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_a_direction_is_mirrored(theirs: str, ours: str) -> None:
    for body in (f"{OFFER}a={theirs}\r\n", OFFER.replace("m=audio", f"a={theirs}\r\nm=audio")):
        choice = chosen(body)
        assert choice.direction == ours
        assert choice.on_hold is (theirs != "sendrecv")
        assert f"a={ours}\r\n" in describe(body, choice, LOCAL, (1, 0))


def test_the_first_audio_that_can_be_had_is_taken() -> None:
    """Phones that would rather have SRTP offer several audios: the same port with another profile, or another address."""
    encrypted = OFFER[OFFER.index("m=audio") :].replace("RTP/AVP", "RTP/SAVP")
    plain = OFFER[OFFER.index("m=audio") :].replace("30000 RTP/AVP", "30010 RTP/AVP") + "c=IN IP4 127.0.0.9\r\n"
    body = OFFER[: OFFER.index("m=audio")] + encrypted + plain
    choice = chosen(body)
    assert choice.peer == ("127.0.0.9", 30010)
    media = read_sdp(describe(body, choice, LOCAL, (1, 0))).media
    assert [(one.port, one.proto) for one in media] == [(0, "RTP/SAVP"), (20000, "RTP/AVP")]


def test_the_old_way_to_hold() -> None:
    assert chosen(OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")).direction == "inactive"


@given(st.lists(st.tuples(st.integers(0, len(OFFER) - 1), st.sampled_from(string.printable)), max_size=6))
def test_a_damaged_offer_is_answered_or_refused(changes: list[tuple[int, str]]) -> None:
    letters = list(OFFER)
    for place, letter in changes:
        letters[place] = letter
    body = "".join(letters)
    try:
        choice = chosen(body, "G722", "PCMU", "PCMA")
    except OfferError as error:
        assert error.status in {400, 488}
    else:
        assert read_sdp(describe(body, choice, LOCAL, (1, 0))).audio is not None
