"""What a session's connections are asked for: voice, hearing, instructions and tools, and their changes in a call."""

import asyncio
import logging
from dataclasses import replace

from livekit.agents import llm

from agent.gemini.answer_time import answer_s
from agent.gemini.capabilities import Capabilities
from agent.gemini.client_methods import with_client
from agent.gemini.declarations import DeclarationError
from agent.gemini.link import Link
from agent.gemini.live_config import Voicing, live_config
from agent.gemini.live_table import voice_named
from agent.gemini.turn_report import asks_for_thoughts

logger = logging.getLogger("earshot.link")


def voice_of(callback: object) -> str | None:
    """The voice of the agent for which LiveKit wants to be told of answers: the agent's attribute `voice`, if it has one.

    Every agent that takes a session over does so, as the first thing that the session hears of it (docs/facts.md L171).
    """
    agent = getattr(getattr(callback, "__self__", None), "agent", None)
    voice: object = getattr(agent, "voice", None)
    return voice if isinstance(voice, str) else None


class SessionSettings:
    """The settings of one session.

    The link gets the first ones, and all changes that are made at once, in the next turn of the event loop: LiveKit sets
    instructions and tools one after the other.
    """

    def __init__(self, link: Link, voicing: Voicing, capabilities: Capabilities) -> None:
        self._link = link
        self._voicing = voicing
        self._capabilities = capabilities
        self._first_voice = voicing.voice
        self._instructions: str | None = None
        self.tools = llm.ToolContext.empty()
        self._client_methods: frozenset[str] | None = None
        """The RPC methods that the caller's client offers. None: all tools are declared."""
        self.asks_for_thoughts = False
        """Connections ask for summaries of the model's thoughts."""
        self.is_configured = False
        """The link has had its first settings."""
        self._pending: asyncio.Handle | None = asyncio.get_running_loop().call_soon(self.configure)
        """None: the link has the newest settings."""

    def set_instructions(self, instructions: str) -> None:
        """Ask for these instructions."""
        if instructions != self._instructions:
            self._instructions = instructions
            self._change()

    def set_tools(self, tools: llm.ToolContext) -> bool:
        """Ask for these tools, which can be declared. Returns whether they are others than before."""
        if tools == self.tools:
            return False
        self.tools = tools
        self._change()
        return True

    def set_client_methods(self, methods: frozenset[str]) -> None:
        """Declare no tool that asks the caller's client for another RPC method than these.

        A model that can't be told of it on an open connection knows all tools in every call: another connection would cost
        more than the call of a tool that can't be done.
        """
        if self._capabilities.context_updates and methods != self._client_methods:
            self._client_methods = methods
            self._change()

    def set_voice(self, name: str | None) -> None:
        """Ask for this voice of Gemini's; None: for the one that the session began with."""
        voice = self._first_voice if name is None else voice_named(name)
        if voice is None:
            logger.warning("Gemini has no voice named %r; the agent speaks with %s", name, self._voicing.voice)
        elif voice != self._voicing.voice:
            self._voicing = replace(self._voicing, voice=voice)
            self._change()

    def set_turns(self, *, push_to_talk: bool) -> bool:
        """Have the caller's turns marked by a button, or detected. Returns whether this is a change."""
        if push_to_talk == self._voicing.push_to_talk:
            return False
        self._voicing = replace(self._voicing, push_to_talk=push_to_talk)
        self._change()
        return True

    def configure(self) -> None:
        """Give the link the newest settings, unless it has them."""
        if self._pending is None:
            return
        self._pending.cancel()
        self._pending, self.is_configured = None, True
        try:
            tools = with_client(self.tools, self._client_methods)
            config = live_config(self._voicing, self._capabilities, self._instructions, tools)
        except Exception as error:
            # tools and settings that come from elsewhere: whatever it is, without a setup there will be no conversation
            unexpected = None if isinstance(error, DeclarationError) else error
            logger.error("the conversation can't be set up: %s", error, exc_info=unexpected)  # noqa: TRY400
            self._link.give_up()
            return
        self.asks_for_thoughts = asks_for_thoughts(config)
        self._link.configure(config, answer_s=answer_s(self._capabilities, config))

    def configure_changes(self) -> None:
        """Give the link what has changed, before something is asked that is to be answered by it."""
        if self.is_configured:
            self.configure()

    def _change(self) -> None:
        if self._pending is None:
            self._pending = asyncio.get_running_loop().call_soon(self.configure)
