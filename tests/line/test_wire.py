"""aiosipua has the names that the line relies on, and no datagram gets past the reader that can't be handled afterwards."""

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.line import wire
from telephony.line.errors import MessageError
from tests.line.messages import INVITE, SOURCE, invite


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in wire.UNEXPORTED.items() for name in names])
def test_the_unexported_names_of_aiosipua_are_there(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))


def test_an_answer_goes_to_where_the_request_came_from() -> None:
    response = wire.answer(invite(), 180, "ours", SOURCE)
    [via] = response.via
    assert (via.received, via.rport, via.branch) == ("127.0.0.1", "5070", "z9hG4bK1")
    assert response.to_addr is not None
    assert response.to_addr.tag == "ours"
    assert response.get_header_values("record-route") == ["<sip:proxy.example;lr>"]


def test_one_tag_for_all_answers_to_one_caller() -> None:
    again = invite(CSeq="2 INVITE", Via="SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK2")
    assert wire.tag(b"key", invite()) == wire.tag(b"key", again) != wire.tag(b"key", invite(**{"Call-ID": "other"}))


def test_a_bye_of_ours_is_within_the_dialog() -> None:
    dialog = wire.dialog(invite(), "ours")
    bye = wire.in_dialog(dialog, "BYE", ("127.0.0.1", 5060))
    assert bye.uri == "sip:alice@127.0.0.1:5070"
    assert bye.get_header("From") == "<sip:+15550002222@127.0.0.1>;tag=ours"
    assert bye.get_header("To") == "<sip:+15550001111@127.0.0.1>;tag=theirs"
    assert bye.get_header_values("route") == ["<sip:proxy.example;lr>"]


@pytest.mark.parametrize(
    "header",
    [
        {"CSeq": "x INVITE"},
        {"CSeq": "99999999999 INVITE"},
        {"CSeq": "1 BYE"},
        {"Via": ""},
        {"Call-ID": ""},
        {"Call-ID": "x" * 2000},
        {"From": ""},
        {"Via": ", ".join(["SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1"] * 40)},
    ],
    ids=lambda header: next(iter(header)),
)
def test_what_could_not_be_answered_is_no_message(header: dict[str, str]) -> None:
    with pytest.raises(MessageError):
        invite(**header)


@given(st.binary(max_size=300))
def test_garbage_is_no_message(data: bytes) -> None:
    with pytest.raises(MessageError):
        wire.read(data)


@given(st.data())
def test_a_damaged_invite_is_read_or_refused_and_can_be_answered(data: st.DataObject) -> None:
    damaged = bytearray(INVITE)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
    try:
        message = wire.read(bytes(damaged))
    except MessageError:
        return
    if isinstance(message, wire.SipRequest):
        tag = wire.tag(b"key", message)
        assert bytes(wire.answer(message, 200, tag, SOURCE))
        assert bytes(wire.in_dialog(wire.dialog(message, tag), "BYE", SOURCE))
        wire.branch(message)
        wire.digest_parameters(message)
        wire.user(message, "From")
        wire.user_of_uri(message.uri)
