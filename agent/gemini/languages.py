"""Language tags, and the languages that the Live API speaks, as Google's guide lists them (docs/facts.md G53). Pure."""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")

_LISTED = """
af am ar as az be bg bn bs ca cs da de el en es et eu fi fil fr gl gu hi hr hu hy id is it iw ja ka kk km kn ko lo lt lv
mk ml mn mr ms ne nl no or pa pl pt ro ru sk sl sq sr sv sw ta te th tr uk ur uz vi zh zu
"""
LANGUAGES = frozenset(_LISTED.split())
"""The first part of a BCP-47 tag of each."""
TRANSLATED = LANGUAGES - {"as", "bs", "or"} | {"ak", "fa", "ha", "jv", "my", "rw", "sd", "si", "su"}
"""The first part of a BCP-47 tag of each language that live translation is listed for (docs/facts.md G83)."""
_OTHER_NAMES = {"he": "iw", "nb": "no", "nn": "no", "tl": "fil"}
"""Tags that mean a language of the list under another name."""


def language_tag(text: str) -> str | None:
    """The BCP-47 tag that a text is, also where it is written as systems write their locale; None if it is none."""
    tag = text.strip().replace("_", "-")
    return tag if _TAG.fullmatch(tag) else None


def is_spoken(tag: str) -> bool:
    """Whether a BCP-47 tag names a language of the list."""
    return _language(tag) in LANGUAGES


def is_translated(tag: str) -> bool:
    """Whether a BCP-47 tag names a language of the list for live translation."""
    return _language(tag) in TRANSLATED


def _language(tag: str) -> str:
    language = tag.partition("-")[0].lower()
    return _OTHER_NAMES.get(language, language)
