"""What the link tells the model by itself, so that the conversation goes on: after a loss, or when an answer is late. Pure."""

from collections import deque
from collections.abc import Sequence

from agent.gemini import reminders, wire
from agent.gemini.capabilities import Capabilities
from agent.gemini.news import Line
from agent.gemini.outbox import Outbox
from agent.gemini.tool_ledger import ToolLedger
from agent.gemini.turn import State, Turn

_MOST_LINES = 40
"""Between two handles: a service gives one after every turn at least. Of more, the oldest go."""


class Notes:
    """Writes into the outbox, before all that waits there."""

    def __init__(
        self, capabilities: Capabilities, outbox: Outbox, turn: Turn, tools: ToolLedger, echoes: reminders.Echoes
    ) -> None:
        self._capabilities = capabilities
        self._outbox, self._turn, self._tools = outbox, turn, tools
        self._echoes = echoes
        self._uncovered: deque[Line] = deque(maxlen=_MOST_LINES)
        """What was said since the last handle, where a handle restores no more than what was said before it."""

    def said(self, text: str, *, by_caller: bool) -> None:
        """The model has heard, or said, something."""
        line = Line(by_caller, text.strip())
        is_again = bool(self._uncovered) and self._uncovered[-1] == line  # a question that a tool was called for first
        if line.text and not self._capabilities.resumes_whole and not is_again:
            self._uncovered.append(line)

    def covered(self) -> None:
        """There is a new handle."""
        self._uncovered.clear()

    def resume(self, history: Sequence[Line], cut: str | None, *, goes_on_by_itself: bool) -> str:
        """A new connection is open: write what it must know. `history`: it knows nothing at all.

        Returns:
            What the model was told to go on with. `goes_on_by_itself`: it needn't, something else waits for its answer.
        """
        reminder, knows_all = self._reminder(cut), not history and self._capabilities.resumes_whole
        if not knows_all:
            self._outbox.forget_urgent()  # it was for a session that isn't there any more, and names its calls
        asked = [] if reminder or knows_all else self._unanswered()
        told = reminders.history([*history, *asked]) if history else reminders.lately([*self._uncovered, *asked])
        is_forgotten = bool(history) or (cut is not None and not self._capabilities.resumes_whole)
        wants_results = is_forgotten or self._turn.state is State.OWED
        results = reminders.results(self._tools.unspoken) if wants_results else ""
        if told or results or reminder:
            self.write(told, results, reminder, wants_answer=bool(reminder) and not goes_on_by_itself)
        return reminder

    def remind(self, cut: str | None) -> None:
        """Ask for what is owed."""
        reminder = self._reminder(cut) or reminders.owed(self._turn.question, to_the_model=self._turn.certain)
        self.write(reminders.results(self._tools.unspoken), reminder, wants_answer=True)

    def write(self, *sentences: str, wants_answer: bool) -> None:
        block = reminders.instructions(*sentences)
        self._echoes.sent(block)
        if self._capabilities.takes_live_text and wants_answer:
            self._outbox.put_first(wire.typed(block))
        else:
            self._outbox.put_first(wire.text(block) if wants_answer else wire.context(block))

    def _unanswered(self) -> list[Line]:
        """The caller's question that nothing else says again."""
        is_owed = self._turn.state is State.OWED and bool(self._turn.question)
        return [Line(by_caller=True, text=self._turn.question.strip())] if is_owed else []

    def _reminder(self, cut: str | None) -> str:
        """What the model must be told to go on with, if it isn't what waits in the outbox anyway."""
        if cut is not None:
            knows_question = self._capabilities.resumes_whole or self._uncovered
            return reminders.cut(cut, "" if knows_question else self._turn.question)
        if self._turn.state is not State.OWED or self._tools.is_running or self._outbox.asks_something:
            return ""
        return reminders.owed(self._turn.question, to_the_model=self._turn.certain)
