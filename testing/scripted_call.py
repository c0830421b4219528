"""A call with a scripted model: LiveKit's session and our realtime model as in a call, the emulator instead of Gemini, no room.

Without sound the caller types and reads. With it, the caller's words are spoken into the session, and the agent's answers are
played to a loudspeaker in real time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from livekit.agents import AgentSession

from agent.agent_class import AgentMaker
from agent.call.call_session import session_of
from agent.gemini import EMULATOR_KEY, ApiKey, EarshotModel, Endpoint, Voicing
from agent.persona import Persona
from agent.voice import VoiceAgent
from emulator.answers import Answers
from emulator.auto import Auto
from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text, faults_of_script
from emulator.script import load
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from testing.call_control import RecordingCall
from testing.captions import Captions
from testing.loudspeaker import Loudspeaker
from testing.microphone import Microphone
from testing.tool_journal import ToolJournal, ToolUse

MODEL = "gemini-3.8-live"
PERSONA = Persona(name="test", instructions="Be brief.", goodbye="Say goodbye.")
WITHIN_S = 10.0
"""How long a test waits for what it expects, in seconds."""


@dataclass
class ScriptedCall:
    """A call that runs. Each answer of the agent, and each call of a tool, is expected once."""

    agent: VoiceAgent
    control: RecordingCall
    """What the tools did to the call."""
    session: AgentSession[None]
    captions: Captions
    tools: ToolJournal
    faults: Faults
    speak: Callable[[str], Awaitable[None]] | None = None
    """Says the caller's words aloud; None in a call without sound."""
    loudspeaker: Loudspeaker | None = None

    async def say(self, text: str) -> None:
        """Say something to the agent; without sound, type it. Answers that were not expected by then are forgotten."""
        self.captions.forget()
        if self.speak is not None:
            await self.speak(text)
            return
        await self.session.interrupt()
        self.session.generate_reply(user_input=text)

    async def hear(self, words: str = "", *, within_s: float = WITHIN_S) -> str:
        """Wait for an answer that contains the words, and return it whole.

        Raises:
            AssertionError: there is none within that time; the message has the answers that there were.
        """
        return await self.captions.until(words, within_s)

    async def expect_tool(self, name: str, /, *, within_s: float = WITHIN_S, **arguments: Any) -> ToolUse:
        """Wait until the model has called a tool with these arguments, others aside, and has got its result.

        Raises:
            AssertionError: it hasn't within that time; the message has the calls that there were.
        """
        return await self.tools.until(name, arguments, within_s)

    def expecting(self, *faults: str) -> AbstractContextManager[None]:
        """Break the connection to the model for the time of a block, in which each fault must happen.

        Args:
            faults: each as `NAME:k=v,...`, such as `goaway:after_s=0`; `python -m emulator faults` lists them.

        Raises:
            FaultError: there is no such fault or parameter.
            FaultNotHappenedError: at the end of the block, if a fault has not happened.
        """
        return self.faults.expecting(*(fault_from_text(fault) for fault in faults))

    def heard(self) -> list[np.ndarray]:
        """The sound of each of the agent's answers so far, at 24 kHz; none in a call without sound."""
        return [] if self.loudspeaker is None else self.loudspeaker.heard


class StartCall:
    """Begins calls; their files are in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def __call__(
        self,
        agent: AgentMaker,
        script: str | None = None,
        *,
        persona: Persona = PERSONA,
        control: RecordingCall | None = None,
        model: str = MODEL,
        with_sound: bool = False,
    ) -> AsyncIterator[ScriptedCall]:
        """A call that lasts as long as the block.

        Args:
            agent: the agent's class, or whatever makes an agent of a persona and a `CallControl`.
            script: the model's answers, as TOML; emulator/README.md has its keys. None: the emulator's own answers (`auto`).
            persona: who speaks.
            control: the call that the tools act on, for a caller on a telephone, or with client tools.
            model: one of the emulator's models.
            with_sound: whether the caller speaks and the agent is heard, in real time.

        Raises:
            ScriptError: the script can't be used.
        """
        control, tools = control or RecordingCall(), ToolJournal()
        async with AsyncExitStack() as stack:
            emulator, realtime = await self._emulated(stack, script, model, tools)
            agent_in_call, session = agent(persona, control), session_of(realtime)
            call = ScriptedCall(agent_in_call, control, session, Captions(), tools, emulator.faults)
            call.session.output.transcription = call.captions
            if with_sound:
                await _sound(stack, call, emulator)
            await call.session.start(call.agent, session_host=False)
            stack.push_async_callback(call.session.aclose)
            assert await realtime.connected(), "the emulator refused the call; the log says why"
            yield call

    async def _emulated(
        self, stack: AsyncExitStack, script: str | None, model: str, tools: ToolJournal
    ) -> tuple[Emulator, EarshotModel]:
        """An emulator with that script, and our realtime model with it in Gemini's place."""
        answers, faults = self._answers(script)
        emulator = Emulator(answers, stack.enter_context(tools), faults=faults)
        ca_file = self._folder / "ca.pem"
        tls = server_context(ca_file)
        port = await stack.enter_async_context(serving(emulator, host="127.0.0.1", port=0, tls=tls))
        endpoint = Endpoint(model, ApiKey(EMULATOR_KEY), base_url=f"https://127.0.0.1:{port}", ca_file=ca_file)
        return emulator, await stack.enter_async_context(EarshotModel(endpoint, Voicing("Puck")))

    def _answers(self, script: str | None) -> tuple[Answers, Faults]:
        if script is None:
            return Auto(), Faults()
        file = self._folder / "script.toml"
        file.write_text(script, encoding="utf-8")
        read = load(file)
        return read, Faults(faults_of_script(file, read.faults))


async def _sound(stack: AsyncExitStack, call: ScriptedCall, emulator: Emulator) -> None:
    """Give a call that hasn't begun a microphone and a loudspeaker."""
    microphone = await stack.enter_async_context(Microphone(emulator.sessions.announce))
    call.speak, call.loudspeaker = microphone.say, Loudspeaker()
    call.session.input.audio, call.session.output.audio = microphone, call.loudspeaker
