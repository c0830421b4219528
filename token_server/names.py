"""What a name may look like: visible, in one direction, and nobody else's. Pure."""

import unicodedata

LONGEST_NAME = 128
RESERVED_ATTRIBUTES = ("lk.", "sip.")
TAKEN_IDENTITIES = ("agent-", "sip_")
"""How LiveKit's agents and its SIP callers are called. Who joins under a name that is in the room ends the other's call."""
_INVISIBLE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's control characters, halves of characters, line and paragraph separators."""
_DIRECTIONS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Unicode's bidirectional marks, embeddings, overrides and isolates (UAX 9): with them a name reads as another one."""


def visible(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: it holds a character that can't be seen, or that turns the text around.
    """
    for character in name:
        if unicodedata.category(character) in _INVISIBLE or character in _DIRECTIONS:
            raise ValueError(f"the character U+{ord(character):04X} is not allowed in a name")
    return name


def free_identity(identity: str) -> str:
    """The identity itself.

    Raises:
        ValueError: it is written like an agent's or a SIP caller's.
    """
    if identity.casefold().startswith(TAKEN_IDENTITIES):
        raise ValueError(f"identities that begin with {' or '.join(TAKEN_IDENTITIES)} are LiveKit's own")
    return identity


def is_reserved(attribute: str) -> bool:
    """Whether an attribute of that name means something to LiveKit itself."""
    return attribute.casefold().startswith(RESERVED_ATTRIBUTES)
