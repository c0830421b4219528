"""What happened in one call, line by line, for who wants to know why a row failed."""

import datetime
import json
import time
from collections.abc import Iterator

from tests.e2e.faults.rig import Rig
from tests.e2e.faults.stage import Stage

_LONGEST = 300


def timeline(rig: Rig, stage: Stage, lines: list[str]) -> list[str]:
    """Log and wire, in order, in seconds since the caller joined; without sound."""
    start = stage.caller.joined_at
    told = sorted([*_wire(rig, start), *_log(lines, stage.room)])
    return [f"{at - start:8.3f}  {what}"[:_LONGEST] for at, what in told]


def _wire(rig: Rig, start: float) -> Iterator[tuple[float, str]]:
    ours = set(rig.connections(start))
    for line in rig.journal(start):
        if line["session"] not in ours:
            continue
        message = json.dumps(line["message"])
        arrow = {"sent": "<-", "received": "->"}.get(line["direction"], "--")
        if message in {"{}", '{"serverContent": {}}'} or (arrow == "->" and '"audio"' in message):
            continue
        if "modelTurn" in message:
            text = line["message"]["serverContent"].get("outputTranscription", {}).get("text")
            if not text:
                continue
            message = text
        elif "setup" in line["message"]:
            message = f"setup {line['message']['setup'].get('sessionResumption')}"
        yield line["t"], f"{line['session']} {arrow} {message}"


def _log(lines: list[str], room: str) -> Iterator[tuple[float, str]]:
    offset = time.monotonic() - time.time()
    for line in lines:
        if room in line and line.startswith("{"):
            entry = json.loads(line)
            if entry["name"].startswith("earshot"):
                at = datetime.datetime.fromisoformat(entry["timestamp"]).timestamp() + offset
                known = {"kind", "cause", "during", "attempts", "took_ms", "wait_ms", "gap_ms", "replayed_ms", "code", "reason"}
                facts = {name: value for name, value in entry.items() if name in known}
                yield at, f"log {entry['level']} {entry['message']} {facts}"
