"""All faults by name, and how they are asked for: `NAME:k=v,...`, a TOML table, or a JSON object."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from emulator.errors import FaultError, ScriptError
from emulator.faults import closing, sessions, sound, tools, transport, turns
from emulator.faults.fault import Fault

_KINDS: tuple[type[Fault], ...] = (
    transport.SlowHandshake,
    transport.UpgradeRefused,
    transport.SlowPong,
    transport.StalledSocket,
    transport.FrameOver1MiB,
    transport.UnknownMessage,
    transport.MalformedMessage,
    transport.KeepaliveFlood,
    closing.CloseAt,
    closing.Abrupt1006,
    closing.GoAway,
    closing.GoAwaySilent,
    closing.GoAwayMissing,
    closing.IdleAbort,
    sessions.SetupCompleteLate,
    sessions.SetupCompleteNever,
    sessions.ResumeRefused,
    sessions.ResumeLock,
    sessions.ResumeCooldown,
    sessions.StaleHandle,
    sessions.ResumeChainAmnesia,
    sessions.PoisonedResume,
    sessions.ResumptionFlood,
    sessions.SplitTranscriptReplay,
    turns.EmptyTurn,
    turns.EarlyTurnComplete,
    turns.LateTurnComplete,
    turns.NeverTurnComplete,
    turns.PhantomInterrupted,
    turns.EarlyInterruptNoTurn,
    turns.VertexDoubleTurn,
    turns.EchoTextAsTranscription,
    turns.LateTranscript,
    sound.TranscriptNoAudio,
    sound.ControlText,
    sound.MidStall,
    sound.SlowerThanRealtime,
    sound.BurstAudio,
    sound.LateAudio,
    sound.AudioDeafKey,
    sound.VadDeaf,
    sound.Deaf,
    sound.NoEndOfSpeech,
    tools.ToolNoId,
    tools.ToolReissue,
    tools.ToolResponseIgnored,
    tools.Tool1008,
    tools.Tool1011,
)
CATALOGUE: Mapping[str, type[Fault]] = {kind.name: kind for kind in _KINDS}

_MOST = 1_000_000
_COMMON = {"times", "connection", "model"}
_NEXT_PARAMETER = re.compile(r",(?=\s*\w+\s*=)")


def fault_from_text(text: str) -> Fault:
    """Read `NAME:k=v,...`, as the command line has it.

    Raises:
        FaultError: a name, a parameter or a value that means nothing.
    """
    name, _, listed = text.partition(":")
    kind = _kind(name.strip())
    parameters: dict[str, Any] = {}
    for pair in _NEXT_PARAMETER.split(listed) if listed.strip() else ():
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise FaultError(
                f"fault {kind.name}: {pair.strip()!r} is no parameter; write {kind.name}:k=v,... with {_known(kind)}"
            )
        parameters[key] = _read(value, get_type_hints(kind).get(key))
    return _made(kind, parameters)


def fault_from_table(table: object) -> Fault:
    """Read a TOML table or a JSON object: `name`, and the parameters.

    Raises:
        FaultError: a name, a parameter or a value that means nothing.
    """
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise FaultError(
            'a fault is written {"name": NAME, PARAMETER: VALUE, ...}; `python -m emulator faults` lists the names'
        )
    return _made(_kind(table["name"]), {str(key): value for key, value in table.items() if key != "name"})


def faults_of_script(path: Path, tables: Iterable[object]) -> list[Fault]:
    """Read the [[fault]] tables of a script.

    Raises:
        ScriptError: a name, a parameter or a value that means nothing.
    """
    try:
        return [fault_from_table(table) for table in tables]
    except FaultError as error:
        raise ScriptError(str(path), str(error)) from error


def catalogue_table() -> str:
    """One line for each fault: name, parameters with their defaults, what it does, and how that is known."""
    widest = max(map(len, CATALOGUE))
    lines = [f"{kind.name:<{widest}}  {kind.what} [{kind.evidence}] {_own(kind)}".rstrip() for kind in _KINDS]
    notes = (
        "Each also takes times=1 (how often, over all connections; 0: always), connection=0 (only the n-th since it was asked\n"
        "for; 0: any) and, but for the first two, model= (only that model's connections). Evidence: R recorded, U reported,\n"
        "C read from clients' code, O observed with the SDK, G guessed; S...: the source."
    )
    return "\n".join([*lines, "", notes])


def _kind(name: str) -> type[Fault]:
    kind = CATALOGUE.get(name)
    if kind is None:
        close = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise FaultError(f"there is no fault {name!r}; {hint}known are {', '.join(CATALOGUE)}")
    return kind


def _made(kind: type[Fault], parameters: Mapping[str, Any]) -> Fault:
    known = {each.name: each for each in fields(kind) if each.init}
    hints = get_type_hints(kind)
    checked = {}
    for key, value in parameters.items():
        if key not in known:
            raise FaultError(f"fault {kind.name}: there is no parameter {key!r}; known are {_known(kind)}")
        limits = known[key].metadata
        checked[key] = _checked(
            f"fault {kind.name}: {key}", value, hints[key], limits.get("least", 0), limits.get("most", _MOST)
        )
    return kind(**checked)


def _checked(what: str, value: Any, kind: Any, least: float, most: float) -> Any:
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        if value not in choices or isinstance(value, bool):
            raise FaultError(f"{what} is {value!r}; it must be one of {', '.join(map(str, choices))}")
        return choices[choices.index(value)]
    if kind is str:
        if not isinstance(value, str):
            raise FaultError(f"{what} is {value!r}; it must be a text")
        return value
    number = isinstance(value, int) or (kind is float and isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not number or not least <= value <= most:
        raise FaultError(
            f"{what} is {value!r}; it must be a {'number' if kind is float else 'whole number'} from {least:g} to {most:g}"
        )
    return kind(value)


def _read(text: str, kind: Any) -> Any:
    """Read a value of the command line as its parameter's type; what can't be read stays text, and `_checked` complains."""
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    if kind is str:
        return text
    for reader in (int, float):
        try:
            number = reader(text)
        except ValueError:
            continue
        return number if not choices or number in choices else text
    return text


def _known(kind: type[Fault]) -> str:
    return ", ".join(sorted(each.name for each in fields(kind) if each.init))


def _own(kind: type[Fault]) -> str:
    own = [f"{each.name}={each.default}" for each in fields(kind) if each.init and each.name not in _COMMON]
    return f"({', '.join(own)})" if own else ""
