"""One real call for each fault, beside other tests: `make faults` judges the times more strictly."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.e2e.faults.rig import Rig, rig
from tests.e2e.faults.rows import ROWS, Row
from tests.e2e.faults.run import run

IN_MAKE_TEST = {"1", "5", "12", "17"}
"""A planned and an unplanned end of the connection, a question that is not answered, and a refusal. The rest is `long`."""

pytestmark = [pytest.mark.sound, pytest.mark.timeout(240)]


def marks(row: Row) -> tuple[pytest.MarkDecorator, ...]:
    """What leaves a row out of `make test`."""
    if not row.in_test:
        return (pytest.mark.faults,)
    return () if row.number in IN_MAKE_TEST else (pytest.mark.long,)


@pytest.fixture(scope="module")
async def parts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=f"{row.number}-{row.name}", marks=marks(row)) for row in ROWS],
)
async def test_the_caller_gets_over_it(parts: Rig, row: Row) -> None:
    verdict = await run(replace(row, bounds=row.bounds.on_a_busy_machine()), parts)
    assert verdict.wrong == [], "\n".join([str(verdict), *verdict.timeline])
