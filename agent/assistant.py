"""Earshot's agent and its tools. A tool is a method: its name, its parameters and its docstring are what the model reads."""

import datetime
import logging
import re

from livekit.agents import function_tool, llm

from agent.agent_class import agent_class, toolset_classes
from agent.errors import NoTelephoneError, PersonaError, UnknownPlaceError
from agent.persona import Persona
from agent.settings import variable
from agent.tools import CallControl, client_tool, tool_options
from agent.tools.mcp_servers import mcp_tools
from agent.tools.mcp_tools import tool_names
from agent.tools.persona_tools import mistake_in_own
from agent.tools.places import zone_of
from agent.voice import VoiceAgent

logger = logging.getLogger("earshot.tools")

_DIALLED = re.compile(r"[0-9*#,]{1,32}")


def agent_of(persona: Persona, call: CallControl, *, checks: bool = False) -> VoiceAgent:
    """The agent of a persona's calls, with the tools of the persona's toolsets and MCP servers beside its own.

    An interpreter's has neither instructions nor tools: its model takes none.

    Args:
        persona: The persona, whose file may name the agent's class and its tools.
        call: The running call.
        checks: Whether a name in `tools.own` that is no tool of the agent is refused. Otherwise it is logged.

    Raises:
        PersonaError: such a name.
    """
    if persona.translates:
        return VoiceAgent(instructions="")
    agent = (agent_class(persona) or Assistant)(persona, call)
    if (mistake := mistake_in_own(persona.tools.own, tool_names(agent.tools))) is not None:
        error = PersonaError(persona.name, mistake)
        if checks:
            raise error
        logger.warning("%s", error)
    agent.keep_tools(persona.tools.own)
    agent.add_toolsets([*(made(call) for made in toolset_classes(persona)), *mcp_tools(persona.tools, variable)])
    return agent


class Assistant(VoiceAgent):
    """The agent of every persona whose file names no other.

    To add a tool, add a method here; CONTRIBUTING.md shows one with its test.
    """

    def __init__(self, persona: Persona, call: CallControl) -> None:
        super().__init__(instructions=persona.system_instruction)
        self.persona = persona
        self._call = call

    @function_tool
    async def local_time(self, place: str) -> str:
        """Tell the date and time in a place.

        Args:
            place: A city that names a time zone, such as "Tokyo" or "New York", or an IANA zone such as "Europe/Berlin". For a
                city that names none, pass the zone it is in.
        """
        try:
            zone = zone_of(place)
        except UnknownPlaceError as unknown:
            hint = f" Did you mean {' or '.join(unknown.similar)}?" if unknown.similar else ""
            raise llm.ToolError(f"I know no time zone named {place!r}.{hint} Try an IANA zone such as Asia/Tokyo.") from None
        now = datetime.datetime.now(zone)
        return f"In {place} it is {now:%H:%M} on {now:%A}, {now.day} {now:%B %Y}."

    @function_tool
    async def hang_up(self) -> str:
        """End the call. Only when the caller clearly wants to go. Say goodbye after calling this."""
        self._call.hang_up_after_goodbye()
        return f"The call ends once you have spoken. {self.persona.goodbye}"

    @function_tool
    @client_tool("earshot.location")
    @tool_options(timeout_s=40)
    async def caller_location(self) -> object:
        """Find out where the caller is. Their browser or app asks them first. Only when they want something that needs it."""
        return await self._call.ask_client("earshot.location", timeout_s=30)

    @function_tool
    @client_tool("earshot.copy_text")
    async def copy_text(self, text: str) -> str:
        """Copy a text to the clipboard of the caller's device, such as an address that they want to paste somewhere.

        Args:
            text: The text alone, without quotation marks around it.
        """
        answer = await self._call.ask_client("earshot.copy_text", {"text": text})
        return "It is copied." if answer == {"copied": True} else "The page shows the text, with a button that copies it."

    @function_tool
    async def send_dtmf(self, keys: str) -> str:
        """Press keys on the telephone, as a menu at the other end asks for. Only on a telephone call.

        Args:
            keys: Up to 32 of 0 to 9, * and #. A comma waits for half a second.
        """
        if not _DIALLED.fullmatch(keys):
            raise llm.ToolError(f"{keys!r} can't be pressed: up to 32 of 0 to 9, *, # and commas, without spaces.")
        try:
            await self._call.press_keys(keys)
        except NoTelephoneError:
            raise llm.ToolError("There are no keys to press: the caller isn't on a telephone.") from None
        return f"Pressed {keys}."
