"""Which of the offered media is taken, and what is answered (RFC 3264). Pure."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.line.errors import OfferError
from telephony.line.wire import Address, Media, Sdp, read_sdp, write_sdp

_CLOCKS = {"PCMU": 8000, "PCMA": 8000, "G722": 8000}
_STATIC = {"PCMU": 0, "PCMA": 8, "G722": 9}
_MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_HIGHEST_TYPE = 127


@dataclass(frozen=True)
class Choice:
    """What both sides agree on."""

    codec: str
    payload_type: int
    dtmf_payload_type: int | None
    """None: the phone can't do RFC 4733."""
    peer: Address
    """Where the phone wants its sound, and the only address from which sound is taken."""
    direction: str
    """As we answer it: sendrecv, sendonly (the phone doesn't send), recvonly (it doesn't listen), inactive."""

    @property
    def we_send(self) -> bool:
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def on_hold(self) -> bool:
        """Whether the phone may fall silent: baresip does even when it says that it would send music."""
        return self.direction != "sendrecv"


def choose(body: str, codecs: Sequence[str]) -> Choice:
    """Choose from an offer, our best codec first.

    Raises:
        OfferError: 400 if it can't be read, 488 if there is nothing in it that we can do.
    """
    offered_sdp = read_sdp(body)
    media = offered_sdp.audio
    if media is None or media.port == 0:
        raise OfferError(488, "there is no audio in the offer")
    if media.proto != "RTP/AVP":
        raise OfferError(488, f"{media.proto} is offered; this line does RTP/AVP only")
    peer, direction = _peer(offered_sdp), media.direction
    if ipaddress.ip_address(peer[0]).is_unspecified:  # hold, as RFC 2543 wrote it
        direction = "inactive"
    offered = {(codec.encoding_name.upper(), codec.clock_rate): codec.payload_type for codec in reversed(media.codecs)}
    if any(not 0 <= number <= _HIGHEST_TYPE for number in offered.values()):
        raise OfferError(400, "a payload type is out of range")
    for name in codecs:
        if (name, _CLOCKS[name]) in offered:
            digits = offered.get(("TELEPHONE-EVENT", 8000))
            return Choice(name, offered[name, _CLOCKS[name]], digits, peer, _MIRRORED[direction])
    raise OfferError(488, f"none of {', '.join(codecs)} is offered")


def answer(body: str, choice: Choice, local: Address, session: tuple[int, int]) -> str:
    """Answer the offer with the choice; every other medium in it is refused by port 0 (RFC 3264 6).

    Args:
        body: the offer.
        choice: what `choose` made of it.
        local: where we want the sound.
        session: id and version of our description; the version grows with every answer (RFC 3264 8).
    """
    offered = read_sdp(body)
    chosen = offered.audio
    ours = [
        _described(choice, local) if media is chosen else Media(media.media, 0, media.proto, media.formats)
        for media in offered.media
    ]
    return write_sdp(local[0], session, ours)


def offer(choice: Choice, local: Address, session: tuple[int, int]) -> str:
    """Offer what a call has, where the other side asks for an offer by sending none."""
    return write_sdp(local[0], session, [_described(choice, local)])


def _described(choice: Choice, local: Address) -> Media:
    maps = [f"{choice.payload_type} {choice.codec}/{_CLOCKS[choice.codec]}"]
    attributes: dict[str, list[str]] = {"rtpmap": maps}
    formats = [str(choice.payload_type)]
    if choice.dtmf_payload_type is not None:
        maps.append(f"{choice.dtmf_payload_type} telephone-event/8000")
        attributes["fmtp"] = [f"{choice.dtmf_payload_type} 0-15"]
        formats.append(str(choice.dtmf_payload_type))
    attributes |= {"ptime": ["20"], choice.direction: []}
    return Media("audio", local[1], "RTP/AVP", formats, attributes=attributes)


def _peer(offered: Sdp) -> Address:
    found = offered.rtp_address
    try:
        host = ipaddress.ip_address(found[0] if found is not None else "")
    except ValueError:
        raise OfferError(488, "the connection's address must be an IP address") from None
    assert found is not None
    if host.is_multicast or not 0 < found[1] <= 65535:
        raise OfferError(488, "the connection's address or port can't be used")
    return str(host), found[1]
