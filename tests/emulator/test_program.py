"""`python -m emulator` as a program: what it prints and in which order, its tables, its control endpoint, its exit codes."""

import asyncio
import json
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import websockets

from demo.parts import Program, running
from emulator.__main__ import main
from emulator.tls import authority_and_context, default_ca_file, write_authority
from tests.emulator.test_server import RPC, SETUP

EMULATOR = [sys.executable, "-m", "emulator"]


async def test_faults_of_the_command_line_and_of_the_control_endpoint_happen(tmp_path: Path) -> None:
    argv = [*EMULATOR, "--ca-file", str(tmp_path / "ca.pem"), "--control-port", "0", "--fault", "resume_lock"]
    argv += ["--journal-audio", str(tmp_path / "heard")]
    async with running(Program("emulator", argv, None, re.compile("^ready "))) as part:
        url = (await part.ready()).split()[1]
        [control] = [line.split()[1] for line in part.lines if line.startswith("control ")]
        assert part.lines.index(f"control {control}") < part.lines.index(f"ready {url}")
        tls = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        async with aiohttp.ClientSession(control) as http:
            async with websockets.connect(f"{url.replace('https', 'wss')}/{RPC}?key=k", ssl=tls) as socket:
                await socket.send(json.dumps(SETUP))
                while "sessionResumptionUpdate" not in (body := json.loads(await socket.recv())):
                    pass
                sound = {"realtimeInput": {"audio": {"data": "AAAA", "mimeType": "audio/pcm;rate=16000"}}}
                await socket.send(json.dumps(sound))
                async with http.get("/sessions") as answer:
                    [session] = await answer.json()
                assert (session["handle"], session["held"]) == (body["sessionResumptionUpdate"]["newHandle"], True)
                async with http.post("/faults", json={"name": "goaway", "after_s": 0, "seconds": 1}) as answer:
                    assert answer.status == 201
                async with asyncio.timeout(10):
                    while "goAway" not in json.loads(await socket.recv()):
                        pass
            async with http.get("/faults") as answer:
                told = {fault["name"]: fault["happened"] for fault in await answer.json()}
            assert told == {"resume_lock": 0, "goaway": 1}
            async with http.get("/journal") as answer:
                assert any("goAway" in line["message"] for line in await answer.json())
        assert len(list((tmp_path / "heard").glob("*.wav"))) == 1
        part.signal(signal.SIGTERM)
        assert await part.ended() == 0
        assert "the fault resume_lock never happened" in part.lines
        assert not any("key=k" in line for line in part.lines), "a key in a URL is not logged"


def test_its_tables_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles"]) == 0
    assert "gemini-3.8-live-extended-thinking" in capsys.readouterr().out
    assert main(["faults"]) == 0
    faults = capsys.readouterr().out
    assert re.search(r"^goaway +announces the end .*\(at=start, after_s=5\.0, ", faults, re.MULTILINE)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the program says when it ends with exit code 2."""
    try:
        code: object = main(list(argv))
    except SystemExit as stopped:  # argparse
        code = stopped.code
    assert code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--fault", "gaway"], "there is no fault 'gaway'; did you mean goaway?"),
        (["--ca-file", "/dev/null/ca.pem"], "--ca-file /dev/null/ca.pem can't be written ("),
        (["--ca-file", "ca.pem", "--time-scale", "0"], "--time-scale 0 is no scale; use a number above 0"),
        (["--ca-file", "ca.pem", "--fault", "gaway"], "there is no fault 'gaway'; did you mean goaway?"),
        (["--ca-file", "ca.pem", "--fault", "goaway:seconds=soon"], "fault goaway: seconds is 'soon'; it must be a number"),
        (["--ca-file", "ca.pem", "--script", "nowhere.toml"], "script nowhere.toml: No such file or directory"),
        (["--ca-file", "ca.pem", "--profile", "gemini-9"], "invalid choice: 'gemini-9'"),
        (["--ca-file", "ca.pem", "--script", "x.toml", "--say-back"], "not allowed with argument --script"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, *argv)


def test_a_process_ends_with_the_exit_code_and_without_a_traceback() -> None:
    argv = ["--ca-file", "ca.pem", "--script", "nowhere.toml"]
    wrong = subprocess.run([*EMULATOR, *argv], capture_output=True, text=True, timeout=60, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "script nowhere.toml: No such file or directory\n")


def test_a_scripts_fault_that_there_is_not_is_named_with_the_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text('[[fault]]\nname = "goawya"\n')
    said = refused(capsys, "--ca-file", str(tmp_path / "ca.pem"), "--script", str(script))
    assert f"script {script}: there is no fault 'goawya'; did you mean goaway?" in said


def test_without_a_file_for_the_authority_it_is_written_beside_the_demos_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its port, so that two emulators have two files; `ca PATH` says where."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    authority, _ = authority_and_context()
    written = write_authority(authority, default_ca_file(7883))
    assert written == tmp_path / ".cache" / "earshot" / "emulator-7883.pem"
    assert written.read_text().startswith("-----BEGIN CERTIFICATE")
