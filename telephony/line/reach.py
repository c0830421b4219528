"""Which addresses a call may come from, and its sound may go to. Pure.

A packet's source address decides. Nothing that a sender writes into a message (From, Contact, Via, P-Asserted-Identity) does.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks of CIDRs, as telephony.toml has them."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def within(address: str, among: Sequence[Network]) -> bool:
    """Whether an IP address is in one of the networks."""
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in among)


@dataclass(frozen=True)
class Reach:
    """Where the sound of one call may go, and come from: the INVITE's source address and the trunk's networks."""

    trunk: str
    """The trunk's name, for the log."""
    source: str
    """The IP address that the INVITE came from."""
    networks: tuple[Network, ...] = ()
    """The trunk's `allowed_addresses`. A network of all addresses admits none of them."""
    symmetric: bool = False
    """Whether sound is sent back to where the phone's sound comes from, if that is admitted (symmetric RTP, RFC 4961)."""

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
