"""SIP messages, SDP and dialogs by aiosipua. The only module that imports it.

Names that aiosipua doesn't export from its package are in `UNEXPORTED`; tests/line/test_wire.py fails when one goes. Its
endpoints, transactions and media aren't used: an INVITE that comes twice is two calls to them, and nothing but a 200 is sent
again.
"""

import hashlib
import hmac
from typing import Final

from aiosipua import (
    ConnectionData,
    Dialog,
    MediaDescription,
    Origin,
    SdpMessage,
    SipMessage,
    SipRequest,
    SipResponse,
    Via,
    create_dialog_from_request,
    parse_auth,
    parse_sdp,
    parse_uri,
    serialize_sdp,
    stringify_uri,
    stringify_via,
)
from aiosipua.dialog import dialog_matches, remote_cseq_valid
from aiosipua.message import missing_required_headers

from telephony.line.errors import MessageError, OfferError

__all__ = ["Dialog", "MediaDescription", "SdpMessage", "SipRequest", "SipResponse", "dialog_matches", "remote_cseq_valid"]

UNEXPORTED: Final = {
    "aiosipua.dialog": ("dialog_matches", "remote_cseq_valid"),
    "aiosipua.message": ("missing_required_headers",),
}
ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"
Address = tuple[str, int]

_LARGEST_BYTES = 16_384
_LONGEST_VALUE = 1024
_MOST_VIAS = 16
_REASONS = {
    403: "Forbidden",
    415: "Unsupported MediaDescription Type",
    420: "Bad Extension",
    482: "Loop Detected",
    501: "Not Implemented",
}


def read(data: bytes) -> SipRequest | SipResponse:
    """Read a datagram, and look at every header that is used later.

    Raises:
        MessageError: it is no SIP message, or one that can't be answered.
    """
    if len(data) > _LARGEST_BYTES:
        raise MessageError(f"{len(data)} bytes")
    try:
        message = SipMessage.parse(data)
        _look_at(message)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:  # aiosipua's parsers document no errors
        raise MessageError(str(error)) from error
    return message


def _look_at(message: SipRequest | SipResponse) -> None:
    if isinstance(message, SipRequest) and missing_required_headers(message):
        raise MessageError("a mandatory header is missing")
    cseq, vias, sender, target = message.cseq, message.via, message.from_addr, message.to_addr
    if cseq is None or not 0 <= cseq.seq < 1 << 31 or sender is None or target is None or not message.call_id:
        raise MessageError("CSeq, From, To or Call-ID can't be used")
    if not 1 <= len(vias) <= _MOST_VIAS or vias[0].protocol != "SIP/2.0" or not vias[0].host:
        raise MessageError("Via can't be used")
    if isinstance(message, SipRequest) and cseq.method != message.method:
        raise MessageError("CSeq names another method")
    if any(len(value or "") > _LONGEST_VALUE for value in (message.call_id, sender.tag, target.tag, vias[0].branch)):
        raise MessageError("a header is too long")
    str(message.contact)  # parsed now, so that it doesn't fail later


def tag(secret: bytes, request: SipRequest) -> str:
    """Our tag in To: one for each (Call-ID, From tag), so that all answers to one caller have the same, kept or not.

    sipp 3.6.1 holds on to the first tag that it sees, that of the 407.
    """
    assert request.from_addr is not None
    text = f"{request.call_id}\n{request.from_addr.tag}".encode(errors="replace")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:16]


def dialog(request: SipRequest, local_tag: str) -> Dialog:
    """The dialog that an INVITE opens."""
    return create_dialog_from_request(request, local_tag=local_tag)


def answer(request: SipRequest, status: int, local_tag: str, source: Address) -> SipResponse:
    """A response, to the address that the request came from (RFC 3581: that is written into Via)."""
    told = create_dialog_from_request(request, local_tag=local_tag if status > 100 else "")
    response = told.create_response(request, status, _REASONS.get(status, ""))
    first, *others = request.via
    if "rport" in first.params:
        first.rport = str(source[1])
    if first.host != source[0] or "rport" in first.params:
        first.received = source[0]
    response.via = [first, *others]
    for route in request.headers.get("record-route") if 100 < status < 300 else ():
        response.headers.append("Record-Route", route)
    if status in {200, 405, 501}:
        response.set_header("Allow", ALLOWED)
    return response


