"""The languages that the Live API speaks, as Google's guide lists them (docs/facts.md G44). Pure."""

_LISTED = """
af am ar as az be bg bn bs ca cs da de el en es et eu fi fil fr gl gu hi hr hu hy id is it iw ja ka kk km kn ko lo lt lv
mk ml mn mr ms ne nl no or pa pl pt ro ru sk sl sq sr sv sw ta te th tr uk ur uz vi zh zu
"""
LANGUAGES = frozenset(_LISTED.split())
"""The first part of a BCP-47 tag of each."""
_OTHER_NAMES = {"he": "iw", "nb": "no", "nn": "no", "tl": "fil"}
"""Tags that mean a language of the list under another name."""


def is_spoken(tag: str) -> bool:
    """Whether a BCP-47 tag names a language of the list."""
    language = tag.partition("-")[0].lower()
    return _OTHER_NAMES.get(language, language) in LANGUAGES
