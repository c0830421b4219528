"""An answer may take longer where the setup lets the service search before it."""

import pytest
from google.genai import types

from agent.gemini import CAPABILITIES
from agent.gemini.answer_time import SEARCH_S, answer_s

CAN = CAPABILITIES["gemini-3.8-live"]


@pytest.mark.parametrize(
    ("tools", "more_s"),
    [
        (None, 0.0),
        ([types.Tool(function_declarations=[types.FunctionDeclaration(name="book")])], 0.0),
        ([types.Tool(google_search=types.GoogleSearch())], SEARCH_S),
        ([types.Tool(function_declarations=[]), types.Tool(url_context=types.UrlContext())], SEARCH_S),
        ([types.Tool(code_execution=types.ToolCodeExecution())], SEARCH_S),
    ],
)
def test_googles_own_tools_take_their_time(tools: types.ToolListUnion | None, more_s: float) -> None:
    assert answer_s(CAN, types.LiveConnectConfig(tools=tools)) == CAN.answer_s + more_s
