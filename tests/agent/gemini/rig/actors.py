"""Who acts on the link, and what each of them sees of it. What the core wants done after an act is done by the edge."""

import json
from typing import Any

from tests.agent.gemini.rig import messages
from tests.agent.gemini.rig.adapter import Cause
from tests.agent.gemini.rig.edge import FRAME_S, Edge, Frame
from tests.agent.gemini.rig.messages import BOOK, BOOKED


class Caller:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def speaks(self, first: int, last: int) -> None:
        """Send loud frames of 20 ms with these numbers, in real time, as they come from a room. They are as steady as a fan."""
        self.sends(first, last, loud=True)

    def says(self, first: int, last: int) -> None:
        """Say a sentence: loud frames with these numbers, in real time, whose loudness changes."""
        for number in range(first, last + 1):
            self._edge.passes(FRAME_S)
            self._edge.do(self._edge.core.sound(Frame(number, loud=True).spoken_pcm, FRAME_S, self._edge.now))

    def pauses(self, first: int, last: int) -> None:
        """Send frames of silence with these numbers, in real time."""
        self.sends(first, last, loud=False)

    def sends(self, first: int, last: int, *, loud: bool) -> None:
        edge = self._edge
        for number in range(first, last + 1):
            edge.passes(FRAME_S)
            edge.do(edge.core.sound(Frame(number, loud).pcm, FRAME_S, edge.now))

    def bursts(self, first: int, last: int) -> None:
        """Send loud frames with these numbers all at once, as sound that was recorded before comes."""
        for number in range(first, last + 1):
            self._edge.do(self._edge.core.sound(Frame(number, loud=True).pcm, FRAME_S, self._edge.now))

    def presses(self) -> None:
        """Press the button of push-to-talk."""
        self._edge.do(self._edge.core.start_activity(self._edge.now))

    def releases(self) -> None:
        """Let the button of push-to-talk go."""
        self._edge.do(self._edge.core.end_activity(self._edge.now))

    def starts_over(self) -> None:
        """Take back what was said since the press and isn't sent yet."""
        self._edge.do(self._edge.core.discard_sound(self._edge.now))

    def types(self, words: str) -> None:
        payload = json.dumps({"typed": words}).encode()
        self._edge.do(self._edge.core.typed(payload, words, self._edge.now))

    def closes_microphone(self) -> None:
        self._edge.do(self._edge.core.microphone_closed(self._edge.now))


class Tools:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def returns(self, *responses: dict[str, Any]) -> None:
        """Give the core these function responses; by default that of `BOOK`."""
        self._edge.do(self._edge.core.tool_responses(responses or (BOOKED,), self._edge.now))


