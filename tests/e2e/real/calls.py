"""What a caller of this folder's tests waits for. Google's models say what they like: words are compared with nothing."""

from caller import AgentSound, Caller, Caption, RoomEvent

ANSWERS_S = 30
"""Seconds from the end of a question to the first sound of its answer, a tool in between; extended thinking takes its time."""
SPEAKS_S = 60
"""The longest answer, in seconds."""
PAUSE_S = 1.0
"""Quiet for this long means that an answer is over; shorter pauses are between its sentences."""


async def hears_it_out(caller: Caller, *, since_s: float) -> AgentSound:
    """The agent's next sound after a moment, heard to its end."""
    sound = await caller.first(AgentSound, within_s=ANSWERS_S, where=lambda sound: sound.t > since_s)
    await caller.quiet(for_s=PAUSE_S, within_s=SPEAKS_S)
    return sound


async def is_greeted(caller: Caller) -> None:
    """The agent speaks first, in words that are captioned."""
    await hears_it_out(caller, since_s=caller.joined_at)
    assert captions(caller, "agent", since=0)


async def is_told(caller: Caller, kind: str, *, since: int) -> RoomEvent:
    """The room's next event of that type, from an index of the log on."""
    return await caller.first(RoomEvent, since=since, within_s=ANSWERS_S, where=lambda event: event.body["type"] == kind)


def captions(caller: Caller, who: str, *, since: int) -> str:
    """The finished captions of one speaker, from an index of the log on."""
    said = [event.text for event in caller.log[since:] if isinstance(event, Caption) and event.who == who and event.final]
    return " ".join(said).strip()
