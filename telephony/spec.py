"""The schema of `telephony.toml`: trunks, rules, and the embedded line's settings.

Pure. `telephony/reading.py` reads the file; `telephony/conflicts.py` checks what spans several tables.
"""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

OPEN_TO_ALL = ("0.0.0.0/0", "::/0")


def _matching(pattern: str, fix: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(fix)
        return value

    return AfterValidator(check)


def _network(value: str) -> str:
    example = "an IP address or a CIDR such as 203.0.113.0/24"
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        why = str(error) if "/" in value else "LiveKit compares a host name with what the caller writes himself"
        raise ValueError(f"{example}; {why}") from None
    if "%" in value:
        raise ValueError(f"{example}, without a zone")
    return str(network)


def _host(value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("the IP address to listen on, such as 127.0.0.1") from None
    if address.is_unspecified:
        raise ValueError("one address of this machine: phones are told to send their sound there, so write the one they reach")
    return str(address)


def _ports(value: str) -> str:
    first, _, last = value.partition("-")
    if not (
        first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and 1024 <= int(first) < int(last) <= 65535
    ):
        raise ValueError("two ports from 1024 on, such as 20000-20400")
    return value


Name = Annotated[str, _matching(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}", "up to 64 letters, digits, spaces and ._- without others")]
Number = Annotated[str, _matching(r"\+?[0-9]{1,15}", "up to 15 digits such as +15550002222, without spaces or dashes")]
Caller = Annotated[
    str, _matching(r"\+?[0-9]{1,15}|[A-Za-z][A-Za-z0-9._-]{0,63}", "digits such as +15550001111, or a user name such as alice")
]
AllowedAddress = Annotated[str, AfterValidator(_network)]
Pin = Annotated[str, _matching(r"[0-9]{1,16}", "1 to 16 digits: nothing else can be typed on a phone")]
RoomName = Annotated[str, _matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "up to 64 letters, digits and ._-, not empty")]
Persona = Annotated[
    str, _matching(r"[a-z0-9][a-z0-9_-]{0,63}", "a persona's file name without .toml: small letters, digits, - and _")
]
Language = Annotated[str, _matching(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "a BCP-47 tag such as de-DE")]
Variable = Annotated[
    str, _matching(r"[A-Z][A-Z0-9_]{0,127}", "the NAME of an environment variable such as SIP_PASSWORD, not its value")
]
UserName = Annotated[str, _matching(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", "a SIP user name: letters, digits and ._@+-")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class _Guarded(_Table):
    allowed_addresses: list[AllowedAddress] = []
    """IP addresses and CIDRs that may call; empty means any address."""
    auth_username: UserName | None = None
    auth_password_env: Variable | None = None
    """The name of the environment variable with the password. The password itself is never in the file."""


class Inbound(_Guarded):
    """`[[inbound]]`: a trunk, from which calls come."""

    name: Name
    numbers: list[Number] = []
    """The numbers that are called; empty means every number that no other trunk has."""
    allowed_numbers: list[Caller] = []
    """The callers that may call; empty means anybody."""
    ringing_timeout_s: Annotated[int, Field(ge=1, le=180)] = 20
    """Seconds that a call rings without an agent's sound."""
    symmetric_rtp: bool = False
    """Used by the embedded line: sound is sent back to where the phone's sound comes from, if that is the address that the call
    comes from or one of `allowed_addresses`. For phones and PBXs behind NAT, which describe a private address; a public one has
    to be in `allowed_addresses`."""
    longest_call_s: Annotated[int, Field(ge=10, le=24 * 3600)] = 3600

    @property
    def guarded(self) -> bool:
        """Whether a stranger is kept out: by a password, or by addresses that aren't everybody's."""
        open_to_all = not self.allowed_addresses or any(address in OPEN_TO_ALL for address in self.allowed_addresses)
        return self.auth_password_env is not None or not open_to_all


class Rule(_Table):
    """`[[rule]]`: which calls of which trunks go to whom."""

    name: Name
    trunks: Annotated[list[Name], Field(min_length=1)]
    """Names of `[[inbound]]`."""
    numbers: list[Number] = []
    """The called numbers that the rule is for; empty means every number."""
    callers: list[Caller] = []
    """The callers that the rule is for; empty means every caller."""
    pin: Pin | None = None
    """The PIN that the caller has to type first, then #."""
    kind: Literal["individual", "callee", "direct"] = "individual"
    """`individual`: a room for each caller. `callee`: a room named after the called number. `direct`: one room, `room`."""
    room: RoomName | None = None
    """The room's whole name, for kind direct."""
    room_prefix: RoomName = "call"
    """The prefix of the room's name, for the kinds individual and callee."""
    randomize: bool = True
    """A random end for the room's name. Without it callers can meet in one room."""
    most_participants: Annotated[int, Field(ge=0, le=1000)] = 0
    """Most participants in the room, the agent not counted; 0 means any number."""
    hide_caller: bool = False
    """Keep the caller's number from the room and the agent."""
    agent: Name | None = None
    """The agent that answers; without it the file's `agent`."""
    persona: Persona | None = None
    """The agent's persona; without it the worker's PERSONA."""
    language: Language | None = None
    """The language as a BCP-47 tag; without it the persona's."""


class LineSpec(_Guarded):
    """`[line]`: the embedded line. Its addresses are asked before a trunk's; its password, of calls whose trunk has none."""

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 5060
    """The UDP port of SIP; 0 picks a free one."""
    rtp_ports: Annotated[str, AfterValidator(_ports)] = "20000-20400"
    """First and last RTP port. Below 32768, where Linux takes its own ports from."""
    codecs: Annotated[list[Literal["G722", "PCMU", "PCMA"]], Field(min_length=1)] = ["G722", "PCMU", "PCMA"]
    """The codecs that are offered and taken, the best first."""
    ringing_timeout_s: Annotated[int, Field(ge=1, le=180)] = 20
    silence_s: Annotated[int, Field(ge=1, le=3600)] = 15
    """Seconds without a packet after which a phone counts as gone."""
    hold_s: Annotated[int, Field(ge=1, le=24 * 3600)] = 300
    """Seconds without a packet after which a phone that holds the call counts as gone."""
    most_calls: Annotated[int, Field(ge=1, le=1000)] = 10

    @property
    def rtp_range(self) -> range:
        first, _, last = self.rtp_ports.partition("-")
        return range(int(first), int(last) + 1)


class Spec(_Table):
    """The whole file."""

    agent: Name = "earshot"
    """The agent that answers: the worker's AGENT_NAME."""
    owner: Name | None = None
    """The mark on the trunks and rules that `apply` makes on a server: it changes no others. Without it, `agent`."""
    inbound: list[Inbound] = []
    rule: list[Rule] = []
    line: LineSpec = LineSpec()
