"""The plan of a chaos run: the same kills for a seed, each kind among them, and never two at once."""

import itertools
import random

from tests.chaos.kills import KINDS, plan


def test_a_seed_has_its_kills_and_each_kind_is_there() -> None:
    planned = list(plan(random.Random(7), 600))
    assert planned == list(plan(random.Random(7), 600))
    assert {kill.kind for kill in planned[: len(KINDS)]} == set(KINDS)
    assert all(10 <= after.at_s - before.at_s <= 40 for before, after in itertools.pairwise(planned))
    assert planned[-1].at_s < 600


def test_kinds_may_be_chosen() -> None:
    assert {kill.kind for kill in plan(random.Random(7), 600, ("job",))} == {"job"}
