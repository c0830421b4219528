"""A caller, Gemini and tools around the link's pure core, without a socket: what scenario tests are written in."""

import json
from collections.abc import Callable, Mapping

from tests.agent.gemini.rig.actors import Caller, Conversation, Gemini, Tools
from tests.agent.gemini.rig.adapter import (
    DEFAULT_TURN_RULES,
    TRANSLATE_MODEL,
    TRANSLATES,
    Cause,
    Continuation,
    Core,
    Kind,
    Line,
    LinkEvent,
    LinkLimits,
    Owes,
    ToolOptions,
    TurnRules,
)
from tests.agent.gemini.rig.edge import Edge, Frame
from tests.agent.gemini.rig.messages import BOOK, BOOKED

__all__ = [
    "BOOK",
    "BOOKED",
    "STEP_S",
    "TRANSLATES",
    "TRANSLATE_MODEL",
    "Cause",
    "Frame",
    "Kind",
    "Line",
    "Rig",
    "ToolOptions",
    "TurnRules",
    "begun",
    "connected",
    "with_button",
]

STEP_S = 0.1
"""How often somebody looks whether a fact has come about."""
_LONGEST_DIAL_S = 120.0


class Rig:
    """One conversation. `caller`, `gemini` and `tools` act; `conversation` and `events` are what the worker was told."""

    def __init__(self, core: Core) -> None:
        self._edge = Edge(core)
        self.caller = Caller(self._edge)
        self.gemini = Gemini(self._edge)
        self.tools = Tools(self._edge)
        self.conversation = Conversation(self._edge)

    # Time and the connection

    @property
    def now(self) -> float:
        return self._edge.now

    @property
    def socket(self) -> str:
        """none, dialing, upgraded, open or closing."""
        return self._edge.socket

    def passes(self, seconds: float) -> None:
        """Let time pass; the core is called whenever it is due."""
        self._edge.passes(seconds)

    def until(self, fact: Callable[[], bool], within_s: float, step_s: float = STEP_S) -> None:
        """Let time pass until the fact holds."""
        latest = self.now + within_s
        while not fact():
            assert self.now < latest, f"it did not come about within {within_s} s"
            self.passes(step_s)

    def until_dialing(self) -> None:
        """Let time pass until the link dials, or has given up."""
        self.until(lambda: self.socket == "dialing" or self.is_over, _LONGEST_DIAL_S)

    def starts(self) -> None:
        self._edge.do(self._edge.core.start(self.now))

    def dies(self) -> None:
        """The process is killed, and another one goes on with the conversation. `events` are the other's from now on."""
        self._edge.dies()

    @property
    def continuation(self) -> Continuation:
        """What another process goes on with."""
        return self._edge.core.machine.continuation

    @property
    def was_idle(self) -> bool:
        """In the process that was killed last, nobody owed anything, and nothing waited for an answer."""
        saved = self._edge.core.begun_from
        if saved is None:
            return False
        asks = any(message.asks for message in saved.messages)
        return saved.exchange.owes is Owes.NOTHING and not (asks or saved.exchange.calls or saved.exchange.held)

    def is_given_history(self, *lines: Line) -> None:
        """Before the first connection: this was said earlier."""
        self._edge.core.given_history(*lines)

    def resumes(self, handle: str) -> None:
        """Before the first connection: it resumes the session of an earlier conversation."""
        self._edge.core.resumes(handle)

    def connects(self) -> None:
        """Do whatever is still missing for an open connection: Gemini lets the link in."""
        if self.socket == "closing":
            self.gemini.confirms_close()
        if self.socket == "none" and not self.is_over:
            self.until_dialing()
        if self.socket == "dialing":
            self.gemini.upgrades()
        if self.socket == "upgraded":
            self.gemini.sets_up()

    def passes_connected(self, seconds: float) -> None:
        """Let time pass; whenever the link wants another connection, Gemini lets it in."""
        latest = self.now + seconds
        while self.now < latest and not self.is_over:
            self.connects() if self.socket in {"closing", "dialing"} else self.passes(STEP_S)

    def passes_refused(self, seconds: float) -> None:
        """Let time pass; whenever the link dials, Gemini answers with 503."""
        latest = self.now + seconds
        while self.now < latest:
            self.passes(STEP_S)
            if self.socket == "dialing":
                self.gemini.refuses(503)

    def answers_within(self, answer_s: float) -> None:
        """Let an answer take so long to begin, as a setup does that lets the model search."""
        self._edge.do(self._edge.core.answers_within(answer_s, self.now))

    def uses_push_to_talk(self) -> None:
        """Ask for connections without activity detection: the caller's turns are those that a button marks."""
        self._edge.do(self._edge.core.push_to_talk(self.now, enabled=True))

    def uses_detection(self) -> None:
        """Ask for connections with activity detection again."""
        self._edge.do(self._edge.core.push_to_talk(self.now, enabled=False))

    def changes_agent(self) -> None:
        """Change what connections ask for in a way that needs another one, as an agent with another voice does."""
        self._edge.core.agent_changed()
        self.asks_for(generationConfig=self.wanted["generationConfig"] + " of another")

    def hands_over(self, call_id: str) -> None:
        """The tool of that call has returned another agent."""
        self._edge.core.agent_changed(call_id)

    def asks_for(self, **fields: str) -> None:
        """Connections ask for this in their setup from now on."""
        self._edge.asks_for(fields)

    def application_writes(self, words: str) -> None:
        """The application tells the model something that it doesn't answer."""
        self._edge.do(self._edge.core.context(json.dumps({"typed": words}).encode(), words, self.now))

    def stops(self) -> None:
        """The application stops the answer that is under way."""
        self._edge.do(self._edge.core.stop_answer(self.now))

    @property
    def wanted(self) -> dict[str, str]:
        """What connections are to ask for."""
        return self._edge.wanted

    # What the link told

    @property
    def events(self) -> list[LinkEvent]:
        return self._edge.events

    @property
    def known_until(self) -> list[float]:
        """For each connection that was open, the time from which on its session may not know what was sent."""
        return self._edge.known_until

    def kinds(self, *kinds: Kind) -> list[Kind]:
        """The kinds of the events so far, in order, as far as they are among these."""
        return [event.kind for event in self.events if event.kind in kinds]

    def causes(self, kind: Kind) -> list[Cause]:
        return [event.cause for event in self.events if event.kind is kind]

    @property
    def is_over(self) -> bool:
        """The link has given up."""
        return bool(self.kinds(Kind.FAILED))

    @property
    def dropped_s(self) -> float:
        """Of the caller's sound, because nothing took it for too long."""
        return self._edge.core.dropped_s

    @property
    def unreadable(self) -> list[str]:
        """Fields of Gemini's messages that were skipped."""
        return self._edge.core.unreadable


