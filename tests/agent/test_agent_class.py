"""A persona's file may name the class of its agent; a mistake in it is one sentence with the fix."""

from pathlib import Path

import pytest
from livekit.agents import llm

from agent.agent_class import agent_class, toolset_classes
from agent.assistant import Assistant, agent_of
from agent.errors import PersonaError
from agent.live_settings import check_persona, persona_of_call
from agent.persona import Persona, load
from agent.settings import Settings
from agent.tools.mcp_tools import tool_names
from agent.tools.persona_tools import McpServer, PersonaTools
from agent.worker.checks import tools_of
from examples.booking import BookingDesk
from testing import RecordingCall

DEFAULT = Persona(name="default", instructions="Be brief.")


def persona(agent: str) -> Persona:
    return Persona(name="test", instructions="Be brief.", agent=agent)


def test_the_file_names_the_class_and_without_it_there_is_the_assistant(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text('instructions = "Be brief."\nagent = "examples.booking:BookingDesk"\n')
    assert isinstance(agent_of(load("desk", tmp_path), RecordingCall()), BookingDesk)
    assert isinstance(agent_of(DEFAULT, RecordingCall()), Assistant)


@pytest.mark.parametrize("agent", [None, "examples.booking:BookingDesk", "examples.flights:FlightDesk"])
def test_the_agent_of_each_class_has_the_tools_of_the_personas_mcp_servers(agent: str | None) -> None:
    tools = PersonaTools(mcp=(McpServer(url="http://127.0.0.1:1/mcp"),))
    made = agent_of(Persona(name="test", instructions="Be brief.", agent=agent, tools=tools), RecordingCall())
    without = agent_of(Persona(name="test", instructions="Be brief.", agent=agent), RecordingCall())
    assert [tool.id for tool in made.tools if isinstance(tool, llm.Toolset)] == ["mcp"]
    assert tool_names(made.tools) == tool_names(without.tools)
    assert not [tool for tool in without.tools if isinstance(tool, llm.Toolset)]


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("BookingDesk", "write the module and the class"),
        ("examples.booking:", "write the module and the class"),
        ("examples.nothing:BookingDesk", r"examples.nothing can't be imported \(ModuleNotFoundError"),
        ("examples.booking:Nobody", "examples.booking has no class Nobody"),
        ("examples.booking:Booking", "no class Booking that derives from agent.voice.VoiceAgent"),
    ],
)
def test_a_class_that_there_is_not_is_said_when_the_worker_starts(agent: str, sentence: str) -> None:
    with pytest.raises(PersonaError, match=f"persona 'test': agent is '{agent}'.*{sentence}"):
        agent_class(persona(agent))
    with pytest.raises(PersonaError, match=sentence):
        check_persona(persona(agent), Settings())


def test_a_call_whose_persona_has_no_such_class_gets_the_default_one(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text('instructions = "Be brief."\nagent = "examples.nothing:Nobody"\n')
    given, warnings = persona_of_call('{"persona": "broken"}', DEFAULT, Settings(personas_dir=tmp_path))
    assert given.name == "default"
    assert any("examples.nothing can't be imported" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("toolset", "sentence"),
    [
        ("Lights", "write the module and the class"),
        ("examples.nothing:Lights", r"examples.nothing can't be imported \(ModuleNotFoundError"),
        ("tests.lights:CallControl", "no class CallControl that derives from livekit.agents.llm.Toolset"),
    ],
)
def test_a_toolset_that_there_is_not_is_said_when_the_worker_starts(toolset: str, sentence: str) -> None:
    broken = Persona(name="test", instructions="Be brief.", tools=PersonaTools(toolsets=(toolset,)))
    with pytest.raises(PersonaError, match=rf"persona 'test': tools\.toolsets\[0\] is '{toolset}'.*{sentence}"):
        toolset_classes(broken)
    with pytest.raises(PersonaError, match=sentence):
        check_persona(broken, Settings())


def of_own(*own: str) -> Persona:
    return Persona(name="test", instructions="Be brief.", tools=PersonaTools(own=own))


@pytest.mark.parametrize("own", [(), ("local_time",), ("hang_up", "local_time")])
def test_a_persona_has_those_of_the_agents_tools_that_its_file_names(own: tuple[str, ...]) -> None:
    assert sorted(tool_names(agent_of(of_own(*own), RecordingCall()).tools)) == sorted(own)


def test_a_name_that_is_no_tool_is_refused_at_the_start_and_left_out_in_a_call(caplog: pytest.LogCaptureFixture) -> None:
    sentence = r"persona 'test': tools\.own names 'local_tme', which its agent doesn't have; did you mean local_time\? it has"
    with pytest.raises(PersonaError, match=sentence):
        tools_of(of_own("local_tme", "hang_up"))
    assert tool_names(agent_of(of_own("local_tme", "hang_up"), RecordingCall()).tools) == ["hang_up"]
    [line] = caplog.messages
    assert line.startswith("persona 'test': tools.own names 'local_tme'")
