"""Parts of tools: their options, the call that they may act on, results of any type, time zones."""

from agent.gemini import client_tool, tool_options
from agent.tools.call_control import CallControl, NoCall, state_attribute
from agent.tools.tool_agent import ToolAgent

__all__ = ["CallControl", "NoCall", "ToolAgent", "client_tool", "state_attribute", "tool_options"]
