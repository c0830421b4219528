"""The worker's checks before it starts: each mistake is one sentence and exit code 2."""

import asyncio
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from livekit.agents import function_tool, llm

from agent.assistant import Assistant
from agent.live_settings import completed, persona_of_call
from agent.persona import Persona, load
from agent.settings import Settings, read_settings
from agent.tools import CallControl, NoCall, tool_options
from agent.tools.mcp_tools import tool_names
from agent.worker import main
from agent.worker.checks import check, check_tool_options, tools_of
from tests.emulator.conftest import Running

ROOT = Path(__file__).parents[2]
GOOD = {
    "GOOGLE_API_KEY": "a-key-that-must-not-show",
    "GEMINI_CHECK": "off",  # no test asks Google
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-that-must-not-show",
}


@pytest.fixture(autouse=True)
def empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, "gemini_api_key"):
        monkeypatch.delenv(name.upper(), raising=False)


def start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **values: str) -> str:
    """Run `agent.py start` in this process; returns what it said, without its newline."""
    for name, value in (GOOD | values).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["agent.py", "start"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said, "one sentence"
    assert "must-not-show" not in said
    return said


PERSONA = 'instructions = "Be brief."\nvoice = "Elvis"\n'


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"GOOGLE_API_KEY": ""}, "GOOGLE_API_KEY is not set: set GOOGLE_API_KEY (or GEMINI_API_KEY), or GEMINI_BASE_URL"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1"}, "GOOGLE_CLOUD_PROJECT is not set: Vertex needs a project of Google Cloud"),
        (
            {"GEMINI_API_VERSION": "v2"},
            "GEMINI_API_VERSION is 'v2': the Gemini API has Live models on v1beta and v1alpha alone",
        ),
        ({"LIVEKIT_URL": "nonsense"}, "LIVEKIT_URL is 'nonsense': it must be a URL such as ws://127.0.0.1:7880"),
        ({"LIVEKIT_API_KEY": ""}, "LIVEKIT_API_KEY is not set: set the pair that the server at ws://127.0.0.1:1 knows"),
        ({"LIVEKIT_API_SECRET": ""}, "LIVEKIT_API_SECRET is not set"),
        ({"PERSONA": "nobody"}, "persona 'nobody': there is no such file in"),
        ({"PERSONA": "elvis", "PERSONAS_DIR": "."}, "persona 'elvis': voice 'Elvis' is none of Gemini's: Achernar, "),
        (
            {"GEMINI_BASE_URL": "https://x", "GEMINI_CA_FILE": "elvis.toml"},
            "GEMINI_CA_FILE is 'elvis.toml': it is no certificate",
        ),
        ({"PERSONA": "desk", "PERSONAS_DIR": "."}, "persona 'desk': agent is 'nobody:Desk': nobody can't be imported"),
        (
            {"COST_CAP_USD": "1", "GEMINI_MODEL": "gemini-9-live"},
            "persona 'assistant': COST_CAP_USD or its cost_cap_usd is 1, and there are no prices of gemini-9-live; write them",
        ),
        ({"DAY_COST_CAP_USD": "many"}, "DAY_COST_CAP_USD is 'many': "),
        (
            {"DAY_COST_CAP_USD": "5", "DAY_COST_DIR": "elvis.toml/costs"},
            "DAY_COST_DIR is 'elvis.toml/costs': the costs of the day",
        ),
        ({"CALL_MEMORY_MB": "1000"}, "CALL_MEMORY_MB is '1000': write JOB_MEMORY_MB instead, with two thirds of the number"),
        ({"FAILOVER": "maybe"}, "FAILOVER is 'maybe': "),
        (
            {"CHECKPOINT_KEY": "must-not-show"},
            "CHECKPOINT_KEY is '***': it is one Fernet key, or several with commas in between",
        ),
        ({"REDIS_URL": "http://must-not-show"}, "REDIS_URL is '***': it begins with one of redis://"),
        (
            {"FAILOVER_DIR": "elvis.toml"},
            "FAILOVER_DIR is 'elvis.toml': the state of calls can't be kept there (File exists); name a folder",
        ),
        ({"HEALTH_HOST": "192.0.2.1"}, "HEALTH_HOST is '192.0.2.1': this machine has no such address"),
        ({"RESUME_CALLERS": "email"}, "RESUME_CALLERS is 'email': "),
        ({"RESUME_CALLERS": "phone"}, "RESUME_CALLERS_DIR is not set: RESUME_CALLERS keeps what callers have said there"),
        (
            {"RESUME_CALLERS": "phone", "RESUME_CALLERS_DIR": "elvis.toml"},
            "RESUME_CALLERS_DIR is 'elvis.toml': remembered calls can't be kept there (File exists); name a folder",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], values: dict[str, str], sentence: str
) -> None:
    Path("elvis.toml").write_text(PERSONA)
    Path("desk.toml").write_text('instructions = "Be brief."\nagent = "nobody:Desk"\n')
    assert start(monkeypatch, capsys, **values).startswith(sentence)


