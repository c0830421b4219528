"""`python -m telephony`, as a person or a script runs it: what it prints, and its exit code."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from telephony.__main__ import main
from telephony.errors import SettingsError
from telephony.reading import parse
from telephony.settings import read_passwords, read_settings
from tests.e2e.stack import ROOT
from tests.ports import free_port
from tests.telephony.files import EXAMPLE, GOOD
from tests.telephony.stack import SipLiveKit, livekit

PASSWORD = "the-password-of-the-pbx"


Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "telephony.toml").write_text(EXAMPLE.read_text())
    (tmp_path / ".env").write_text(f"SIP_PBX_PASSWORD={PASSWORD}\n")
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Does a command in the folder, in this process: its exit code, output and errors."""

    async def do(*words: str, server: SipLiveKit | None = None, **environment: str) -> tuple[int, str, str]:
        known = {key: value for key, value in (server.environment if server else {}).items() if key.startswith("LIVEKIT_")}
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            for name in [name for name in os.environ if name.startswith(("LIVEKIT_", "SIP_"))]:
                patched.delenv(name)
            for name, value in (known | environment).items():
                patched.setenv(name, value)
            code = await asyncio.to_thread(main, words)
        out, errors = capsys.readouterr()
        return code, out, errors

    return do


async def test_plan_apply_plan_show_remove(server: SipLiveKit, folder: Path, run: Run) -> None:
    code, out, _ = await run("plan", "--json", server=server)
    assert code == 3
    assert [(change["action"], change["kind"]) for change in json.loads(out)["changes"]] == [("create", "trunk")] * 2 + [
        ("create", "rule")
    ] * 3
    assert PASSWORD not in out
    code, out, _ = await run("apply", server=server)
    assert code == 0
    lines = out.splitlines()
    assert (
        lines.index('+ trunk "carrier"')
        < lines.index('done: create trunk "carrier"')
        < lines.index('done: create rule "staff"')
    )
    assert PASSWORD not in out
    assert (await run("plan", server=server))[:2] == (0, "nothing to do: the server has what the file says\n")
    code, out, _ = await run("show", server=server)
    assert code == 0
    assert 'trunk "pbx"' in out
    assert "auth_password: ***" in out
    assert PASSWORD not in out
    (folder / "telephony.toml").write_text(EXAMPLE.read_text().replace('"203.0.113.0/24"', '"203.0.113.0/25"'))
    code, out, _ = await run("plan", server=server)
    assert code == 3
    assert "    allowed_addresses: 203.0.113.0/24 -> 203.0.113.0/25\n" in out
    code, _, errors = await run("remove", server=server)
    assert (code, errors) == (2, "nothing was changed: 5 to delete, and no terminal to ask on; --yes agrees\n")
    assert (await run("remove", "--yes", server=server))[0] == 0
    code, out, _ = await run("show", "--json", server=server)
    assert (code, json.loads(out)) == (0, {"trunks": [], "rules": []})


async def test_apply_deletes_only_with_a_yes_and_takes_no_name_of_others(server: SipLiveKit, folder: Path, run: Run) -> None:
    await run("apply", server=server)
    without_staff = EXAMPLE.read_text().partition("# A line that asks for a PIN")[0]
    (folder / "telephony.toml").write_text(without_staff)
    code, out, errors = await run("apply", server=server)
    assert (code, "done:" in out) == (2, False)
    assert "1 to delete, and no terminal to ask on; --yes agrees" in errors
    code, out, _ = await run("apply", "--yes", server=server)
    assert (code, 'done: delete rule "staff"' in out) == (0, True)
    (folder / "telephony.toml").write_text('owner = "another"\n' + without_staff)
    code, out, errors = await run("apply", "--yes", server=server)
    assert (code, errors) == (1, "nothing was changed: names of the file belong to others\n")
    assert 'MISTAKE: trunk "carrier"' in out
    assert "belongs to 'earshot'" in out
    code, out, _ = await run("remove", "--yes", server=server)
    assert (code, "done:" in out) == (0, False)
    code, out, _ = await run("apply", "--adopt", server=server)
    assert (code, 'done: replace trunk "carrier"' in out) == (0, True)
    assert (await run("plan", server=server))[0] == 0


@pytest.mark.parametrize(("typed", "goes_on"), [("y", True), ("Yes", True), ("n", False), ("", False), ("\x04", False)])
async def test_on_a_terminal_a_deletion_is_asked_about(
    server: SipLiveKit, folder: Path, typed: str, goes_on: bool, run: Run
) -> None:
    await run("apply", server=server)
    told, terminal = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telephony", "remove"),
        cwd=folder,
        env={**server.environment, "PYTHONPATH": str(ROOT)},
        stdin=terminal,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    os.write(told, f"{typed}\n".encode() if typed != "\x04" else b"\x04")
    out, errors = await process.communicate()
    os.close(terminal)
    os.close(told)
    assert process.returncode == (0 if goes_on else 2)
    assert b"Delete 5? [y/N]" in out
    assert (b"done: delete" in out, b"nothing was changed" in errors) == (goes_on, not goes_on)


