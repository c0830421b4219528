"""A journal of the words of the caller and the model, by the ids of LiveKit's chat items. Pure.

LiveKit hands over whole contexts: the session's own with a new item, or an agent's, which may lack or repeat what the model
knows. The model can be told something new and can't forget: items that are new by their id are taken, and nothing is removed.
"""

from livekit.agents import llm

from agent.gemini.events import Line


class ChatJournal:
    """All that the model has heard, said or been told."""

    def __init__(self) -> None:
        self._context = llm.ChatContext.empty()
        self._known: set[str] = set()
        self._heard: tuple[str, str] | None = None
        """Id and heard words of the answer that was interrupted last; not all of it may have come yet."""

    def context(self) -> llm.ChatContext:
        """A copy, for LiveKit to add to."""
        return self._context.copy()

    def take_new(self, context: llm.ChatContext) -> list[llm.ChatItem]:
        """The messages and function results in `context` that the model doesn't know; from now on it does."""
        told = context.copy(
            exclude_handoff=True, exclude_instructions=True, exclude_empty_message=True, exclude_config_update=True
        )
        new: list[llm.ChatItem] = [item for item in told.items if item.type != "function_call" and item.id not in self._known]
        for item in new:
            self._add(item)
        return new

    def caller_said(self, text: str, item_id: str, *, before: str | None = None) -> None:
        """The caller has said something; `before`: the id of the answer that it was said before, if that is over."""
        position = None if before is None else self._context.index_by_id(before)
        self._add(llm.ChatMessage(id=item_id, role="user", content=[text]), position)

    def answer_begins(self, item_id: str) -> None:
        """The model says something: it needn't be told of it, even if LiveKit has its item before all of it has come."""
        self._known.add(item_id)

    def model_said(self, text: str, item_id: str) -> None:
        """Keep an answer; of one that was interrupted, what was heard."""
        interrupted = self._heard is not None and self._heard[0] == item_id
        heard = self._heard[1] if self._heard is not None and interrupted else text
        self._add(llm.ChatMessage(id=item_id, role="assistant", content=[heard], interrupted=interrupted))

    def truncate(self, item_id: str, heard: str) -> None:
        """An answer was interrupted: keep no more of it than was heard, whether all of it has come or not."""
        self._heard = (item_id, heard)
        for index, item in enumerate(self._context.items):
            if item.id == item_id and item.type == "message":
                self._context.items[index] = item.model_copy(update={"content": [heard], "interrupted": True})

    def lines(self) -> list[Line]:
        """The conversation, to be told to a session that has forgotten it."""
        said = [(item.role, item.text_content) for item in self._context.items if item.type == "message"]
        return [Line(role == "user", text) for role, text in said if text and role in {"user", "assistant"}]

    def _add(self, item: llm.ChatItem, position: int | None = None) -> None:
        self._known.add(item.id)
        self._context.items.insert(len(self._context.items) if position is None else position, item)
