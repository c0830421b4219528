"""A real call with Google Search and thought summaries: the room is told of both, and neither is captioned or logged."""

from pathlib import Path
from typing import Any

import pytest

from caller import AgentSilent, Caption, RoomEvent
from tests.e2e.stack import Sfu, gemini, worker

QUERY, THOUGHT, SAYS = "weather in Rome", "I will look up the weather.", "It is sunny there."
SCRIPT = f"""
think_ms = 100

[[typed]]
matches = "weather"
says = "{SAYS}"
searches = "{QUERY}"
pages = [{{ uri = "https://weather.example/rome", title = "Rome" }}]
thinks = "{THOUGHT}"

[otherwise]
says = "Hello."
"""
LIVE = "[live]\ntools = [{ google_search = {} }]\n[live.thinking_config]\ninclude_thoughts = true\n"


@pytest.mark.long
async def test_sources_and_thoughts_reach_the_room_alone(server: Sfu, tmp_path: Path, room: str) -> None:
    (tmp_path / "live.toml").write_text(LIVE)
    settings = {
        "AGENT_NAME": "searching",
        "GEMINI_MODEL": "gemini-2.5-flash-native-audio-preview-12-2025",
        "GEMINI_LIVE_CONFIG": str(tmp_path / "live.toml"),
        "LOG_LEVEL": "DEBUG",
    }
    async with gemini(tmp_path, SCRIPT) as model, worker(server, model, **settings) as part:
        async with server.caller(room, agent_name="searching") as caller:
            await caller.first(AgentSilent, within_s=20)
            mark = len(caller.log)
            await caller.send_text("How is the weather?")
            await caller.first(RoomEvent, since=mark, within_s=20, where=lambda event: event.body["type"] == "sources")
            await caller.first(AgentSilent, since=mark, within_s=20)
            told: dict[str, dict[str, Any]] = {
                event.body["type"]: event.body for event in caller.log[mark:] if isinstance(event, RoomEvent)
            }
            captions = [event.text for event in caller.log if isinstance(event, Caption) and event.who == "agent"]
        await part.says("call ended: ")
    assert told["sources"]["sources"] == [{"url": "https://weather.example/rome", "title": "Rome"}]
    assert told["sources"]["queries"] == [QUERY]
    assert QUERY in told["code"]["code"]
    assert told["code_result"]["outcome"] == "OUTCOME_OK"
    assert told["thought"]["text"] == THOUGHT
    assert told["context"]["after_tokens"] > told["context"]["before_tokens"] > 0
    assert captions[-1] == SAYS
    for words in (QUERY, THOUGHT, "weather.example"):
        assert words not in "\n".join([*captions, *part.lines])
