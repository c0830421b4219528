"""The order of the test files: those that start whole programs begin first, so that none of them is left for the end."""

import pytest

SOUND_TESTS = ("tests/e2e/", "tests/line/")
"""The folders in which `make test` looks for tests that are marked `sound`: reading all others takes each process seconds."""
_FIRST = (
    "tests/e2e/test_call.py",
    "tests/e2e/faults/test_rows.py",
    "tests/line/test_calls.py",
    "tests/e2e/page/test_call.py",
    "tests/e2e/test_demo.py",
    "tests/e2e/page/test_failures.py",
    "tests/agent/gemini/test_link.py",
    "tests/e2e/page/test_agents.py",
    "tests/e2e/page/test_looks.py",
    "tests/token_server/test_capacity.py",
    "tests/e2e/",
    "tests/agent/test_worker.py",
    "tests/line/",
)
"""Longest first, as `--durations=0` shows them."""


@pytest.hookimpl(tryfirst=True)  # before `-m` takes tests away
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by file; `make test` hands out whole files in this order (xdist's --no-loadscope-reorder).

    Raises:
        UsageError: a test of sound stands where `make test` would not find it.
    """
    lost = [item.nodeid for item in items if item.get_closest_marker("sound") and not item.nodeid.startswith(SOUND_TESTS)]
    if lost:
        raise pytest.UsageError(f"{lost[0]} is marked `sound`, and stands in none of {', '.join(SOUND_TESTS)}")
    items.sort(key=lambda item: next((at for at, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST)))
