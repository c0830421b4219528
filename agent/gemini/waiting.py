"""A caller who hears nothing: since when they wait for sound that they are owed, and how often they were told so. Pure."""

from agent.gemini.dialogue import BARGE_IN_S, NOTICED_WITHIN_S, Dialogue
from agent.gemini.turn import State


def silent_since(dialogue: Dialogue, lost_at: float | None) -> float | None:
    """Since when the caller waits for sound that they are owed. `lost_at`: since when there is no connection."""
    turn, voice, tools = dialogue.turn, dialogue.voice, dialogue.tools
    if voice.speaking:
        return None
    if lost_at is not None:
        asked_since = voice.last_at > lost_at and voice.spoke_s >= BARGE_IN_S
        waits = dialogue.owes_sound or asked_since or tools.is_running
        return max(lost_at, turn.plays_until, voice.last_at) if waits else None
    if turn.state is State.SPEAKING:
        return turn.plays_until if turn.has_sound else turn.output_at
    since = max(turn.owed_since, turn.plays_until, voice.last_at)
    if (tool_since := tools.running_since) is not None:
        return since if tool_since - since < NOTICED_WITHIN_S else tool_since
    if turn.state is State.OWED and (turn.certain or dialogue.watchdog.has_climbed):
        return since
    return None


class Waiting:
    """How often a caller who is owed sound has been told that it takes a moment."""

    def __init__(self, first_s: float, again_s: float) -> None:
        self._first_s, self._again_s = first_s, again_s
        self._told = 0

    def sounds(self) -> None:
        """The caller hears something."""
        self._told = 0

    def due(self, silent_since: float, now: float) -> int | None:
        """The number of this telling, if it is time for one. It counts as told."""
        if now - silent_since < self._first_s + self._told * self._again_s:
            return None
        self._told += 1
        return self._told
