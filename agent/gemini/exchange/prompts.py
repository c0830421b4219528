"""The prompts that the link writes to the model by itself, after a loss or when an answer is late. Pure."""

from collections import deque
from collections.abc import Sequence

from agent.gemini import wire
from agent.gemini.capabilities import Capabilities
from agent.gemini.events import Line
from agent.gemini.exchange import prompt_texts
from agent.gemini.exchange.prompt_texts import Echoes
from agent.gemini.exchange.states import Awaited, Broken, Requested, State

_MOST_LINES = 40
"""Between two handles, on models whose handles restore no more than what was said before. Of more, the oldest go.

3.1 gives one every 1.2 s (docs/facts.md G20).
"""


class Prompts:
    """Remembers what a session may not know, and says it in the form that the model takes."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._echoes = Echoes()
        self._told_first: tuple[Line, ...] = ()
        """The words from before the session, until it has spoken."""
        self._uncovered: deque[Line] = deque(maxlen=_MOST_LINES)
        """The words since the last handle, where a handle restores no more than what came before it (docs/facts.md G7)."""
        self._about_loss = ""
        """What the model is to tell the caller about the loss of the process before, until the first connection."""

    @property
    def uncovered(self) -> tuple[Line, ...]:
        """The words since the last handle, where a handle restores no more than what came before it."""
        return tuple(self._uncovered)

    def begin_from(self, uncovered: Sequence[Line]) -> None:
        """Go on with the conversation of another process. A caller who waits for words is told that the line was lost."""
        self._uncovered.extend(uncovered)
        self._about_loss = prompt_texts.LINE_LOST

    def begin_with(self, lines: Sequence[Line]) -> None:
        """A session was told what was said before it; once it has spoken, it is sure to know."""
        self._told_first = tuple(lines)

    def said(self, text: str, *, by_caller: bool) -> None:
        """The model has understood, or said, something."""
        if not by_caller and self._told_first:
            if not self._capabilities.resumes_whole:
                self._uncovered.extendleft(reversed(self._told_first))
            self._told_first = ()
        line = Line(by_caller, text.strip())
        is_again = bool(self._uncovered) and self._uncovered[-1] == line  # a question that a tool was called for first
        if line.text and not self._capabilities.resumes_whole and not is_again:
            self._uncovered.append(line)

    def covered(self) -> None:
        """A new handle has come."""
        self._uncovered.clear()

    def sent(self, text: str) -> None:
        """Note a text that the caller or the worker wrote to the model."""
        self._echoes.sent(text)

    def is_echo(self, words: str) -> bool:
        """These words, transcribed as the caller's, are instructions that the model repeats (docs/facts.md G23)."""
        return self._echoes.is_echo(words)

    def knows_all(self, history: Sequence[Line]) -> bool:
        """The session of a new connection knows all that was said. `history`: it is a new one, to be told this."""
        return not history and self._capabilities.resumes_whole

    def after_loss(
        self, state: State, history: Sequence[Line], results: Sequence[str], *, is_asked: bool, goes_on_by_itself: bool
    ) -> tuple[bytes | None, bool]:
        """The prompts that a new connection must have.

        Args:
            state: of the exchange.
            history: all that was said, for a session that knows nothing.
            results: of tools, that the model hasn't spoken about.
            is_asked: what is owed waits in the outbox, or for a tool.
            goes_on_by_itself: the prompt needs no answer, since something else waits for one.

        Returns:
            The prompt, and whether it reminds the model of what it owes.
        """
        about_loss, self._about_loss = self._about_loss, ""
        reminder = ""
        if isinstance(state, Broken) or (isinstance(state, Awaited) and not is_asked):
            reminder = self._reminder(state, is_mentioned=bool(about_loss))
        about_loss = about_loss if reminder or is_asked else ""
        knows_all = self.knows_all(history)
        asked = [] if reminder or knows_all else [line for line in _unanswered(state) if line not in history[-2:]]
        told = prompt_texts.lately([*self._told_first, *self._uncovered, *asked])
        if history:
            told, self._told_first = prompt_texts.history([*history, *asked]), ()
        is_forgotten = bool(history) or (isinstance(state, Broken) and not self._capabilities.resumes_whole)
        wants_results = is_forgotten or isinstance(state, Awaited) or _is_asked_since(state)
        again = prompt_texts.results(results) if wants_results else ""
        if not (told or again or about_loss or reminder):
            return None, False
        sentences = (told, again, about_loss, reminder, self._said_over(state) if reminder else "")
        return self.write(*sentences, wants_answer=bool(reminder) and not goes_on_by_itself), bool(reminder)

    def remind(self, state: State, results: Sequence[str]) -> bytes:
        """A prompt that asks for what is owed."""
        return self.write(prompt_texts.results(results), self._reminder(state), wants_answer=True)

    def ask_unheard(self) -> bytes:
        """A prompt that asks about speech that the service has shown no sign of."""
        return self.write(prompt_texts.UNHEARD, wants_answer=True)

    def tell_results(self, results: Sequence[str]) -> bytes:
        """A prompt that says in words what tools have returned."""
        return self.write(prompt_texts.results(results), wants_answer=True)

    def write(self, *sentences: str, wants_answer: bool) -> bytes:
        """The bytes of a prompt on the wire."""
        block = prompt_texts.instructions(*sentences)
        self._echoes.sent(block)
        if self._capabilities.takes_live_text and wants_answer:
            return wire.typed(block)
        return wire.text(block) if wants_answer else wire.context(block)

    def _said_over(self, state: State) -> str:
        """The words over an answer that broke off, unless their sound is sent again."""
        request = state.answer.said_over if isinstance(state, Broken) and self._capabilities.whole_transcripts else None
        return prompt_texts.said_over(request.words) if request is not None and request.words else ""

    def _reminder(self, state: State, *, is_mentioned: bool = False) -> str:
        if isinstance(state, Broken):
            knows_question = self._capabilities.resumes_whole or self._uncovered
            question = "" if knows_question else state.request.words
            return prompt_texts.broken_off(state.spoken_words, question, is_mentioned=is_mentioned)
        if isinstance(state, Requested):
            return prompt_texts.unanswered(state.request.words, addressed_to_model=state.request.addressed_to_model)
        return prompt_texts.unanswered("", addressed_to_model=False)


def _unanswered(state: State) -> list[Line]:
    """The caller's question that nothing else says again."""
    words = state.request.words.strip() if isinstance(state, Awaited) else ""
    return [Line(by_caller=True, text=words)] if words else []


def _is_asked_since(state: State) -> bool:
    """After the last of the answer that broke off, something was asked."""
    return isinstance(state, Broken) and state.request.asked_at > state.answer.last_at