THINKING = "gemini-3.8-live-extended-thinking"
OLDER, V3_1 = "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.1-flash-live-preview"
BAD_LIVE = {
    "an unknown key": ("thinking_confg = {}", "thinking_confg is unknown; did you mean live.thinking_config?"),
    "a wrong type": ('seed = "x"', "seed is 'x'; it must be a whole number"),
    "an enum's wrong word": (
        'realtime_input_config.turn_coverage = "TURN_INCLUDES_ALL"',
        "realtime_input_config.turn_coverage is 'TURN_INCLUDES_ALL'; did you mean TURN_INCLUDES_ALL_INPUT?",
    ),
    "thinking on 3.8": (
        'thinking_config.thinking_level = "LOW"',
        (
            "thinking_config is {'thinking_level': 'LOW'}: gemini-3.8-live takes none; leave it out, or set "
            f"GEMINI_MODEL={THINKING}"
        ),
    ),
    "affective dialog on 3.8": (
        "enable_affective_dialog = true",
        f"enable_affective_dialog is True: gemini-3.8-live doesn't take it; leave it out, or set GEMINI_MODEL={OLDER}",
    ),
    "affective dialog on 3.1": (
        "enable_affective_dialog = true",
        f"enable_affective_dialog is True: {V3_1} doesn't take it; leave it out, or set GEMINI_MODEL={OLDER}",
    ),
    "proactive audio off on 3.8": (
        "proactivity.proactive_audio = false",
        "proactivity.proactive_audio is False: gemini-3.8-live is always proactive; leave it out",
    ),
    "two modalities": (
        'response_modalities = ["AUDIO", "TEXT"]',
        "response_modalities can't be set: a call is sound with captions, which is AUDIO alone; leave it out",
    ),
    "a budget on 3.1": (
        "thinking_config.thinking_budget = 9",
        f"thinking_config.thinking_budget is 9: {V3_1} takes a thinking_level instead, one of MINIMAL, LOW, MEDIUM, HIGH",
    ),
    "a resolution without eyes": (
        'media_resolution = "MEDIA_RESOLUTION_LOW"',
        (
            "media_resolution is 'MEDIA_RESOLUTION_LOW': the model is sent no pictures; leave it out, or let the persona look "
            "with [eyes]"
        ),
    ),
    "code execution": (
        "tools = [{ code_execution = {} }]",
        "tools.code_execution is {}: gemini-3.8-live doesn't take it; leave it out",
    ),
}
"""Bad input in a `[live]` table: what is written, and the sentence about it. The model is 3.8, unless the name says 3.1."""


def model_of(name: str) -> str:
    return V3_1 if name.endswith("on 3.1") else "gemini-3.8-live"


@pytest.mark.parametrize("name", BAD_LIVE)
def test_a_live_setting_that_can_not_be_used_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    live, sentence = BAD_LIVE[name]
    Path("set.toml").write_text(f'instructions = "Be brief."\n[live]\n{live}\n')
    said = start(monkeypatch, capsys, PERSONA="set", PERSONAS_DIR=".", GEMINI_MODEL=model_of(name))
    assert said == f"persona 'set': live.{sentence}"


