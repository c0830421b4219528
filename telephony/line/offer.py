"""SDP offer and answer (RFC 3264). Pure."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.line.errors import OfferError
from telephony.line.reach import Reach
from telephony.line.wire import Address, MediaDescription, SdpMessage, read_sdp, write_sdp

_CLOCKS = {"PCMU": 8000, "PCMA": 8000, "G722": 8000}
_MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_HIGHEST_TYPE = 127
_OWN_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}  # RFC 3551's
_OWN_DIGITS = 101


@dataclass(frozen=True)
class Choice:
    """The negotiated media."""

    codec: str
    payload_type: int
    dtmf_payload_type: int | None
    """The payload type of digits; None if the phone can't do RFC 4733."""
    peer: Address | None
    """The address at which the phone wants its sound; None if it has not said so yet."""
    direction: str
    """Our direction: sendrecv, sendonly (the phone doesn't send), recvonly (the phone doesn't listen), inactive."""
    section: int
    """The index of the audio among the offer's media."""

    @property
    def we_send(self) -> bool:
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def on_hold(self) -> bool:
        """Whether the phone may fall silent. baresip falls silent even when it says that it sends music."""
        return self.direction != "sendrecv"


def undecided(codecs: Sequence[str]) -> Choice:
    """The terms of a call without an offer, until the phone has answered ours: nothing is sent and nothing is heard.

    Args:
        codecs: what we offer, as `offerable` gives it.
    """
    return Choice(codecs[0], _OWN_TYPES[codecs[0]], _OWN_DIGITS, None, "inactive", 0)


def offerable(codecs: Sequence[str]) -> list[str]:
    """The codecs for an offer of ours. The room is joined at one sample rate before the phone has chosen, so they share it."""
    narrow = [name for name in codecs if name != "G722"]
    return narrow or list(codecs)


def propose(codecs: Sequence[str], local: Address, session: tuple[int, int]) -> str:
    """Our offer to an INVITE that brings none (RFC 3261 13.2.1). Arguments as for `describe`."""
    attributes = {"rtpmap": [f"{_OWN_TYPES[name]} {name}/{_CLOCKS[name]}" for name in codecs]}
    attributes["rtpmap"].append(f"{_OWN_DIGITS} telephone-event/8000")
    attributes |= {"fmtp": [f"{_OWN_DIGITS} 0-15"], "ptime": ["20"], "sendrecv": []}
    formats = [str(_OWN_TYPES[name]) for name in codecs]
    return write_sdp(
        local[0], session, [MediaDescription("audio", local[1], "RTP/AVP", [*formats, str(_OWN_DIGITS)], attributes=attributes)]
    )


def reachable(choice: Choice, reach: Reach) -> Choice:
    """The choice, if the phone's sound can go where the phone wants it, or is sent back to where it comes from.

    Raises:
        OfferError: 488, with both addresses and what to change.
    """
    if choice.peer is None or not choice.we_send or reach.accepts(choice.peer[0]):
        return choice
    fix = reach.to_accept(choice.peer[0])
    raise OfferError(488, f"it wants its sound at {choice.peer[0]}, and comes from {reach.source}; {fix}")


def choose(body: str, codecs: Sequence[str], host: str) -> Choice:
    """Choose from an offer: its first audio that can be had, and of that our best codec.

    Args:
        body: the offer.
        codecs: ours, the best first.
        host: our address; sound goes to a phone of the same family only.

    Raises:
        OfferError: 400 if it can't be read, 488 if there is nothing in it that we can do. Of several audios, why not the first.
    """
    offered = read_sdp(body)
    refused: OfferError | None = None
    for section, media in enumerate(offered.media):
        if media.media != "audio" or media.port == 0:
            continue
        try:
            return _chosen(offered, section, codecs, host)
        except OfferError as error:
            refused = refused or error
    raise refused or OfferError(488, "there is no audio in the offer")


def describe(body: str, choice: Choice, local: Address, session: tuple[int, int]) -> str:
    """Answer the offer with the choice; every other medium in it is refused by port 0 (RFC 3264 6).

    It is also the offer of a call that has `choice`: the media stay those of the last offer, in their order (RFC 3264 8).

    Args:
        body: the offer.
        choice: what `choose` made of it.
        local: where we want the sound.
        session: id and version of our description; the version grows with every answer (RFC 3264 8).
    """
    ours = [
        _described(choice, local) if section == choice.section else MediaDescription(media.media, 0, media.proto, media.formats)
        for section, media in enumerate(read_sdp(body).media)
    ]
    return write_sdp(local[0], session, ours)


def _chosen(offered: SdpMessage, section: int, codecs: Sequence[str], host: str) -> Choice:
    media = offered.media[section]
    if media.proto != "RTP/AVP":
        raise OfferError(488, f"{media.proto} is offered; this line does RTP/AVP only")
    peer, direction = _peer(offered, media, host), _direction(offered, media)
    types = {(codec.encoding_name.upper(), codec.clock_rate): codec.payload_type for codec in reversed(media.codecs)}
    if any(not 0 <= number <= _HIGHEST_TYPE for number in types.values()):
        raise OfferError(400, "a payload type is out of range")
    if ipaddress.ip_address(peer[0]).is_unspecified:  # hold, as RFC 2543 wrote it
        direction = "inactive"
    for name in codecs:
        if (name, _CLOCKS[name]) in types:
            digits = types.get(("TELEPHONE-EVENT", 8000))
            return Choice(name, types[name, _CLOCKS[name]], digits, peer, _MIRRORED[direction], section)
    raise OfferError(488, f"none of {', '.join(codecs)} is offered")


def _described(choice: Choice, local: Address) -> MediaDescription:
    maps = [f"{choice.payload_type} {choice.codec}/{_CLOCKS[choice.codec]}"]
    attributes: dict[str, list[str]] = {"rtpmap": maps}
    formats = [str(choice.payload_type)]
    if choice.dtmf_payload_type is not None:
        maps.append(f"{choice.dtmf_payload_type} telephone-event/8000")
        attributes["fmtp"] = [f"{choice.dtmf_payload_type} 0-15"]
        formats.append(str(choice.dtmf_payload_type))
    attributes |= {"ptime": ["20"], choice.direction: []}
    return MediaDescription("audio", local[1], "RTP/AVP", formats, attributes=attributes)


def _direction(offered: SdpMessage, media: MediaDescription) -> str:
    """The medium's own, or else that of the whole session."""
    said = (name for attributes in (media.attributes, offered.attributes) for name in _MIRRORED if name in attributes)
    return next(said, "sendrecv")


def _peer(offered: SdpMessage, media: MediaDescription, host: str) -> Address:
    connection = media.connection or offered.connection
    try:
        address = ipaddress.ip_address(connection.address if connection is not None else "")
    except ValueError:
        raise OfferError(488, "the connection's address must be an IP address") from None
    if address.is_multicast or "%" in str(address) or not 0 < media.port <= 65535:
        raise OfferError(488, "the connection's address or port can't be used")
    if address.version != ipaddress.ip_address(host).version:
        raise OfferError(488, f"sound is wanted at {address}, which {host} can't send to")
    return str(address), media.port
