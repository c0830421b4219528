"""The demo's page in Firefox, as it comes: its sound needs an address of the machine's own, which is no loopback address."""

import asyncio
import os
import subprocess
import sys

import pytest

from demo.livekit_server import locate
from demo.settings import read_settings
from tests.e2e.stack import ROOT
from tests.e2e.test_offline import NETWORK


@pytest.mark.long
async def test_the_agent_is_heard_and_typed_to_in_firefox() -> None:
    """In a network as a laptop has it: one private address, and a default route."""
    await locate(read_settings(), print)  # built before, while there is a network
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    command = [*namespace, "sh", "-ec", NETWORK, "sh", sys.executable, "-m", "tests.e2e.firefox_call"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