def test_push_to_talk_with_activity_detection_on_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    detection = "live.realtime_input_config.automatic_activity_detection.disabled"
    Path("set.toml").write_text(f'instructions = "Be brief."\nhearing.turns = "push_to_talk"\n{detection} = false\n')
    said = start(monkeypatch, capsys, PERSONA="set", PERSONAS_DIR=".")
    reason = 'the caller marks the turns with hearing.turns = "push_to_talk"; leave it out'
    assert said == f"persona 'set': {detection} is False: {reason}"


@pytest.mark.parametrize("name", BAD_LIVE)
def test_the_same_in_a_call_is_a_warning_and_the_call_has_the_default(name: str) -> None:
    """A dispatch asks for it, and CALL_MAY_SET allows all that it may allow."""
    live, sentence = BAD_LIVE[name]
    table = tomllib.loads(live)
    allowed = "realtime_input_config,thinking_config,enable_affective_dialog,proactivity,media_resolution,tools,seed"
    known = read_settings(
        None, **{key.lower(): value for key, value in GOOD.items()}, gemini_model=model_of(name), call_may_set=allowed
    )
    default = completed(load("assistant", known.personas_dir), known)
    persona, [warning] = persona_of_call(json.dumps({"live": table}), default, known)
    assert persona == default
    may_not = f"{next(iter(table))} can't be set by a call: CALL_MAY_SET doesn't list it"
    assert warning == f"live.{may_not if next(iter(table)) not in allowed else sentence}"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"GOOGLE_GENAI_USE_VERTEXAI": "true"},
            (
                "GOOGLE_CLOUD_PROJECT is not set: Vertex needs a project of Google Cloud; set its id, or "
                "GOOGLE_GENAI_USE_VERTEXAI=false for the Gemini API"
            ),
        ),
    ],
    ids=["Vertex without a project"],
)
def test_a_way_in_that_can_not_be_used_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], values: dict[str, str], sentence: str
) -> None:
    assert start(monkeypatch, capsys, **values) == sentence


async def test_an_expired_token_is_one_sentence_and_exit_code_2(
    emulator: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = emulator[0].tokens.create({}, datetime.now(UTC) - timedelta(hours=1))["name"]
    values = {"GEMINI_CHECK": "on", "GEMINI_BASE_URL": emulator[1], "GEMINI_CA_FILE": str(tmp_path / "ca.pem")}
    said = await asyncio.to_thread(start, monkeypatch, capsys, LIVEKIT_API_SECRET=32 * "x", GOOGLE_API_KEY=token, **values)
    assert said == (
        "GOOGLE_API_KEY is '***': the ephemeral token has expired; make another with `python -m agent.gemini token`"
    )


class NoType(Assistant):
    @function_tool
    async def set_level(self, level) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """Set the level."""
        return str(level)


class NoItems(Assistant):
    @function_tool(raw_schema={"name": "tidy", "parameters": {"type": "object", "properties": {"items": {"type": "array"}}}})
    async def tidy(self, raw_arguments: dict[str, object]) -> str:
        return str(raw_arguments)


class OneNameTwice(Assistant):
    @function_tool(name="hang_up")
    async def leave(self) -> str:
        """Leave."""
        return "Left."


class Unmade(Assistant):
    def __init__(self, persona: Persona, call: Any) -> None:
        super().__init__(persona, call)
        raise LookupError("no such table")


class NoBehavior(Assistant):
    def __init__(self, persona: Persona, call: Any) -> None:
        super().__init__(persona, call)
        tool_options(behavior="async")(self.local_time)  # type: ignore[arg-type]


class Waiting(Assistant):
    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt")
    async def look_up(self) -> str:
        """Look something up."""
        return "Found."


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        (NoBehavior, "tool_options of 'local_time': behavior = 'async': write blocking or non_blocking"),
        (
            NoType,
            (
                "parameter 'level' of the tool 'set_level' can't be declared to Gemini: it has no type; annotate it, such as "
                "`count: int`"
            ),
        ),
        (
            NoItems,
            (
                "parameter 'items' of the tool 'tidy' can't be declared to Gemini: an array must say what its items are; write "
                "list[str], or `items` in its schema"
            ),
        ),
        (
            OneNameTwice,
            ("the tool 'hang_up' can't be declared to Gemini: another tool of the agent has the same name; rename one of them"),
        ),
        (Unmade, "the agent of agent/assistant.py can't be made: LookupError: no such table"),
    ],
)
def test_an_agent_that_cannot_be_used_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agent: type[Assistant], sentence: str
) -> None:
    monkeypatch.setattr("agent.assistant.Assistant", agent)
    assert start(monkeypatch, capsys) == sentence


