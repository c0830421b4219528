"""Parts of tools: the call that they may act on, results of any type, tools that block, time zones."""

from agent.tools.call_control import CallControl
from agent.tools.threads import in_thread
from agent.tools.tool_results import ToolAgent

__all__ = ["CallControl", "ToolAgent", "in_thread"]
