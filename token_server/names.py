"""Rules for names and identities: visible, in one direction, and not LiveKit's own. Pure."""

import unicodedata

LONGEST_NAME = 128
RESERVED_ATTRIBUTES = ("lk.", "sip.")
TAKEN_IDENTITIES = ("agent-", "sip_")
"""Prefixes of the identities of LiveKit's agents and SIP callers. A participant who joins with an identity that is in the room
puts the other one out."""
_JOINERS = "\u200c\u200d"
"""The invisible joiners that Persian words and families of emoji need between their characters, none of which is ASCII."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's control and format characters (those of UAX 9 among them), halves of characters, line and paragraph separators."""
_LOOKS_EMPTY = set("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0\U00016fe4\U0001d159")
"""Letters, marks and symbols that are shown as nothing: fillers, joiners of marks, the blank of Braille, the null notehead."""
_LOOKS_EMPTY |= {chr(code) for code in (*range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE0100), *range(0xE01F0, 0xE1000))}
"""Unassigned characters that Unicode reserves for ones that are not shown (Default_Ignorable_Code_Point)."""
_SEEN = {"L", "N", "P", "S"}
"""The first letters of the categories that put something on the screen: letters, numbers, punctuation, symbols."""


def visible(name: str) -> str:
    """Check a name, which may be empty; returns the name itself.

    Raises:
        ValueError: it holds a character that can't be seen or that turns the text around, or nothing that can be seen.
    """
    for before, character, after in zip(f" {name}", name, f"{name[1:]} ", strict=False):
        is_hidden = unicodedata.category(character) in _INVISIBLE or character in _LOOKS_EMPTY
        if is_hidden and (character not in _JOINERS or before.isascii() or after.isascii()):
            raise ValueError(f"the character U+{ord(character):04X} is not allowed in a name")
    if name and not any(unicodedata.category(character)[0] in _SEEN for character in name):
        raise ValueError("a name needs at least one character that can be seen")
    return name


def free_identity(identity: str) -> str:
    """Check an identity, which may be empty; returns the identity itself.

    Raises:
        ValueError: it is written like an agent's or a SIP caller's, or like another identity in other characters.
    """
    if _plain(identity).startswith(TAKEN_IDENTITIES):
        raise ValueError(f"identities that begin with {' or '.join(TAKEN_IDENTITIES)} are LiveKit's own")
    if identity != " ".join(identity.split()):
        raise ValueError("an identity has single blanks (U+0020) between words, and none around them")
    if not unicodedata.is_normalized("NFC", identity):
        raise ValueError("an identity is written in Unicode's composed form (NFC)")
    return identity


def is_reserved(attribute: str) -> bool:
    """Whether LiveKit itself uses attributes of that name."""
    return _plain(attribute).startswith(RESERVED_ATTRIBUTES)


def _plain(name: str) -> str:
    """The name in small, simple letters, without what is not seen and without marks and blanks before the first letter."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if unicodedata.category(character) not in {"Cf", "Mn", "Me"}).lstrip()