def begun(
    model: str = "gemini-3.8-live",
    seed: int = 1,
    *,
    rules: TurnRules = DEFAULT_TURN_RULES,
    tools: Mapping[str, ToolOptions] | None = None,
    **limits: float,
) -> Rig:
    """A conversation whose first connection is being dialled. `tools`: the options of those that have some."""
    history = (Line(by_caller=True, text="My number is 42."), Line(by_caller=False, text="I will remember it."))
    rig = Rig(Core(model, LinkLimits(**limits), history, seed, rules, tools))
    rig.starts()
    return rig


def with_button(model: str = "gemini-3.8-live", *, rules: TurnRules = DEFAULT_TURN_RULES, **limits: float) -> Rig:
    """A conversation with push-to-talk that has a connection, and a handle `h1` to resume it by."""
    rig = begun(model, 1, rules=rules, tools=None, **limits)
    rig.uses_push_to_talk()
    rig.connects()
    rig.gemini.gives_handle("h1")
    return rig


def connected(
    model: str = "gemini-3.8-live",
    *,
    rules: TurnRules = DEFAULT_TURN_RULES,
    tools: Mapping[str, ToolOptions] | None = None,
    **limits: float,
) -> Rig:
    """A conversation that has a connection, and a handle `h1` to resume it by."""
    rig = begun(model, 1, rules=rules, tools=tools, **limits)
    rig.connects()
    rig.gemini.gives_handle("h1")
    return rig
