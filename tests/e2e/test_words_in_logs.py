"""A real call whose tools fail: what the caller said to them is not in the worker's output."""

import json
from pathlib import Path

import pytest

from caller import AgentSilent, Caption
from tests.e2e.stack import Sfu, gemini, worker

SAID = ["my house in Elm Street 5", "12 34 56 78", "a place in a list"]
CALLS = {
    "place": {"name": "local_time", "args": {"place": SAID[0]}},
    "pin": {"name": "send_dtmf", "args": {"keys": SAID[1]}},
    "list": {"name": "local_time", "args": {"place": [SAID[2]]}},
}
SCRIPT = "".join(
    f'[[typed]]\nmatches = "^{word}$"\nsays = "It did not work."\n'
    f"calls = [{{ name = {json.dumps(call['name'])}, args = {{ "
    + ", ".join(f"{name} = {json.dumps(value)}" for name, value in call["args"].items())  # type: ignore[attr-defined]
    + " } }]\n"
    for word, call in CALLS.items()
)


@pytest.mark.parametrize("level", [pytest.param("INFO", marks=pytest.mark.long), "DEBUG"])
async def test_tools_that_fail_say_so_without_the_callers_words(server: Sfu, tmp_path: Path, room: str, level: str) -> None:
    """A ToolError with the argument in it, keys that can't be pressed, and an argument of the wrong type."""
    async with gemini(tmp_path, SCRIPT) as model, worker(server, model, AGENT_NAME="failing", LOG_LEVEL=level) as part:
        async with server.caller(room, agent_name="failing") as caller:
            await caller.first(AgentSilent, within_s=15)
            for word in CALLS:
                mark = len(caller.log)
                await caller.send_text(word)
                await caller.first(Caption, since=mark, within_s=15, where=lambda caption: caption.final)
        await part.says("call ended: ")
        told = "\n".join(part.lines)
        assert '"function": "local_time"' in told
        assert '"function": "send_dtmf"' in told
        for words in SAID:
            assert words not in told
