"""The demo's settings: ports move together, a taken one is named with the setting that moves it, a key means no emulator."""

import re
import socket
from pathlib import Path

import pytest

from demo.errors import SettingError
from demo.settings import DEFAULT_PORT_BASE, Ports, read_settings
from tests.ports import free_ports


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PORT_BASE", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL", "GEMINI_MODEL"):
        monkeypatch.delenv(name, raising=False)


def test_all_ports_follow_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT_BASE", "9000")
    ports = read_settings().ports
    assert (ports.sfu, ports.sfu_udp, ports.token_server, ports.emulator) == (9000, 9001, 9002, 9003)


@pytest.mark.parametrize("value", ["80", "70000", "many", "-1"])
def test_a_bad_base_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT_BASE", value)
    with pytest.raises(SettingError, match=f"PORT_BASE is '{value}'"):
        read_settings()


@pytest.mark.parametrize(("offset", "what"), [(0, "livekit-server"), (2, "the token server"), (3, "the emulator")])
def test_a_taken_port_is_named(offset: int, what: str) -> None:
    base = free_ports()
    with socket.create_server(("127.0.0.1", base + offset)), pytest.raises(SettingError) as caught:
        Ports(base).check_free()
    assert str(caught.value).startswith(f"port {base + offset}, for {what}, is taken (Address already in use)")
    moved = re.search(r"PORT_BASE=(\d+) make demo moves all", str(caught.value))
    assert moved is not None
    assert int(moved[1]) in {base + 1000, base - 1000}


def test_the_hint_is_a_base_that_can_be_used() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 64_990))
        with pytest.raises(SettingError, match="PORT_BASE=63990 make demo"):
            Ports(64_990).check_free()


def test_with_gemini_the_emulators_port_may_be_taken() -> None:
    base = free_ports()
    with socket.create_server(("127.0.0.1", base + 3)):
        Ports(base).check_free(emulator=False)


def test_the_base_is_makes_and_not_in_the_file() -> None:
    Path(".env").write_text("PORT_BASE=9000\n")
    assert read_settings().ports.base == DEFAULT_PORT_BASE


def test_a_key_in_the_file_or_the_environment_means_gemini(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read_settings().has_model
    Path(".env").write_text("GEMINI_API_KEY=k\nGEMINI_MODEL=other\n")
    assert read_settings().has_model
    assert read_settings().model == "other"
    Path(".env").write_text("GEMINI_API_KEY=\n")
    assert not read_settings().has_model
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    assert read_settings().has_model


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "do-not-show")
    assert "do-not-show" not in repr(read_settings())
