"""The order of the test files: those that start whole programs begin first, so that none of them is left for the end."""

import pytest

_FIRST = (
    "tests/e2e/faults/test_rows.py",
    "tests/e2e/test_call.py",
    "tests/line/test_calls.py",
    "tests/e2e/test_limits.py",
    "tests/e2e/test_worker.py",
    "tests/e2e/test_demo.py",
    "tests/e2e/",
    "tests/contract/",
    "tests/agent/test_worker.py",
    "tests/emulator/test_program.py",
    "tests/line/",
)
"""Longest first, as `--durations=0` shows them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by file; `make test` hands out whole files in this order (xdist's --no-loadscope-reorder)."""
    items.sort(key=lambda item: next((at for at, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST)))
