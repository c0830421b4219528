"""The workers of this folder's tests: one for the Gemini API, one for Vertex. A call's persona chooses the model."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from caller import Caller
from demo.parts import Part
from emulator.profile import Profile
from tests.e2e.real.calls import is_greeted
from tests.e2e.real.gemini import CONVERSING, Served
from tests.e2e.stack import ROOT, Sfu, worker

MAY_SET = "tools,thinking_config,realtime_input_config,hearing.turns"
"""What a call of these tests may set."""


class Workers:
    """Workers that are started when the first test asks for them: a start costs some seconds of CPU."""

    def __init__(self, server: Sfu, served: Served, folder: Path, stack: AsyncExitStack) -> None:
        """Write the personas: the assistant with each model.

        Args:
            server: where the calls are.
            served: the models.
            folder: of the personas.
            stack: ends the workers.
        """
        self._server, self._served, self._folder, self._stack = server, served, folder, stack
        self._started: dict[bool, Part] = {}
        assistant = (ROOT / "agent" / "personas" / "assistant.toml").read_text()
        for profile in CONVERSING:
            (folder / f"{_persona(profile)}.toml").write_text(f'model = "{profile.model}"\n{assistant}')

    @asynccontextmanager
    async def call(self, profile: Profile, room: str, **metadata: Any) -> AsyncIterator[Caller]:
        """A call with the model, whose caller was greeted. `metadata`: more of the dispatch's."""
        await self._served.skip_unless_served(profile)
        agent_name, persona = _agent_name(vertex=profile.vertex), _persona(profile)
        part = await self._worker(profile)
        dispatch = json.dumps({"persona": persona, **metadata})
        async with self._server.caller(room, metadata=dispatch, agent_name=agent_name) as caller:
            await is_greeted(caller)
            await part.says(re.compile(rf'"call started".*"persona": "{persona}".*"room": "{room}"'))
            yield caller

    async def _worker(self, profile: Profile) -> Part:
        if profile.vertex not in self._started:
            name = _agent_name(vertex=profile.vertex)
            settings = {
                **self._served.worker_settings(profile),
                "AGENT_NAME": name,
                "CALL_MAY_SET": MAY_SET,
                "PERSONAS_DIR": str(self._folder),
                "PERSONA": _persona(profile),
            }
            running = worker(self._server, self._served.place, name=name, **settings)
            self._started[profile.vertex] = await self._stack.enter_async_context(running)
        return self._started[profile.vertex]


def _agent_name(*, vertex: bool) -> str:
    return "vertex" if vertex else "gemini-api"


def _persona(profile: Profile) -> str:
    """The name of the persona with that model: small letters, digits and `_`."""
    return re.sub(r"[^a-z0-9]", "_", profile.name)
