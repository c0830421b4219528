"""Private names of LiveKit's: few, in one module, and all of them in the installed packages."""

import ast
from collections.abc import Iterator
from pathlib import Path

from livekit.agents import AgentServer, AgentSession

from agent import livekit_private

ROOT = Path(__file__).parent.parent.parent
ITS_OWN = "agent/livekit_private.py"
OF_OTHER_PROGRAMS = {("telephony/line/room.py", "livekit.rtc._proto.room_pb2")}
"""The telephone line is a program of its own, and imports nothing of `agent`."""


def sources() -> list[Path]:
    return [path for package in ("agent", "caller", "telephony", "token_server") for path in (ROOT / package).rglob("*.py")]


def private_modules(tree: ast.AST) -> Iterator[str]:
    """What is imported of LiveKit's under a name with an underscore: the module, or else the name in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("livekit"):
            module = node.module or ""
            names = [module] if is_private(module) else [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("livekit")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            names = [str(name.value) for name in node.args if isinstance(name, ast.Constant)]
            names = [name for name in names if name.startswith("livekit")]
        else:
            continue
        yield from filter(is_private, names)


def is_private(name: str) -> bool:
    """Whether a part begins with an underscore. `__main__` is the public program `python -m livekit.agents`."""
    return any(part.startswith("_") and part != "__main__" for part in name.split("."))


def private_attributes(tree: ast.AST) -> Iterator[str]:
    """Attributes with an underscore of other objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = ast.unparse(node.value)
            if owner not in {"self", "cls", "os"}:
                yield f"{owner}.{node.attr}"


def test_one_module_has_them_all() -> None:
    """Also those of our own classes that derive from LiveKit's: what LiveKit's classes set is theirs."""
    set_by_livekit = {"_proc_pool", "_mp_ctx", "_recorded_events"}
    for path in sources():
        name, tree = path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())
        if name == ITS_OWN:
            continue
        assert {(name, module) for module in private_modules(tree)} <= OF_OTHER_PROGRAMS
        assert list(private_attributes(tree)) == [], name
        touched = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not touched & set_by_livekit, name


def test_there_are_six() -> None:
    """With the telephone line's one, seven."""
    tree = ast.parse((ROOT / ITS_OWN).read_text())
    attributes = {name.rpartition(".")[2] for name in private_attributes(tree)}
    assert attributes == {"_recorded_events", "_proc_pool", "_mp_ctx", "_connecting"}
    assert set(private_modules(tree)) == {
        "livekit.rtc._ffi_client",
        "livekit.agents.voice.tool_executor._RunningTasks",
        "livekit.agents.cli._legacy",
    }


def test_the_installed_packages_have_them() -> None:
    """Those of modules are there, or this file couldn't be imported."""
    assert livekit_private.missing() == []


def test_an_attribute_that_is_gone_is_found() -> None:
    class Newer:
        """A class of LiveKit's that has renamed what is touched."""

        def __init__(self) -> None:
            self._pool = None

    assert not livekit_private.is_set_by(Newer, "_proc_pool")
    assert livekit_private.is_set_by(AgentServer, "_proc_pool")
    assert livekit_private.is_set_by(AgentSession, "_recorded_events")
