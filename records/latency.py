"""A call's response latency and greeting latency, by who speaks when. Pure.

The names are LiveKit's (docs/facts.md L450). Response latency: from the end of the caller's speech to the start of the reply.
Greeting latency: from the caller's arrival to the agent's first sound, in a call that the agent begins.

Each end of the caller's speech belongs to the next beginning of the agent's. It has no latency if

- the caller has gone on speaking before the agent does, as after a pause within a sentence: the next end counts;
- the agent is speaking at that moment: nobody waits for it;
- the agent says nothing more.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from records.voice_spans import Span


@dataclass(frozen=True)
class Response:
    """A reply: the end of the caller's speech, and the start of the agent's, in seconds since the call began."""

    asked_s: float
    replied_s: float

    @property
    def latency_s(self) -> float:
        return self.replied_s - self.asked_s


def responses(caller: Sequence[Span], agent: Sequence[Span]) -> list[Response]:
    """The replies of the agent. Spans are in order."""
    starts = [span.start_s for span in agent]
    found = []
    for index, turn in enumerate(caller):
        after = bisect.bisect_left(starts, turn.end_s)
        speaks = after > 0 and agent[after - 1].end_s > turn.end_s
        goes_on_s = caller[index + 1].start_s if index + 1 < len(caller) else math.inf
        if not speaks and after < len(starts) and starts[after] < goes_on_s:
            found.append(Response(turn.end_s, starts[after]))
    return found


def greeting_latency_s(came_s: float, caller: Sequence[Span], agent: Sequence[Span]) -> float | None:
    """The seconds from the caller's arrival to the agent's first sound; None: the agent hasn't begun the call."""
    first_s = min((span.start_s for span in agent if span.start_s >= came_s), default=math.inf)
    said_s = min((span.end_s for span in caller), default=math.inf)
    return first_s - came_s if first_s < said_s else None
