"""What a call was: the state that must survive it and the figures that the log ends with, in one serialisable object."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class CallRecord:
    room: str
    job: str
    persona: str
    attempt: int = 1
    lights: bool = False
    caller: str = ""
    turns: int = 0
    interrupted_turns: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    """Tool name to number of runs."""
    failed_tools: int = 0

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "CallRecord":
        """Read what `as_json` wrote; fields of a newer version are left out."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        content: dict[str, Any] = json.loads(text)
        return cls(**{key: value for key, value in content.items() if key in known})
