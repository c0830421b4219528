"""docs/scale.md has the tables that scripts/scale_tables.py computes, and the figures of its text follow from them."""

import re

import pytest

from scripts.scale_tables import FLEETS, Fleet, tables
from tests.test_architecture import ROOT

DOCUMENT = (ROOT / "docs" / "scale.md").read_text()
A_FLEET = 1000
"""The calls of one fleet that the document recommends."""


@pytest.mark.parametrize("table", tables().split("\n\n"), ids=["operations", "fleets", "machines"])
def test_its_tables_are_as_they_are_computed(table: str) -> None:
    assert table in DOCUMENT, "run `python -m scripts.scale_tables`"


def test_a_fleet_of_the_recommended_size_leaves_most_of_redis_free() -> None:
    assert A_FLEET in FLEETS
    assert f"{A_FLEET:,} calls for each fleet" in DOCUMENT
    assert Fleet(A_FLEET).redis_cores == pytest.approx(0.2, abs=0.02)
    assert "a fifth of a core of Redis. With 5,200 calls" in " ".join(DOCUMENT.split())


def test_nothing_of_redis_grows_faster_than_the_number_of_calls() -> None:
    assert Fleet(10_000).redis_cores == pytest.approx(10 * Fleet(1000).redis_cores, rel=0.02)


def test_what_breaks_breaks_where_the_document_says() -> None:
    [calls] = re.findall(r"\| renewals and checkpoints \| ([\d,]+) calls \|", DOCUMENT)
    assert Fleet(int(calls.replace(",", ""))).redis_cores == pytest.approx(1.0, abs=0.05)
    [calls] = re.findall(r"\| memory of Redis \| ([\d,]+) calls \|", DOCUMENT)
    [limit_mb] = re.findall(r"^maxmemory (\d+)mb", (ROOT / "deploy" / "call_store.conf").read_text(), re.MULTILINE)
    assert Fleet(int(calls.replace(",", ""))).redis_memory_mb == pytest.approx(int(limit_mb), rel=0.05)
