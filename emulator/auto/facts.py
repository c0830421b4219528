"""Facts that a text states, such as "my name is Ada", and answers to questions about them. Pure.

The memory is a list of JSON objects, so that it can be kept with a session and survive a resume.
"""

import re
from collections.abc import Iterator
from typing import Any

Fact = dict[str, Any]
"""`about`: the words by which a question finds it; `whose`: caller, model or nobody; `tells`: the fact, said to the caller."""

MOST_FACTS = 200
"""Facts of one session; beyond them the oldest is forgotten."""
_LONGEST_READ = 5000
_LONGEST_VALUE = 200

_SENTENCE = re.compile(r"[.!?;](?:\s+|$)|\n+")
_ASKS = re.compile(
    r"^\W*(?:and |so |please |but )*"
    r"(?:what|which|who|whose|where|when|how|do you|did i|can you|could you|tell me|is |are |am i\b)",
    re.IGNORECASE,
)
_ABOUT_MEMORY = re.compile(
    r"\b(?:did i|have i|i (?:just )?(?:said|told|asked|mentioned|gave)|i was saying|do you (?:still )?(?:remember|recall|know)"
    r"|to remember)\b",
    re.IGNORECASE,
)
_LEAD = r"(?:^|\b(?:and|but|that|hi|hello|hey|well|ok|okay|so|please|remember|note|also|because|,|:)[,:]?\s+)"
_OWNED = re.compile(rf"{_LEAD}(my|your|the) ([\w' -]{{1,60}}?) (?:is|are|was|=)(?: called| named)? (.+)", re.IGNORECASE)
_REMEMBER = re.compile(
    r"\bremember(?: that| this)?:?,? (?:the|my|a|an) ([\w -]{1,40}?) ?:? ((?:\"[^\"]+\"|\S+))$", re.IGNORECASE
)
_REMEMBER_ALL = re.compile(r"\bremember(?: that| this)?:?,? (.+)", re.IGNORECASE)
_NAMED = re.compile(r"\b(?:I'm|I am|[Cc]all me|[Tt]his is)(?: called| named)? ([A-Z][\w'-]*(?: [A-Z][\w'-]*)*)")
_DOES = re.compile(
    r"\bi (live|work|study|like|love|hate|have|own|drive|play|speak|come|want|need|prefer|am|was born) (.+)", re.IGNORECASE
)
_SAME = {"favorite": "favourite", "color": "colour", "prefer": "like", "love": "like", "favourites": "favourite"}
_EMPTY = {
    *("a", "an", "and", "the", "of", "in", "on", "at", "to", "for", "from", "with", "by", "as", "about"),
    *("again", "still", "ever", "just", "please"),
    *("is", "are", "was", "were", "be", "am", "do", "does", "did", "can", "could", "would", "have", "has"),
    *("i", "me", "my", "you", "your", "it", "its", "that", "this", "one"),
    *("what", "which", "who", "whose", "where", "when", "how"),
    *("tell", "say", "said", "told", "ask", "asked", "remember", "recall", "know"),
}


def remember(text: str, facts: list[Fact]) -> list[Fact]:
    """Add to the facts what a text states, in place of older facts about the same; returns the new facts."""
    new = [fact for sentence in _sentences(text) if not _is_question(sentence) for fact in _stated(sentence)]
    for fact in new:
        facts[:] = [known for known in facts if (known["about"], known["whose"]) != (fact["about"], fact["whose"])]
        facts.append(fact)
    del facts[:-MOST_FACTS]
    return new


def recall(text: str, facts: list[Fact]) -> str:
    """The answer to the first question in a text that the facts answer; empty without one."""
    for sentence in _sentences(text):
        if _is_question(sentence):
            found = _found(sentence, facts)
            if found:
                return ", and ".join(fact["tells"] for fact in found)
    return ""


def _sentences(text: str) -> list[str]:
    marked = re.sub(r"\?", "?\n", text[:_LONGEST_READ])
    parts: list[str] = []
    for part in marked.split("\n"):
        parts += [part] if part.endswith("?") else _SENTENCE.split(part)
    return [part.strip() for part in parts if part.strip()]


def _is_question(sentence: str) -> bool:
    return sentence.endswith("?") or _ASKS.search(sentence) is not None


def _stated(sentence: str) -> Iterator[Fact]:
    if found := _OWNED.search(sentence):
        owner, thing, value = found[1].lower(), found[2].strip(), _clean(found[3])
        whose = {"my": "caller", "your": "model"}.get(owner, "")
        shown = {"my": "your", "your": "my"}.get(owner, "the")
        yield _fact(thing, whose, f"{shown} {thing} is {value}")
    elif found := _NAMED.search(sentence):
        yield _fact("name", "caller", f"your name is {_clean(found[1])}")
    elif found := _REMEMBER.search(sentence):
        yield _fact(found[1], "", f"the {found[1].strip()} is {_clean(found[2])}")
    elif found := _DOES.search(sentence):
        verb = "are" if found[1].lower() == "am" else found[1].lower().replace("was", "were")
        value = _clean(found[2])
        yield _fact(f"{verb} {value}", "caller", f"you {verb} {value}")
    elif found := _REMEMBER_ALL.search(sentence):
        value = _clean(found[1])
        yield _fact(value, "", f"you said: {value}")


def _fact(about: str, whose: str, tells: str) -> Fact:
    return {"about": sorted(_content_words(about)), "whose": whose, "tells": tells}


def _clean(value: str) -> str:
    """A value without the end of its sentence, and without braces, which `fill` would read as blanks."""
    return re.sub(r"[{}]", "", value).strip(" \t.,!?;:\"'“”")[:_LONGEST_VALUE]


def _content_words(text: str) -> set[str]:
    words = (_SAME.get(word, word) for word in re.findall(r"[^\W_]+", text.lower()))
    return {word.removesuffix("s") if len(word) > 3 else word for word in words if word not in _EMPTY}


def _found(question: str, facts: list[Fact]) -> list[Fact]:
    """The fact that shares most words with the question, of equals the newest; the last three if the question names nothing."""
    asked = _content_words(question)
    if re.search(r"\bwho am i\b", question, re.IGNORECASE):
        asked.add("name")
    owner = "caller" if re.search(r"\b(?:my|i)\b", question, re.IGNORECASE) else ""
    owner = "model" if re.search(r"\byour\b", question, re.IGNORECASE) else owner
    best, most = None, 0.0
    for fact in facts:
        shared = len(asked & set(fact["about"]))
        score = shared + (0.5 if fact["whose"] == owner else 0.0) if shared else 0.0
        foreign = {fact["whose"], owner} == {"caller", "model"}
        if score >= most and shared and not foreign:
            best, most = fact, score
    if best is not None:
        return [best]
    return facts[-3:] if not asked and _ABOUT_MEMORY.search(question) else []
