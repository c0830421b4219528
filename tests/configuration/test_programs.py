"""Each program, with any bytes in its files and any text in its settings: it starts, or says one sentence and exits with 2."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agent.settings
import agent.worker
import demo.settings
import failover.settings
import records.settings
import telephony.settings
import token_server.settings
from agent.errors import AgentError
from agent.persona import load as load_persona
from configuration import FileError
from demo.errors import DemoError
from emulator.errors import EmulatorError
from emulator.script import load as load_script
from failover.errors import FailoverError
from records.errors import RecordsError
from telephony.errors import TelephonyError
from telephony.reading import load_spec
from tests.configuration.test_reading import FILES
from token_server.errors import TokenServerError
from token_server.page_config import personas

ROOT = Path(__file__).parents[2]
READERS: dict[str, Callable[[], object]] = {
    "worker": agent.settings.read_settings,
    "token server": token_server.settings.read_settings,
    "telephony": telephony.settings.read_settings,
    "failover": failover.settings.read_settings,
    "records": records.settings.read_settings,
    "demo": demo.settings.read_settings,
}
SETTINGS = sorted(
    {
        *(name.upper() for name in agent.settings.Settings.model_fields),
        *(name.upper() for name in token_server.settings.TokenServerSettings.model_fields),
        *("PORT_BASE", "GEMINI_API_KEY"),
    }
)
KEY = "a-key-of-thirty-two-characters-and-more"
MISTAKES = (AgentError, TokenServerError, TelephonyError, DemoError, EmulatorError, FailoverError, RecordsError, FileError)
ANY_NUMBER_OF_TIMES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40) | st.sampled_from(
    [
        "\udcff",
        "wss://[",
        "ws://x:99999",
        "http://x:0",
        "9" * 5000,
        "1e400",
        "nan",
        "~nobody/x",
        "*",
        "(",
        "é",
        "\x1b[2J",
        "-1",
        "0",
    ]
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name in SETTINGS or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def tried(work: Callable[[], object]) -> None:
    try:
        work()
    except MISTAKES as error:
        said = str(error)
        assert said
        assert "\n" not in said or isinstance(error, TelephonyError), "a file's mistakes are a line each"


@ANY_NUMBER_OF_TIMES
@given(FILES, st.sampled_from(SETTINGS))
def test_any_bytes_in_the_settings_file(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / ".env").write_bytes(name.encode() + b"=" + content)
    for read in READERS.values():
        tried(read)


@ANY_NUMBER_OF_TIMES
@given(st.dictionaries(st.sampled_from(SETTINGS), TEXTS, max_size=6))
def test_any_text_in_the_environment(monkeypatch: pytest.MonkeyPatch, given_values: dict[str, str]) -> None:
    with monkeypatch.context() as patched:
        for name, value in given_values.items():
            patched.setenv(name, value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"))
        for read in READERS.values():
            tried(read)


TABLES = st.lists(
    st.sampled_from(
        [
            *('instructions = "x"\n', 'voice = "puck"\n', 'language = "de_DE"\n', "temperature = nan\n", "title = 3\n"),
            *("[[turn]]\n", 'says = "x"\n', "turn = 3\n", "[[turn]]\ncalls = 3\n", "[[typed]]\nmatches = 3\n", "[[fault]]\n"),
            *("[otherwise]\n", "think_ms = -1\n", "calls = [{name = 3}]\n", 'plays = "any.toml"\n', "plays_s = [1, nan]\n"),
            *("result = [1]\n", "fault = 1979-05-27\n", "[[inbound]]\n", "[[rule]]\n", "line = 1\n", "name = []\n"),
        ]
    ),
    max_size=5,
).map(lambda parts: "".join(parts).encode())


@ANY_NUMBER_OF_TIMES
@given(FILES | TABLES)
def test_any_bytes_in_a_persona_a_script_or_a_declaration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    tried(lambda: load_persona("any", tmp_path))
    tried(lambda: load_script(path))
    tried(lambda: load_spec(path))
    caplog.clear()
    personas(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("LOG_LEVEL", "info", "INFO"),
        ("LOG_LEVEL", " Warning\r\n", "WARN"),
        ("LOG_LEVEL", "warn", "WARN"),
        ("LOG_LEVEL", "fatal", "CRITICAL"),
        ("LIVEKIT_LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", "30", "WARN"),
        ("GEMINI_API_VERSION", "V1Beta", "v1beta"),
        ("GEMINI_MODEL", "models/gemini-3.8-live", "gemini-3.8-live"),
        ("CALLS_PER_WORKER", '"3"', "3"),
        ("LIVEKIT_URL", "'wss://x.example'\n", "wss://x.example"),
    ],
)
def test_the_worker_takes_what_is_clear(monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str) -> None:
    for needed in ("GOOGLE_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.setenv(needed, f' "{KEY}"\n')
    monkeypatch.setenv(name, value)
    read = agent.settings.read_settings()
    assert str(getattr(read, name.lower().replace("livekit_log", "log"))) == shown
    assert read.livekit_api_secret is not None
    assert read.livekit_api_secret.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("TOKEN_MODE", "Open", "open"),
        ("TOKEN_ROOMS", "FRESH", "fresh"),
    ],
)
def test_the_token_server_takes_what_is_clear(monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(token_server.settings.read_settings(), name.lower()) == shown


def test_a_value_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n\nGOOGLE_API_KEY=k\nLOG_LEVEL=loud\n")
    with pytest.raises(AgentError, match=r"^LOG_LEVEL is 'loud': input should be 'DEBUG', .* \(\.env:4\)$"):
        agent.settings.read_settings()


@pytest.mark.parametrize("home", [None, "/nowhere"])
def test_the_demo_needs_no_home(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError) if home is None else Path(home))
    assert "cache-" in str(demo.settings.read_settings().cache_dir)


PROGRAMS = [
    ["-m", "token_server"],
    ["-m", "demo"],
    ["-m", "demo.livekit_server"],
    ["-m", "telephony", "show"],
    ["-m", "failover", "list"],
    ["-m", "telephony", "line"],
]


@pytest.mark.parametrize("argv", PROGRAMS, ids=lambda argv: " ".join(argv[1:]))
def test_a_settings_file_that_is_a_folder_is_one_sentence(tmp_path: Path, argv: list[str]) -> None:
    """Docker makes a folder where it is told to mount a file that isn't there."""
    (tmp_path / ".env").mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *argv], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(".env: it is a folder, and must be a file")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2


@pytest.mark.parametrize("command", ["start", "dev --no-reload", "console"])
def test_the_workers_commands_say_it_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    """In this process: a worker's start costs seconds of CPU. tests/agent/test_worker.py starts the program."""
    (tmp_path / ".env").mkdir()
    monkeypatch.setattr(sys, "argv", ["agent.py", *command.split()])
    with pytest.raises(SystemExit) as stopped:
        agent.worker.main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(".env: it is a folder, and must be a file")
    assert said.count("\n") == 1
