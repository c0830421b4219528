"""What happens side by side: calls in one process, browsers and telephones in another, all else where there is time."""

from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_ONE_AFTER_THE_OTHER = {"e2e/page": "browsers and telephones", "line": "browsers and telephones", "e2e": "calls"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sound is judged in real time: the tests that hear share the machine with at most one other."""
    for item in items:
        folder = item.path.parent.relative_to(_TESTS).as_posix()
        if folder in _ONE_AFTER_THE_OTHER:
            item.add_marker(pytest.mark.xdist_group(_ONE_AFTER_THE_OTHER[folder]))
