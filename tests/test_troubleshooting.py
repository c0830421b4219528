"""The sentences that docs/troubleshooting.md quotes are those of the programs."""

import ast
import re
from functools import cache

import pytest

from tests.test_architecture import ROOT, sources

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
SHORTEST_PIECE = 4
"""Characters of a piece of a sentence that is looked for; commas and the like between two values are not."""


@cache
def said_by() -> dict[str, str]:
    """The texts of each program file. Parts of a text that the code fills in are left out."""
    found = {path.relative_to(ROOT).as_posix(): texts(path.read_text()) for path in sources()}
    others = [ROOT / "web" / "words.js", *(ROOT / "scripts" / name for name in ("phone", "setup"))]
    return found | {path.relative_to(ROOT).as_posix(): path.read_text() for path in others}


def texts(source: str) -> str:
    return "\n".join(written(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant | ast.JoinedStr))


def written(node: ast.AST) -> str:
    """A text as it stands in the code; each value in it, and each name in braces, is a line's end."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(written, node.values))
    return re.sub(r"\{\w+\}", "\n", node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else "\n"


def quoted() -> list[str]:
    """The sentences of the first column."""
    cells = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
    return [sentence for cell in cells for sentence in re.findall(r"`([^`]+)`", cell) if " " in sentence]


def pieces(sentence: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"\.\.\.|%[rs]", sentence) if len(piece.strip()) >= SHORTEST_PIECE]


@pytest.mark.parametrize("sentence", quoted())
def test_a_quoted_sentence_is_one_of_a_program(sentence: str) -> None:
    assert any(all(piece in text for piece in pieces(sentence)) for text in said_by().values()), "the programs don't say this"


def test_sentences_are_quoted() -> None:
    assert len(quoted()) >= 40