class Gemini:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    # The connection

    def upgrades(self) -> None:
        """Answer the upgrade: the link has a socket."""
        self._edge.socket = "upgraded"
        self._edge.do(self._edge.core.upgraded(self._edge.now))

    def sets_up(self) -> None:
        self.sends({"setupComplete": {}})

    def closes(self, code: int | None = None, reason: str = "") -> None:
        self._fails(code, reason)

    def drops(self) -> None:
        """Break the connection, without a close frame."""
        self._fails()

    def refuses(self, status: int | None = None, cause: Cause | None = None) -> None:
        """Refuse the upgrade: no socket comes of the dialling."""
        self._fails(status, cause=cause)

    def _fails(self, code: int | None = None, reason: str = "", cause: Cause | None = None) -> None:
        self._edge.socket = "none"
        self._edge.do(self._edge.core.failed(self._edge.now, code, reason, cause))

    def confirms_close(self) -> None:
        """End the close that the link has begun: the socket is gone."""
        self._edge.socket = "none"
        self._edge.do(self._edge.core.closed(self._edge.now))

    def stops_reading(self) -> None:
        self._edge.do(self._edge.core.stalled(self._edge.now, is_stalled=True))

    def reads_on(self) -> None:
        self._edge.do(self._edge.core.stalled(self._edge.now, is_stalled=False))

    def answers_pings(self, *, does: bool = True) -> None:
        """Answer pings from now on, or no more; a rig begins with a service that answers none."""
        self._edge.answers_pings = does

    def gives_handle(self, name: str) -> None:
        self.sends(messages.handle(name))

    def warns(self, left: str) -> None:
        self.sends(messages.go_away(left))

    # The conversation

    def sends(self, *received: dict[str, Any]) -> None:
        """Send these messages as they are."""
        edge = self._edge
        for message in received:
            if "setupComplete" in message and edge.socket == "upgraded":
                edge.socket = "open"
                edge.connections.append([])
            edge.do(edge.core.received(json.dumps(message).encode(), edge.now))

    def says(self, words: str = "", seconds: float = 0.2) -> None:
        """Send so much of the model's sound, with its transcript."""
        self.sends(messages.voice(seconds, words))

    def understands(self, words: str) -> None:
        """Send the transcript of something that the caller has said."""
        self.sends(messages.transcript(words))

    def answers(self, words: str = "Once upon a time there was a lighthouse", seconds: float = 3.0) -> None:
        """Send the transcript of a question and the beginning of the answer."""
        self.understands("Tell me a story.")
        self.says(words, seconds)

    def notices(self, kind: str) -> None:
        """Send that the caller's voice has begun (`START`) or ended (`END`)."""
        self.sends(messages.activity(kind))

    def has_generated(self) -> None:
        """Send `generationComplete`: all of the answer has been sent."""
        self.sends(messages.GENERATION_COMPLETE)

    def ends_turn(self) -> None:
        self.sends(messages.TURN_COMPLETE)

    def completes(self) -> None:
        """Send that all of the answer has been sent, and played."""
        self.has_generated()
        self.ends_turn()

    def interrupts(self) -> None:
        self.sends(messages.INTERRUPTED)

    def calls(self, *functions: dict[str, Any]) -> None:
        """Call these functions in one message; by default `BOOK`."""
        self.sends(messages.calls(*(functions or (BOOK,))))

    def cancels(self, *ids: str) -> None:
        self.sends(messages.cancels(*ids))

    # What it was sent. Connections count from 0; -1 is the newest

    @property
    def handles(self) -> list[str | None]:
        """What each setup asked to resume."""
        return self._edge.handles

    @property
    def announced(self) -> list[bool]:
        """For each setup, whether it announced what was said before."""
        return self._edge.announced

    @property
    def pinged_at(self) -> list[float]:
        """When it was pinged."""
        return self._edge.pinged_at

    @property
    def told(self) -> dict[str, str] | None:
        """What the newest socket was asked for, by its setup and by updates; None before its setup."""
        return self._edge.told

    @property
    def updates(self) -> list[dict[str, str]]:
        """The updates of the settings that the newest connection got, each with its new fields."""
        return self.received("contextUpdate")

    @property
    def connections(self) -> list[list[Frame | dict[str, Any]]]:
        return self._edge.connections

    def received(self, field: str, connection: int = -1) -> list[Any]:
        """The contents of this field in the messages that have it."""
        return [item[field] for item in self.connections[connection] if isinstance(item, dict) and field in item]

    def frames(self, connection: int = -1) -> list[Frame]:
        """The caller's sound, 20 ms each."""
        return [item for item in self.connections[connection] if isinstance(item, Frame)]

    def words(self, connection: int = -1) -> list[int]:
        """The numbers of the frames that were louder than silence."""
        return [frame.number for frame in self.frames(connection) if frame.loud]

    @property
    def texts(self) -> list[str]:
        """The texts of the turns that the link wrote by itself on the newest connection."""
        turns = [content.get("turns") or [{}] for content in self.received("client_content")]
        written = ["".join(part.get("text", "") for part in first.get("parts", [])) for first, *_ in turns]
        return [text for text in written if text]

    def activities(self, connection: int = -1) -> list[Any]:
        """The caller's sound and its marks in order: `start`, the numbers of the frames between, `end`."""
        marks = {"activityStart": "start", "activityEnd": "end"}
        found: list[Any] = []
        for item in self.connections[connection]:
            if isinstance(item, Frame):
                found.append(item.number)
            else:
                found += [word for mark, word in marks.items() if mark in item.get("realtime_input", {})]
        return found

    def tool_responses(self, connection: int = -1) -> list[list[dict[str, Any]]]:
        """The function responses of each message that has some."""
        return [message["functionResponses"] for message in self.received("tool_response", connection)]


class Conversation:
    """What the session, and by it LiveKit, was told."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self._edge.delivered

    @property
    def judged(self) -> list[Any]:
        """The messages as the session gets them, with what the link knows of them beside."""
        return self._edge.judged

    def has(self, field: str) -> list[bool]:
        """For each message, whether it has this field at its top or in its server content."""
        return [field in message or field in message.get("serverContent", {}) for message in self.messages]

    def count(self, field: str) -> int:
        return sum(self.has(field))

    def ends_with(self, field: str) -> bool:
        """Whether the last message has this field."""
        return self.has(field)[-1]

    @property
    def ends(self) -> int:
        """How many answers are over."""
        return self.count("turnComplete")

    @property
    def calls(self) -> list[list[dict[str, Any]]]:
        """The functions of each message that asks for some to be run."""
        return [message["toolCall"]["functionCalls"] for message in self.messages if "toolCall" in message]

    @property
    def captions(self) -> str:
        """The agent's words."""
        contents = [message.get("serverContent", {}) for message in self.messages]
        return "".join(said["outputTranscription"]["text"] for said in contents if "outputTranscription" in said)

    def position(self, words: str) -> int:
        """The position of the first message that says these words."""
        return next(at for at, message in enumerate(self.messages) if words in str(message))
