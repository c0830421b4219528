"""The pytest fixture `earshot_call`. To use it, import it in a conftest.py: `from testing import earshot_call`."""

from pathlib import Path

import pytest

from testing.scripted_call import StartCall


@pytest.fixture
def earshot_call(tmp_path: Path) -> StartCall:
    """Calls with a scripted model, without a room; docs/testing.md shows some."""
    return StartCall(tmp_path)
