"""The caller's words of one turn, as LiveKit is told them: the whole text so far while they come, and once as final. Pure."""

from livekit.agents import llm
from livekit.agents.utils import shortuuid


class CallerTranscript:
    """Collects the words of one turn after the other. Times are in seconds since the epoch."""

    def __init__(self) -> None:
        self._item_id = ""
        self._text = ""
        self._began_at = 0.0

    def add(self, words: str, began_at: float) -> llm.InputTranscriptionCompleted:
        """More words of this turn. Returns the text so far, which isn't final.

        Args:
            words: as the service sends them.
            began_at: when the turn began, if these are its first words. Words that come in pieces may come after the beginning
                of the answer to them.
        """
        if not self._text:
            self._item_id, self._began_at = shortuuid("GI_"), began_at
            words = words.lstrip()
        self._text += words
        return self._told(is_final=False)

    def finish(self) -> llm.InputTranscriptionCompleted | None:
        """The turn is over. Returns its final text, or None if there are no words.

        It is told once, since each final text is a message in the history (docs/facts.md L33).
        """
        told = self._told(is_final=True) if self._text else None
        self._text = ""
        return told

    def _told(self, *, is_final: bool) -> llm.InputTranscriptionCompleted:
        # with the time, since late words would stand behind their answer in the history
        return llm.InputTranscriptionCompleted(self._item_id, self._text, is_final, turn_started_at=self._began_at)
