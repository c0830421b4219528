"""Without a key nothing leaves the machine: a whole call in a network namespace, with somebody listening on its way out."""

import asyncio
import os
import subprocess
import sys

import pytest

from demo.livekit_server import locate
from demo.settings import read_settings
from tests.e2e.stack import ROOT

# With `lo` alone libwebrtc finds no candidate: a veth pair that leads nowhere gives it one (docs/facts.md S3). The default
# route goes there, so that whatever would leave is seen; without IPv6 the kernel itself says nothing.
NETWORK = """
ip link set lo up
ip link add inside type veth peer name nowhere
for end in inside nowhere; do echo 1 > /proc/sys/net/ipv6/conf/$end/disable_ipv6; done
ip addr add 192.0.2.10/24 dev inside
ip link set nowhere up
ip link set inside up
ip route add default via 192.0.2.1
exec "$@"
"""


@pytest.mark.long
async def test_a_call_sends_nothing_to_the_outside() -> None:
    await locate(read_settings(), print)  # built before, while there is a network
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    command = [*namespace, "sh", "-ec", NETWORK, "sh", sys.executable, "-m", "tests.e2e.offline_call"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert int(lines[0].removeprefix("seen ")) > 0, "the listener is deaf"
    assert lines[-1] == "heard, 0 left"
