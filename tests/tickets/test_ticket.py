"""A ticket fits one room, one identity and one time, and nobody without the API secret writes one."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api

from tickets import LEEWAY_S, Ticket, TicketError, read, signed

SECRET, OTHER_SECRET = "s" * 43, "t" * 43
TICKET = Ticket("room", "alice", 1_790_000_000)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.integers(0, 2**40)


def fits(ticket: Ticket, room: str, created_at_s: float, identity: str | None = None) -> bool:
    try:
        ticket.check(room, created_at_s, identity)
    except TicketError:
        return False
    return True


@given(NAMES, NAMES, TIMES)
def test_what_was_signed_is_read(room: str, identity: str, expires_at_s: int) -> None:
    ticket = Ticket(room, identity, expires_at_s)
    assert read(signed(ticket, SECRET), SECRET) == ticket


@given(TIMES, TIMES)
def test_the_rooms_creation_decides_whether_it_has_expired(expires_at_s: int, created_at_s: int) -> None:
    assert fits(Ticket("r", "i", expires_at_s), "r", created_at_s) == (created_at_s <= expires_at_s + LEEWAY_S)


@given(NAMES, NAMES)
def test_it_fits_its_own_room_and_identity_only(one: str, other: str) -> None:
    ticket = Ticket(one, other, 1)
    assert fits(ticket, one, 0)
    assert fits(ticket, one, 0, other)
    assert fits(ticket, other, 0) == (one == other)
    assert fits(ticket, one, 0, one) == (one == other)


def test_the_reason_says_how_late_it_is() -> None:
    with pytest.raises(TicketError, match=r"expired 780 s before the room was created"):
        TICKET.check("room", TICKET.expires_at_s + 780)


def test_another_secret_neither_writes_nor_reads_it() -> None:
    with pytest.raises(TicketError, match="another LIVEKIT_API_SECRET"):
        read(signed(TICKET, OTHER_SECRET), SECRET)


def test_a_ticket_is_no_livekit_token_and_a_livekit_token_is_no_ticket() -> None:
    """Both are signed by way of one secret, with keys that differ."""
    with pytest.raises(jwt.InvalidSignatureError):
        api.TokenVerifier("key", SECRET).verify(signed(TICKET, SECRET))
    token = api.AccessToken("key", SECRET).with_identity("alice").with_grants(api.VideoGrants(room="room")).to_jwt()
    with pytest.raises(TicketError):
        read(token, SECRET)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(TicketError):
        read(text, SECRET)


@given(st.data())
def test_a_ticket_with_one_changed_character_is_refused(data: st.DataObject) -> None:
    text = signed(TICKET, SECRET)
    at = data.draw(st.integers(0, len(text) - 2))  # of the last character some bits don't count
    new = data.draw(st.sampled_from("ABCabc019-_."))
    changed = text[:at] + new + text[at + 1 :]
    if changed != text:
        with pytest.raises(TicketError):
            read(changed, SECRET)


@pytest.mark.parametrize(
    "claims",
    [{}, {"room": "r", "sub": "i"}, {"room": 1, "sub": "i", "exp": 1}, {"room": "r", "sub": 2, "exp": 1}],
)
def test_a_ticket_without_its_claims_is_refused(claims: dict[str, Any]) -> None:
    from tickets import ticket  # noqa: PLC0415  the key's derivation is not for others

    with pytest.raises(TicketError, match="can't be read"):
        read(jwt.encode(claims, ticket._key(SECRET), algorithm="HS256"), SECRET)
