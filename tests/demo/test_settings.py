"""The demo's settings: ports move together, a taken one is named with the setting that moves it, a key means no emulator."""

import os
import re
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration import FileError
from demo.errors import SettingError
from demo.settings import DEFAULT_PORT_BASE, Ports, read_settings
from tests.ports import free_ports

VERTEX = "GOOGLE_GENAI_USE_VERTEXAI"
PAIR = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "do-not-show"}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PORT_BASE", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL", "GEMINI_MODEL", VERTEX, *PAIR):
        monkeypatch.delenv(name, raising=False)


def test_all_ports_follow_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT_BASE", "9000")
    ports = read_settings().ports
    assert (ports.sfu, ports.sfu_udp, ports.token_server, ports.emulator) == (9000, 9001, 9002, 9003)


@pytest.mark.parametrize("value", ["80", "70000", "many", "-1", "9" * 5000])
def test_a_bad_base_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT_BASE", value)
    with pytest.raises(SettingError, match=f"PORT_BASE is '{value}'"):
        read_settings()


@pytest.mark.parametrize(
    ("offset", "what"),
    [(0, "livekit-server"), (2, "the token server"), (3, "the emulator"), (4, "the emulator's control endpoint")],
)
def test_a_taken_port_is_named(offset: int, what: str) -> None:
    base = free_ports()
    with socket.create_server(("127.0.0.1", base + offset)), pytest.raises(SettingError) as caught:
        Ports(base).check_free()
    assert str(caught.value).startswith(f"port {base + offset}, for {what}, is taken (Address already in use)")
    assert re.search(r"PORT_BASE=\d+ make demo moves all", str(caught.value))


def test_the_hint_is_a_base_whose_ports_are_free() -> None:
    base = free_ports()
    with socket.create_server(("127.0.0.1", base + 2)), socket.create_server(("127.0.0.1", base + 1002)):
        with pytest.raises(SettingError) as caught:
            Ports(base).check_free()
        moved = re.search(r"PORT_BASE=(\d+) make demo moves all", str(caught.value))
        assert moved is not None
        assert int(moved[1]) != base + 1000
        Ports(int(moved[1])).check_free()


def test_a_taken_media_port_of_another_address_is_named() -> None:
    base = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.2", base + 1))
        Ports(base).check_free()
        with pytest.raises(SettingError, match="for livekit-server's media, is taken"):
            Ports(base).check_free(media_address="127.0.0.2")


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


@pytest.mark.parametrize(
    ("value", "is_there"), [("true", True), ("1", True), ("perhaps", True), ("False", False), ("0", False)]
)
def test_vertex_is_a_model(monkeypatch: pytest.MonkeyPatch, value: str, is_there: bool) -> None:
    """The worker says so itself where the value can't be read."""
    monkeypatch.setenv(VERTEX, value)
    assert read_settings().has_model is is_there


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "do-not-show")
    assert "do-not-show" not in repr(read_settings())


def test_a_pair_in_the_environment_wins_and_one_in_the_file_is_another_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("".join(f"{name}=of-the-file\n" for name in PAIR))
    assert read_settings().pair is None
    for name, value in PAIR.items():
        monkeypatch.setenv(name, f" {value}\r\n")
    pair = read_settings().pair
    assert pair is not None
    assert (pair.key, pair.secret) == ("key", "do-not-show")
    assert "do-not-show" not in repr(read_settings())


@pytest.mark.parametrize("name", sorted(PAIR))
def test_half_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, PAIR[name])
    with pytest.raises(SettingError, match=f"{name} is set in the environment and .* is not: set both, or neither") as caught:
        read_settings()
    assert "do-not-show" not in str(caught.value)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for programs of a user without a home; it isn't there yet."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/nowhere"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path / f"cache-{os.getuid()}"


def test_without_a_home_programs_are_in_a_folder_of_this_user_alone(homeless: Path) -> None:
    for _ in range(2):
        assert read_settings().cache_dir == homeless / "earshot"
        assert stat.S_IMODE(homeless.stat().st_mode) == 0o700


@pytest.mark.parametrize("how", ["others may write", "the group may write", "a link", "a file", "another's", "no folder above"])
def test_a_folder_for_programs_that_others_may_have_made_is_refused(
    monkeypatch: pytest.MonkeyPatch, homeless: Path, how: str
) -> None:
    """Everybody can guess its name, and what is in it is run."""
    if how == "a link":
        (homeless.parent / "elsewhere").mkdir(mode=0o700)
        homeless.symlink_to(homeless.parent / "elsewhere")
    elif how == "a file":
        homeless.touch(mode=0o700)
    elif how == "no folder above":
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(homeless.parent / "gone"))
    else:
        homeless.mkdir()
        homeless.chmod({"others may write": 0o707, "the group may write": 0o770}.get(how, 0o700))
    if how == "another's":
        uid = os.getuid()
        homeless.rename(homeless.with_name(f"cache-{uid + 1}"))
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(SettingError, match=r"cache-\d+, for programs, .*: set HOME or XDG_CACHE_HOME to a folder of your own$"):
        read_settings()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_file_gives_settings_or_one_sentence(raw: bytes) -> None:
    Path(".env").write_bytes(raw)
    try:
        known = read_settings().known
    except (SettingError, FileError) as error:
        assert "\n" not in str(error)
    else:
        assert all(os.fsencode(value) and "\0" not in value for value in known.values())


def test_a_value_that_no_program_can_be_given_is_named() -> None:
    Path(".env").write_bytes(b"TOKEN_ORIGINS=a\x00b\n")
    with pytest.raises((SettingError, FileError), match=r"\.env"):
        read_settings()
