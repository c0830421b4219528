"""The row in which the caller's process is killed: nobody is left who could listen, so others are asked."""

import json
import re
import secrets
import signal
import sys
import time
from collections.abc import Iterable

from demo.errors import PartDiedError
from demo.parts import Program, running
from speech import write_wav
from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.sentences import CALLER_RATE_HZ, QUESTIONS, question
from tests.e2e.stack import until

_NOTICED_S = 25.0
"""How long livekit-server and the worker may take together to believe that nobody will come back."""
_NORMAL = re.compile(r"gone \(1000\)")
_ENDED = "call ended: the caller's connection was lost"


async def caller_never_back(rig: Rig, agent: str) -> Verdict:
    """Kill a caller who listens to an answer. The wait is from then to the end of the call."""
    part, _ = await rig.agent(agent)
    room = f"fault-20-{secrets.token_hex(3)}"
    seen = len(rig.emulator.lines)
    await _call_and_vanish(rig, room, agent)
    killed_at, wrong = time.monotonic(), []
    try:
        await part.says(re.compile(rf'{_ENDED}.*"room": "{room}"'), within_s=_NOTICED_S)
    except PartDiedError:
        wrong.append(f"no {_ENDED!r} within {_NOTICED_S:g} s")
    waited_s = time.monotonic() - killed_at
    wrong += await rig.left_over(room, agent)
    if not any(_NORMAL.search(line) for line in list(rig.emulator.lines)[seen:]):
        wrong.append("the socket to Gemini was not closed with 1000")
    return Verdict(0.0, waited_s, None, None, [], [], 0.0, [], wrong)


async def _call_and_vanish(rig: Rig, room: str, agent: str) -> None:
    wav = rig.folder / "question.wav"
    write_wav(wav, question(QUESTIONS[0]), sample_rate_hz=CALLER_RATE_HZ)
    token = rig.server.token(room, "caller", agent_name=agent)
    argv = [sys.executable, "-m", "caller", "--json", "--url", rig.server.url, "--token", token, "--wav", str(wav)]
    async with running(Program("caller", argv, None, re.compile("joined"), show=lambda _: None)) as caller:
        await until(lambda: _sounds(caller.lines) >= 2, within_s=20)  # the greeting, and the answer
        caller.signal(signal.SIGKILL)
        await caller.ended()


def _sounds(lines: Iterable[str]) -> int:
    return sum(json.loads(line)["type"] == "agent_sound" for line in list(lines) if line.startswith("{"))