def in_dialog(opened: Dialog, method: str, local: Address) -> SipRequest:
    """A request of ours within a dialog."""
    request = opened.create_request(method, via_host=host_in_uri(local[0]), via_port=local[1])
    request.set_header("Contact", contact(local))
    return request


def contact(local: Address) -> str:
    return f"<sip:{host_in_uri(local[0])}:{local[1]}>"


def target(request: SipRequest) -> str:
    """The URI in Contact: where requests to the other side point."""
    return stringify_uri(request.contact[0].uri)


def host_in_uri(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def with_body(response: SipResponse, local: Address, sdp: str) -> SipResponse:
    """Put a session description into a response."""
    response.set_header("Contact", contact(local))
    response.set_header("Content-Type", "application/sdp")
    response.text = sdp
    return response


def digest_parameters(request: SipRequest) -> dict[str, str]:
    """The parameters of Proxy-Authorization, or of Authorization, which some phones send instead; empty without."""
    for name in ("Proxy-Authorization", "Authorization"):
        value = request.get_header(name)
        if value:
            credentials = parse_auth(value)
            return dict(credentials.params) if credentials.scheme.lower() == "digest" else {}
    return {}


def body_type(request: SipRequest) -> str:
    """The media type of the body, in lower case and without parameters; empty without one."""
    return (request.content_type or "").partition(";")[0].strip().lower()


def user(request: SipRequest, header: str) -> str:
    """The user part of From or To, such as `+15550002222`; empty if there is none."""
    address = request.from_addr if header == "From" else request.to_addr
    return (address.uri.user if address is not None else None) or ""


def user_of_uri(uri: str) -> str:
    """The user part of a URI."""
    return parse_uri(uri).user or ""


def host(request: SipRequest, header: str) -> str:
    """The host part of From or To."""
    address = request.from_addr if header == "From" else request.to_addr
    return address.uri.host if address is not None else ""


def dialog_tags(request: SipRequest) -> tuple[str, str]:
    """The phone's tag (From) and ours (To); empty where there is none."""
    sender, target = request.from_addr, request.to_addr
    return (sender.tag if sender is not None else None) or "", (target.tag if target is not None else None) or ""


def branch(message: SipRequest | SipResponse) -> tuple[str, str]:
    """The key of a transaction besides its method: branch and sender of the topmost Via (RFC 3261 17.2.3)."""
    first: Via = message.via[0]
    magic = first.branch or ""
    if not magic.startswith("z9hG4bK"):  # a sender of before RFC 3261
        assert message.cseq is not None
        magic = f"{message.call_id} {message.cseq.seq} {message.headers.get_first('from')} {stringify_via(first)}"
    return magic, f"{first.host}:{first.port or 5060}".lower()


def read_sdp(body: str) -> SdpMessage:
    """Read a session description.

    Raises:
        OfferError: it is none.
    """
    try:
        read_body = parse_sdp(body)
    except (ValueError, IndexError) as error:  # aiosipua's parser documents no errors
        raise OfferError(400, f"the session description can't be read: {error}") from error
    if not body.lstrip().startswith("v="):
        raise OfferError(400, "the body is no session description")
    return read_body


def write_sdp(host: str, session: tuple[int, int], media: list[MediaDescription]) -> str:
    """A session description of ours. `session` is its id and version."""
    family = "IP6" if ":" in host else "IP4"
    origin = Origin(session_id=str(session[0]), session_version=str(session[1]), addr_type=family, address=host)
    return serialize_sdp(
        SdpMessage(origin=origin, session_name="earshot", connection=ConnectionData("IN", family, host), media=media)
    )