class ManyMistakes(NoType, NoItems):
    def __init__(self, persona: Persona, call: Any) -> None:
        super().__init__(persona, call)
        self.kit = llm.Toolset(id="kit", tools=[NoItems(persona, call).tidy])

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        return [*super().tools, self.kit]


def test_all_tools_that_can_not_be_declared_are_named_at_one_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agent.assistant.Assistant", ManyMistakes)
    monkeypatch.setattr(sys, "argv", ["agent.py", "start"])
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert [line.partition(" can't be declared")[0] for line in capsys.readouterr().err.strip().splitlines()] == [
        "parameter 'level' of the tool 'set_level'",
        "parameter 'items' of the tool 'tidy'",
        "the tool 'tidy'",
    ]


class KeepsShow(Assistant):
    """Takes the methods of its call apart when it is made."""

    def __init__(self, persona: Persona, call: CallControl) -> None:
        super().__init__(persona, call)
        self.kept = [call.show, call.hang_up_after_goodbye, call.press_keys, call.ask_client]


def test_an_agent_may_take_methods_of_its_call_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.assistant.Assistant", KeepsShow)
    persona = Persona(name="test", instructions="Be brief.")
    assert tool_names(tools_of(persona)) == tool_names(Assistant(persona, NoCall()).tools)


class OfCoach(Assistant):
    """Makes a mistake for one persona alone."""

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        broken = [NoItems.tidy] if self.persona.name == "boxing_coach" else []
        return [*super().tools, *broken]


def test_a_mistake_in_another_personas_tools_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agent.assistant.Assistant", OfCoach)
    values = GOOD | {"LIVEKIT_API_SECRET": 32 * "x"}
    check(Settings.model_validate({name.lower(): value for name, value in values.items()}), registers=True)
    lines = [record.getMessage() for record in caplog.records if record.name == "earshot.worker"]
    assert [line for line in lines if "boxing_coach" in line] == [
        (
            "persona 'boxing_coach': parameter 'items' of the tool 'tidy' can't be declared to Gemini: an array must say what "
            "its items are; write list[str], or `items` in its schema"
        )
    ]


@pytest.mark.parametrize(
    ("server", "is_installed", "sentence"),
    [
        (
            '"http://127.0.0.1:1/mcp"',
            False,
            "it needs the package mcp, which isn't installed: `make setup` installs it",
        ),
        (
            '{ url = "http://127.0.0.1:1/mcp", headers_env = { Authorization = "CRM_TOKEN" } }',
            True,
            "CRM_TOKEN is not set: set it in the environment or in .env",
        ),
    ],
    ids=["no package", "no secret"],
)
def test_an_mcp_server_that_can_not_be_asked_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: str, is_installed: bool, sentence: str
) -> None:
    livekits: Any = ModuleType("mcp") if is_installed else None
    monkeypatch.setitem(sys.modules, "livekit.agents.llm.mcp", livekits)
    monkeypatch.delenv("CRM_TOKEN", raising=False)
    Path("set.toml").write_text(f'instructions = "Be brief."\ntools.mcp = [{server}]\n')
    assert start(monkeypatch, capsys, PERSONA="set", PERSONAS_DIR=".") == f"persona 'set': tools.mcp[0]: {sentence}"


