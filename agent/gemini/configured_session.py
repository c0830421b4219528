"""What the plugin's session asks a connection for, given to our link: voice, instructions, tools."""

import logging

from google.genai import types
from livekit.agents import llm
from livekit.agents.utils import is_given
from livekit.plugins.google.realtime import realtime_api

from agent.gemini.declarations import DeclarationError, declared
from agent.gemini.link import Link

logger = logging.getLogger("earshot.link")


class ConfiguredSession(realtime_api.RealtimeSession):
    """Asks its link for a new connection whenever something of that changes."""

    def __init__(self, model: realtime_api.RealtimeModel, link: Link) -> None:
        super().__init__(model)
        self._link = link

    def _mark_restart_needed(self, on_error: bool = False) -> None:  # noqa: FBT001, FBT002 - the plugin's
        del on_error
        if self._active_session is not None:
            self._configure()

    def _configure(self) -> None:
        try:
            config = self._build_connect_config()
        except Exception as error:
            # tools and settings that come from elsewhere: whatever it is, without a setup there will be no conversation
            unexpected = None if isinstance(error, DeclarationError) else error
            logger.error("the conversation can't be set up: %s", error, exc_info=unexpected)  # noqa: TRY400
            self._link.give_up()
            return
        self._link.configure(config)

    def _build_connect_config(self) -> types.LiveConnectConfig:
        # the plugin's own conversion of function tools raises at a choice of numbers, and lets through what the service refuses
        tools, self._tools = self._tools, llm.ToolContext.empty()
        try:
            config = super()._build_connect_config()
        finally:
            self._tools = tools
        config.tools = declared(tools, self._opts.tool_behavior or None)  # type: ignore[assignment]
        return config

    async def update_instructions(self, instructions: str) -> None:
        # The plugin would tell them as words of the model's, which leaves the old ones in force: they are asked for anew.
        if not is_given(self._opts.instructions) or self._opts.instructions != instructions:
            self._opts.instructions = instructions
            self._mark_restart_needed()
