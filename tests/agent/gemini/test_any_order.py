"""The link's decisions through any order of messages, closes and time: one socket at most, nothing lost, always an end."""

import json
from typing import Any

import hypothesis.strategies as st
from agent.gemini.handover import TICK_S, Handover
from agent.gemini.events import Cause, Kind, Line
from agent.gemini.orders import LinkLimits, Phase
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.gemini import wire
from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from tests.agent.gemini.service import CALL, CHUNK_S, RESULT, Service, content, heard, voice

LIMITS = LinkLimits(unreachable_s=15.0)
CLOSES = [
    (None, ""),
    (1000, ""),
    (1001, ""),
    (1011, "Internal error encountered."),
    (1008, "The operation was aborted."),
    (1008, "Connection aborted because the client failed to close the connection after receiving a GoAway signal"),
    (1008, "BidiGenerateContent session not found"),
    (1007, "Request contains an invalid argument."),
]
MESSAGES = [
    {},
    content(),
    voice(words="Well, "),
    voice(),
    heard("What time is it?"),
    content(generationComplete=True),
    content(turnComplete=True),
    content(interrupted=True),
    CALL,
    {"toolCallCancellation": {"ids": ["call_1"]}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    {"sessionResumptionUpdate": {}},
    {"goAway": {"timeLeft": "5s"}},
    {"goAway": {"timeLeft": "300s"}},
    {"voiceActivity": {"type": "ACTIVITY_START"}},
    {"voiceActivity": {"type": "ACTIVITY_END"}},
]


class AnyOrder(RuleBasedStateMachine):
    """The service, the caller, the tools and the clock do what they like."""

    @initialize(model=st.sampled_from(["gemini-3.8-live", "gemini-3.1-flash-live-preview", "unknown"]), seed=st.integers(0, 9))
    def begin(self, model: str, seed: int) -> None:
        lines = (Line(by_caller=True, text="Hello."), Line(by_caller=False, text="Hello to you."))
        self.service = Service(Handover(CAPABILITIES.get(model, CAUTIOUS), LIMITS, lambda: lines, seed))
        self.said = 0
        self.loud: set[int] = set()
        self.asked: list[int] = []
        self.service.link.start(self.service.now)
        self.service.act()

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 9.0]))
    def time_passes(self, seconds: float) -> None:
        self.service.advance(seconds)

    @precondition(lambda self: self.service.socket == "dialing")
    @rule()
    def upgrade(self) -> None:
        self.service.upgraded()

    @precondition(lambda self: self.service.socket == "dialing")
    @rule(status=st.sampled_from([None, 503, 502]))
    def refuse(self, status: int | None) -> None:
        self.service.closes(status)

    @precondition(lambda self: self.service.socket == "upgraded")
    @rule()
    def set_up(self) -> None:
        self.service.says({"setupComplete": {}})

    @precondition(lambda self: self.service.socket == "open")
    @rule(message=st.sampled_from(MESSAGES))
    def say(self, message: dict[str, Any]) -> None:
        self.service.says(message)

    @precondition(lambda self: self.service.socket in {"upgraded", "open"})
    @rule(close=st.sampled_from(CLOSES))
    def close(self, close: tuple[int | None, str]) -> None:
        self.service.closes(*close)

    @precondition(lambda self: self.service.socket == "closing")
    @rule()
    def closed(self) -> None:
        self.service.gone()

    @rule(chunks=st.integers(1, 60), loud=st.booleans())
    def caller_speaks(self, chunks: int, *, loud: bool) -> None:
        for _ in range(chunks):
            self.service.now += CHUNK_S
            self.said += 1
            self.loud |= {self.said} if loud else set()
            self.service.hears(self.said, loud=loud)

    @rule()
    def caller_types(self) -> None:
        self.asked.append(len(self.asked))
        self.service.link.message(json.dumps({"typed": self.asked[-1]}).encode(), self.service.now, wants_answer=True)
        self.service.act()

    @rule()
    def tool_returns(self) -> None:
        self.service.link.tool_responses([RESULT], self.service.now)
        self.service.act()

    @rule()
    def microphone_closes(self) -> None:
        self.service.link.microphone_closed()
        self.service.act()

    @invariant()
    def sound_is_sent_in_order(self) -> None:
        for connection in self.service.sent:
            numbers = [item[0] for item in connection if isinstance(item, tuple)]
            assert numbers == sorted(set(numbers)), "in order, and once"

    @invariant()
    def every_loss_is_accounted_for(self) -> None:
        service, over = self.service, self.service.link.phase is Phase.OVER
        open_ends = len(service.kinds(Kind.LOST)) - len(service.kinds(Kind.RESTORED))
        assert open_ends <= 1
        assert len(service.kinds(Kind.FAILED)) == over
        assert len(service.kinds(Kind.CONNECTED)) <= 1

    def teardown(self) -> None:
        """Once the service behaves, everything that was written has arrived, and all that was said lately."""
        service = self.service
        for _ in range(200):
            if service.link.phase in {Phase.OPEN, Phase.OVER} and service.socket != "closing":
                break
            service.connect()
            service.advance(TICK_S)
        if service.link.phase is Phase.OVER:
            assert service.kinds(Kind.FAILED)
            return
        assert service.link.phase is Phase.OPEN, "it comes back in bounded time"
        for _ in range(100):
            service.now += TICK_S
            service.flush()
        assert service.link.dialogue.outbox.is_empty
        typed = [
            item["typed"] for connection in service.sent for item in connection if isinstance(item, dict) and "typed" in item
        ]
        assert list(dict.fromkeys(typed)) == self.asked, "each message arrives, in order"
        arrived = {item[0] for connection in service.sent for item in connection if isinstance(item, tuple)}
        lost = round(service.link.dialogue.outbox.lost_s / CHUNK_S)
        assert len(self.loud - arrived) <= lost, "each word arrives, or is counted"
        if self.said % 2:
            self.ends_when_nobody_answers()
        else:
            self.ends_when_nobody_is_there()

    def ends_when_nobody_answers(self) -> None:
        """Connections open and take what is sent; what was certainly asked is asked about in vain, and that ends."""
        service = self.service
        service.link.message(wire.text("Are you there?"), service.now, wants_answer=True)
        for _ in range(600):
            service.connect() if service.socket in {"none", "closing", "dialing"} else service.advance(TICK_S)
            if service.link.phase is Phase.OVER:
                break
        assert [event.cause for event in service.events if event.kind is Kind.FAILED] == [Cause.MUTE]

    def ends_when_nobody_is_there(self) -> None:
        service = self.service
        service.closes(1011, "Internal error encountered.")
        for _ in range(400):
            if service.socket == "closing":
                service.gone()
            elif service.socket == "dialing":
                service.closes(None)
            service.advance(TICK_S)
            if service.link.phase is Phase.OVER:
                break
        assert service.kinds(Kind.FAILED) == [Kind.FAILED]


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
