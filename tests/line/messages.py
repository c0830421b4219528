"""The messages of a call, as a phone sends them."""

from telephony.line import wire
from telephony.line.wire import SipRequest, SipResponse

SOURCE = ("127.0.0.1", 5070)
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 0 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
HEADERS = {
    "Via": "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport",
    "Record-Route": "<sip:proxy.example;lr>",
    "From": "<sip:+15550001111@127.0.0.1>;tag=theirs",
    "To": "<sip:+15550002222@127.0.0.1>",
    "Call-ID": "call-1",
    "CSeq": "1 INVITE",
    "Contact": "<sip:alice@127.0.0.1:5070>",
    "Content-Type": "application/sdp",
    "Max-Forwards": "70",
}


def request_bytes(method: str, body: str = "", **headers: str) -> bytes:
    """A request on the wire; headers whose value is empty are left out."""
    kept = {**HEADERS, "CSeq": f"1 {method}", **headers, "Content-Length": str(len(body))}
    lines = [f"{method} sip:+15550002222@127.0.0.1 SIP/2.0", *(f"{name}: {value}" for name, value in kept.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


INVITE = request_bytes("INVITE", OFFER)


def request(method: str, body: str = "", **headers: str) -> SipRequest:
    read = wire.read(request_bytes(method, body, **headers))
    assert isinstance(read, SipRequest)
    return read


def invite(body: str = OFFER, **headers: str) -> SipRequest:
    return request("INVITE", body, **headers)


def ok(asked: SipRequest, status: int = 200) -> SipResponse:
    """An answer to a request of ours."""
    return wire.answer(asked, status, "theirs", SOURCE)
