"""The order of the test files, and which of them share a process.

Files that start whole programs begin first, so that none of them is left for the end. The files of one folder of `TOGETHER` run
in one process, which starts their browser, servers and worker once (session fixtures).
"""

import gc
from collections.abc import Generator

import pytest
from xdist.scheduler import LoadFileScheduling

SOUND_TESTS = ("tests/e2e/", "tests/line/")
"""The folders in which `make test` looks for tests that are marked `sound`: reading all others takes each process seconds."""
TOGETHER = ("tests/e2e/page/", "tests/line/")
_FIRST = (
    "tests/e2e/test_call.py",
    "tests/e2e/faults/test_rows.py",
    "tests/line/test_calls.py",
    "tests/e2e/page/",
    "tests/e2e/test_demo.py",
    "tests/agent/gemini/test_link.py",
    "tests/token_server/test_capacity.py",
    "tests/e2e/",
    "tests/line/",
    "tests/agent/test_worker.py",
)
"""Longest first, as `--durations=0` shows them."""


class FolderScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out whole files, and of some folders all files to one process."""

    def _split_scope(self, nodeid: str) -> str:
        """What a process gets at once: a folder of `TOGETHER`, or a file."""
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)  # `-p no:xdist`
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FolderScheduling:
    """The scheduler of `make test`, whatever `--dist` says."""
    return FolderScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector: it takes a third of the time, and all that is collected stays until the end.

    Each process collects everything. What is there afterwards, a million objects, is never looked through again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


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
