"""The addresses that a call may come from, and that its sound may be sent to. Pure.

A packet's source address decides. Nothing that a sender writes into a message (From, Contact, Via, P-Asserted-Identity) does.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks of CIDRs, as telephony.toml has them."""
    return tuple(ipaddress.ip_network(text) for text in texts)


_PRIVATE = networks(
    [
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    ]
)
"""The private addresses that a phone behind NAT may describe: RFC 1918, RFC 6598, link-local, loopback, RFC 4193."""


def within(address: str, among: Sequence[Network]) -> bool:
    """Whether an IP address is in one of the networks."""
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in among)


@dataclass(frozen=True)
class Reach:
    """The addresses that one call's sound may use: the INVITE's source and the trunk's networks."""

    trunk: str
    """The trunk's name, for the log."""
    source: str
    """The IP address that the INVITE came from."""
    networks: tuple[Network, ...] = ()
    """The trunk's `allowed_addresses`. A network of all addresses admits none of them."""
    symmetric: bool = False
    """Whether sound is sent back to where the phone's sound comes from, if that is admitted (symmetric RTP, RFC 4961)."""

    def accepts(self, described: str) -> bool:
        """Whether a call whose phone wants its sound at an IP address can have sound.

        A phone behind NAT describes a private address, and its sound comes from the source. A public address is described by
        whoever has it: the sound comes from there, which nothing but the trunk's networks can admit.
        """
        return self.admits(described) or (self.symmetric and within(described, _PRIVATE))

    def to_accept(self, described: str) -> str:
        """The change of telephony.toml that makes `accepts` true, for the log."""
        if within(described, _PRIVATE) and not self.symmetric:
            return f"symmetric_rtp = true in {self._inbound} sends it back to where the phone's sound comes from"
        return self._named(described)

    def to_hear(self, address: str) -> str:
        """The change of telephony.toml with which sound from an IP address is taken, for the log."""
        if not self.admits(address):
            return self._named(address) + ("" if self.symmetric else ", with symmetric_rtp = true")
        if not self.symmetric:
            return f"symmetric_rtp = true in {self._inbound} takes it from the trunk's networks"
        return "the call's sound comes from another address"

    def _named(self, address: str) -> str:
        return f"if it is your carrier's or PBX's, name {self.source} and {address} in allowed_addresses of {self._inbound}"

    @property
    def _inbound(self) -> str:
        return f"[[inbound]] {self.trunk!r}"

    def admits(self, address: str) -> bool:
        """Whether sound may go to an IP address.

        A caller from elsewhere can't make this machine send to itself or to its own link, whatever the networks say.
        """
        if address == self.source:
            return True
        theirs, source = ipaddress.ip_address(address), ipaddress.ip_address(self.source)
        if (theirs.is_loopback, theirs.is_link_local) != (source.is_loopback, source.is_link_local):
            return False
        return within(address, [network for network in self.networks if network.prefixlen > 0])
