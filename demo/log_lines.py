"""The worker's log, which is JSON, as lines for people: time, level, message, and the figures of a call. Pure."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 400
"""Characters of a line that are shown."""
_FACTS = ("room", "persona", "reason", "error")
_QUIET_LINKS = {"connected.start"}
"""What happens in every call."""


@dataclass(frozen=True)
class LogLine:
    """One record of a log."""

    name: str
    """The logger."""
    level: str
    text: str
    """The whole line for people: time, level, message and facts."""
    traceback: tuple[str, ...] = ()


def read_log_line(line: str) -> LogLine | None:
    """A line of the worker's JSON log; None: it is none."""
    try:
        entry = json.loads(line)
        name, level, message = str(entry["name"]), str(entry["level"]), str(entry["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    facts = [f"{key}={entry[key]}" for key in _FACTS if entry.get(key)]
    traceback = tuple(str(entry.get("exc_info") or "").strip("\n").split("\n")) if entry.get("exc_info") else ()
    if traceback and not entry.get("error"):
        facts.append(f"error={traceback[-1].strip()}")
    words = " ".join([message.strip().partition("\n")[0] + _figures(entry), *facts])
    return LogLine(name, level, f"{_time(entry.get('timestamp'))} {level:7} {words}"[:LONGEST], traceback)


def error_of_livekit_server(line: str) -> str | None:
    """An error in livekit-server's log as a line for people; None: any other line.

    pion's complaint about a closed pipe is left out: it is about the last packets to a caller who has hung up.
    """
    time, _, rest = line.partition("\tERROR\t")
    if not rest or "read/write on closed pipe" in rest:
        return None
    _logger, _, words = rest.partition("\t")
    return f"{_time(time.strip())} {'ERROR':7} {' '.join(words.split())}"[:LONGEST]


def for_people(line: str) -> str:
    """A line of output for people, with the traceback if it has one; a line that is no log's stays as it is."""
    found = read_log_line(line)
    return line[:LONGEST] if found is None else "\n".join([found.text, *(f"  {each}" for each in found.traceback)])


def _time(timestamp: object) -> str:
    """The time of day of an ISO timestamp, where this machine is."""
    try:
        return f"{datetime.datetime.fromisoformat(str(timestamp)).astimezone():%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "--:--:--"


def _figures(entry: Mapping[str, Any]) -> str:
    """The figures of a call's last line, as a clause; empty for any other line."""
    if not isinstance(entry.get("turns"), int):
        return ""
    told = [_duration(entry.get("duration_s")), _turns(entry), _response(entry.get("response_s")), _tools(entry)]
    told += [_tokens(entry.get("tokens")), _cost(entry.get("cost_usd")), _links(entry.get("link"))]
    told += [f"failure {entry['failure']}" if entry.get("failure") else ""]
    return f" ({', '.join(clause for clause in told if clause)})"


def _duration(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _turns(entry: Mapping[str, Any]) -> str:
    turns, interrupted = entry["turns"], entry.get("interrupted_turns")
    return f"{turns} {'turn' if turns == 1 else 'turns'}" + (f", {interrupted} interrupted" if interrupted else "")


def _response(seconds: object) -> str:
    return f"response {seconds * 1000:.0f} ms" if isinstance(seconds, int | float) else ""


def _tools(entry: Mapping[str, Any]) -> str:
    tools, failed = entry.get("tools"), entry.get("failed_tools")
    if not isinstance(tools, dict) or not tools:
        return ""
    called = " ".join(name if count == 1 else f"{name} x{count}" for name, count in tools.items())
    return f"tools {called}" + (f", {failed} failed" if failed else "")


def _tokens(tokens: object) -> str:
    """All tokens; those from Gemini's cache are among the input already."""
    if not isinstance(tokens, dict):
        return ""
    counts = [count for name, count in tokens.items() if name != "cached_tokens"]
    numbers = [each for count in counts for each in (count.values() if isinstance(count, dict) else [count])]
    return f"{sum(number for number in numbers if isinstance(number, int)):,} tokens"


def _cost(usd: object) -> str:
    return f"${usd:.4f}" if isinstance(usd, int | float) else ""


def _links(links: object) -> str:
    """What happened to the connection to Gemini, if it was more than usual."""
    if not isinstance(links, dict):
        return ""
    happened = [f"{name} x{count}" if count != 1 else str(name) for name, count in links.items() if name not in _QUIET_LINKS]
    return f"Gemini connection: {' '.join(happened)}" if happened else ""
