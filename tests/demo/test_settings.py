"""The demo's settings: ports move together, a taken one is named with the setting that moves it, a key means no emulator."""

import socket
from pathlib import Path

import pytest

from demo.errors import SettingError
from demo.settings import Ports, read_settings


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = taken.getsockname()[1] - offset
        with pytest.raises(SettingError) as caught:
            Ports(base).check_free()
    assert str(caught.value).startswith(f"port {base + offset}, for {what}, is taken (Address already in use)")
    assert f"PORT_BASE={base + 1000} make demo moves all ports" in str(caught.value)


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