async def test_check_asks_the_file_or_the_server(server: SipLiveKit, run: Run) -> None:
    question = ("check", "--from", "+15550001111", "--to", "+15550003333")
    code, out, _ = await run(*question)
    assert code == 0
    assert 'rule: "boxing club"' in out
    assert 'agent: "earshot" is dispatched, told {"persona": "boxing_coach"}' in out
    code, out, _ = await run(*question, "--live", server=server)
    assert code == 3
    assert "not answered: there is no trunk" in out
    await run("apply", server=server)
    code, out, _ = await run(*question, "--live", "--source", "203.0.113.1", server=server)
    assert code == 0
    assert 'rule: "boxing club"' in out


async def test_a_mistake_in_the_file_is_an_error_with_its_line(folder: Path, run: Run) -> None:
    (folder / "phone.toml").write_text(GOOD + 'pin = "x"\n')
    code, out, errors = await run("plan", "--file", "phone.toml")
    assert (code, out) == (1, "")
    assert (
        errors
        == "phone.toml:9: [[rule]] 'reception': pin: is ***; it must be 1 to 16 digits: nothing else can be typed on a phone\n"
    )


@pytest.mark.parametrize(
    "words",
    [["dial"], [], ["plan", "--nonsense"], ["check", "--from", "1"], ["check", "--from=1", "--to=2", "--source=x"]],
    ids=" ".join,
)
def test_wrong_usage_is_said(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: python -m telephony" in capsys.readouterr().err


async def test_without_a_server_one_sentence_says_so(run: Run) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    commands = ("plan", "apply", "show", "remove")
    for command in commands:
        code, out, errors = await run(command, LIVEKIT_URL=url)
        assert (code, out) == (1, "")
        assert errors.count("\n") == 1
        assert f"LiveKit at {url} can't be reached" in errors


async def test_without_redis_one_sentence_says_so(run: Run) -> None:
    async with livekit(None) as url:
        server = SipLiveKit(url, 0)
        code, out, errors = await run("plan", server=server)
    assert (code, out) == (1, "")
    assert errors.count("\n") == 1
    assert "redis required" in errors


async def test_a_password_that_is_not_set_is_named(run: Run) -> None:
    code, _, errors = await run("plan", SIP_PBX_PASSWORD="")
    assert code == 1
    assert errors == 'SIP_PBX_PASSWORD is not set: trunk "pbx" takes its password from it; set it, or put it into .env\n'


async def test_an_address_that_is_no_url_is_named(run: Run) -> None:
    code, _, errors = await run("show", LIVEKIT_URL="livekit.example.com")
    assert code == 1
    assert errors == "LIVEKIT_URL is 'livekit.example.com': it must be a URL such as wss://livekit.example.com\n"


def test_a_pair_is_needed_but_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert read_settings(None).key == "devkey"
    with pytest.raises(
        SettingsError, match=r"LIVEKIT_API_KEY is not set: set the pair that the server at wss://x\.example knows"
    ):
        read_settings(None, livekit_url="wss://x.example")
    with pytest.raises(
        SettingsError, match=r"LIVEKIT_API_SECRET is '\*\*\*': it has fewer than 32 bytes, and wss://x\.example is not on this"
    ):
        read_settings(None, livekit_url="wss://x.example", livekit_api_key="devkey", livekit_api_secret="x" * 31)
    with pytest.raises(SettingsError, match="LIVEKIT_API_SECRET is not set"):
        read_settings(None, livekit_url="wss://x.example", livekit_api_key="k")


def test_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    spec = parse(EXAMPLE.read_bytes())
    assert read_passwords(spec, folder / ".env") == {"SIP_PBX_PASSWORD": PASSWORD}
    monkeypatch.setenv("SIP_PBX_PASSWORD", "another")
    assert read_passwords(spec, folder / ".env") == {"SIP_PBX_PASSWORD": "another"}


def test_without_the_extra_the_sip_endpoint_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in [name for name in sys.modules if name.startswith("telephony.line")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "aiosipua", None)  # as if it weren't installed
    assert main(["line"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("the SIP endpoint needs the Python package of the module aiosipua: install the extra `sip`")


def test_the_other_commands_need_nothing_of_the_extra() -> None:
    code = "import sys, telephony.__main__; print(sorted({'aiosipua', 'G722'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"