def test_a_tools_option_that_the_model_does_not_heed_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = "gemini-3.1-flash-live-preview"
    settings = read_settings(None, google_api_key="key", gemini_model=model, gemini_check="off")
    monkeypatch.setattr("agent.assistant.Assistant", Waiting)
    check_tool_options(tools_of(load("assistant", settings.personas_dir)), model, settings)
    [line] = [record.getMessage() for record in caplog.records if record.name == "earshot.worker"]
    assert line == f"tool 'look_up': behavior = \"non_blocking\" has no effect, since {model} waits for every tool"


def test_a_tool_that_cannot_even_be_made_is_one_sentence(tmp_path: Path) -> None:
    """LiveKit's decorator raises while `agent.assistant` is imported."""
    shutil.copytree(ROOT / "agent", tmp_path / "agent")
    shutil.copy(ROOT / "agent.py", tmp_path)
    for name in ("configuration", "examples", "failover", "records", "tickets"):
        (tmp_path / name).symlink_to(ROOT / name)
    with (tmp_path / "agent" / "assistant.py").open("a") as assistant:
        assistant.write('\n\n@function_tool(raw_schema={"name": "tidy"})\nasync def tidy(raw_arguments: dict) -> str: ...\n')
    argv = [sys.executable, str(tmp_path / "agent.py"), "start"]
    stopped = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=os.environ | GOOD, check=False)
    assert stopped.returncode == 2
    assert stopped.stderr.strip() == (
        "the agent of agent/assistant.py can't be made: ValueError: raw function description must contain a parameters key"
    )


ANSWERS = {
    "a portal's page": (200, "text/html", "<html>Please log in.</html>"),
    "a list": (404, "application/json", '["no", "such", "page"]'),
    "a text": (400, "application/json", '"no"'),
    "a page": (404, "text/html", "<html>Not found.</html>"),
    "nothing": (204, "text/plain", ""),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_answers_in_livekits_place_is_a_warning(caplog: pytest.LogCaptureFixture, answer: str) -> None:
    """The worker starts all the same: LiveKit may come."""
    status, kind, body = ANSWERS[answer]
    sent = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"

    class Other(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(sent.encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.server_address[1]}"
        values = GOOD | {"LIVEKIT_URL": url, "LIVEKIT_API_SECRET": 32 * "x"}
        settings = Settings.model_validate({name.lower(): value for name, value in values.items()})
        check(settings, registers=True)
        server.shutdown()
    [line] = [record.getMessage() for record in caplog.records if record.name == "earshot.worker"]
    assert url in line
    assert "\n" not in line


async def test_what_gemini_refuses_stops_the_start(
    emulator: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """LiveKit is looked for at the same time: that it isn't there is no reason to stop."""
    emulator[0].api_key = "another"
    values = {"GEMINI_CHECK": "on", "GEMINI_BASE_URL": emulator[1], "GEMINI_CA_FILE": str(tmp_path / "ca.pem")}
    said = await asyncio.to_thread(start, monkeypatch, capsys, LIVEKIT_API_SECRET=32 * "x", **values)
    assert said.startswith("GOOGLE_API_KEY is '***': Gemini refuses it (API key not valid. Please pass a valid API key); ")


def test_a_taken_health_port_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = start(monkeypatch, capsys, HEALTH_PORT=str(port))
    assert said.startswith(f"HEALTH_PORT is {port}: the port can't be opened on 127.0.0.1")
    assert "0 picks a free one" in said


def test_its_commands_are_livekits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["agent.py", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    help_text = shown("--help")
    for command in ("start", "dev", "console", "connect"):
        assert command in help_text
    assert "--room" in shown("connect", "--help")


def test_the_file_beside_the_package_starts_it(tmp_path: Path) -> None:
    """`python agent.py` finds the package `agent`, not itself."""
    argv = [sys.executable, str(ROOT / "agent.py"), "start"]
    stopped = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert stopped.returncode == 2
    assert stopped.stderr.startswith("GOOGLE_API_KEY is not set")


def test_a_temporary_folder_that_is_too_long_for_a_socket(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    said = start(monkeypatch, capsys)
    assert said.startswith(f"TMPDIR is '{folder}': its path has ")
    assert said.endswith("take a shorter one")
