"""The time that an answer may take, by what a setup asks for. Pure."""

from google.genai import types

from agent.gemini.capabilities import Capabilities

SEARCH_S = 5.0
"""Added where the service may search before it answers. How long a search takes isn't known.

A reminder that is too early would interrupt it (docs/facts.md G13), and 3.x shows nothing of it before the answer.
"""


def answer_s(capabilities: Capabilities, config: types.LiveConnectConfig) -> float:
    """The seconds after which an answer that hasn't begun is late."""
    tools = [tool for tool in config.tools or () if isinstance(tool, types.Tool)]
    works_first = any(tool.google_search or tool.code_execution or tool.url_context for tool in tools)
    return capabilities.answer_s + (SEARCH_S if works_first else 0.0)
