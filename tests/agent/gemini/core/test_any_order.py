"""The link's decisions through any order of messages, closes and time: one socket at most, nothing lost, always an end."""

import itertools
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.agent.gemini.rig import STEP_S, Cause, Frame, Kind, Rig, TurnRules, begun, messages
from tests.agent.gemini.rig.edge import FRAME_S

STANDS_AFTER_S = 10.0
"""A connection that has lasted for so long is none that the service drops at once."""
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
    messages.content(),
    messages.content(waitingForInput=True),
    messages.voice(words="Well, "),
    messages.voice(),
    messages.words("there was "),
    messages.transcript("What time is it?"),
    messages.GENERATION_COMPLETE,
    messages.TURN_COMPLETE,
    messages.INTERRUPTED,
    messages.calls(messages.BOOK),
    messages.cancels("call_1"),
    messages.handle("h"),
    {"sessionResumptionUpdate": {}},
    messages.go_away("5s"),
    messages.go_away("300s"),
    messages.activity("START"),
    messages.activity("END"),
]


class AnyOrder(RuleBasedStateMachine):
    """The service, the caller, the tools and the clock do what they like."""

    rig: Rig

    @initialize(
        model=st.sampled_from(["gemini-3.8-live", "gemini-3.1-flash-live-preview", "unknown"]),
        seed=st.integers(0, 9),
        rules=st.builds(TurnRules, interruptible=st.booleans(), may_stay_silent=st.booleans()),
        connects=st.booleans(),
    )
    def begin(self, model: str, seed: int, rules: TurnRules, *, connects: bool) -> None:
        self.rig = begun(model, seed, rules=rules, unreachable_s=15.0)
        self.is_held = True
        self.set_up()
        self.said = 0
        self.loud: set[int] = set()
        self.asked: list[str] = []
        if connects:
            self.rig.connects()

    def set_up(self) -> None:
        """Before the first connection."""

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 9.0]))
    def time_passes(self, seconds: float) -> None:
        self.rig.passes(seconds)

    @precondition(lambda self: self.rig.socket == "dialing")
    @rule()
    def upgrade(self) -> None:
        self.rig.gemini.upgrades()

    @precondition(lambda self: self.rig.socket == "dialing")
    @rule(status=st.sampled_from([None, 503, 502]))
    def refuse(self, status: int | None) -> None:
        self.rig.gemini.refuses(status)

    @precondition(lambda self: self.rig.socket != "open")
    @rule()
    def let_in(self) -> None:
        """Without this short way, most of what is drawn would never see an open connection."""
        self.rig.connects()

    @precondition(lambda self: self.rig.socket == "upgraded")
    @rule()
    def complete_setup(self) -> None:
        self.rig.gemini.sets_up()

    @precondition(lambda self: self.rig.socket == "open")
    @rule(message=st.sampled_from(MESSAGES))
    def say(self, message: dict[str, Any]) -> None:
        self.rig.gemini.sends(message)

    @precondition(lambda self: self.rig.socket in {"upgraded", "open"})
    @rule(close=st.sampled_from(CLOSES))
    def close(self, close: tuple[int | None, str]) -> None:
        self.rig.gemini.closes(*close)

    @precondition(lambda self: self.rig.socket == "closing")
    @rule()
    def closed(self) -> None:
        self.rig.gemini.confirms_close()

    @rule(frames=st.integers(1, 60), loud=st.booleans())
    def caller_speaks(self, frames: int, *, loud: bool) -> None:
        first, self.said = self.said + 1, self.said + frames
        self.loud |= set(range(first, self.said + 1)) if loud and self.is_held else set()
        self.rig.caller.sends(first, self.said, loud=loud)

    @rule(frames=st.integers(40, 100))
    def caller_says_a_sentence(self, frames: int) -> None:
        first, self.said = self.said + 1, self.said + frames
        self.loud |= set(range(first, self.said + 1)) if self.is_held else set()
        self.rig.caller.says(first, self.said)

    @rule()
    def caller_types(self) -> None:
        self.asked.append(str(len(self.asked)))
        self.rig.caller.types(self.asked[-1])

    @rule()
    def tool_returns(self) -> None:
        self.rig.tools.returns()

    @rule()
    def microphone_closes(self) -> None:
        self.rig.caller.closes_microphone()

    @invariant()
    def sound_is_sent_in_order(self) -> None:
        for connection in range(len(self.rig.gemini.connections)):
            numbers = [frame.number for frame in self.rig.gemini.frames(connection)]
            assert numbers == sorted(set(numbers)), "in order, and once"

    @invariant()
    def every_loss_is_accounted_for(self) -> None:
        rig = self.rig
        open_ends = len(rig.kinds(Kind.LOST)) - len(rig.kinds(Kind.RESTORED))
        assert open_ends <= 1
        assert len(rig.kinds(Kind.FAILED)) <= 1
        assert not (rig.is_over and rig.socket in {"dialing", "upgraded", "open"}), "it is over, and something is open"
        assert len(rig.kinds(Kind.CONNECTED)) <= 1

    def teardown(self) -> None:
        """Once the service behaves, everything that was written has arrived, and all that was said lately."""
        rig = self.rig
        for _ in range(200):
            if rig.socket == "open" or (rig.is_over and rig.socket != "closing"):
                break
            rig.connects()
            rig.passes(STEP_S)
        if rig.is_over:
            return
        assert rig.socket == "open", "it comes back in bounded time"
        self.everything_arrives()
        if rig.kinds(Kind.FAILED):
            return
        if self.said % 2:
            self.ends_when_nobody_answers()
        else:
            self.ends_when_nobody_is_there()

    def everything_arrives(self) -> None:
        """Let a connection last; a model that is reminded says something, so that it does."""
        rig, connections, stands_at = self.rig, -1, 0.0
        latest = rig.now + 100
        rig.gemini.answers_pings()
        while rig.now < stands_at or connections != len(rig.gemini.connections):
            if connections != len(rig.gemini.connections):
                connections, stands_at = len(rig.gemini.connections), rig.now + STANDS_AFTER_S
            nudges = len(rig.kinds(Kind.NUDGED))
            rig.passes(STEP_S)
            rig.connects()
            if rig.kinds(Kind.FAILED):
                return
            if len(rig.kinds(Kind.NUDGED)) > nudges:
                rig.gemini.says("Yes?")
            assert rig.now < latest
        rig.gemini.answers_pings(does=False)
        self.everything_has_arrived()

    def says_one_frame(self) -> None:
        self.rig.caller.pauses(self.said + 1, self.said + 1)

    def everything_has_arrived(self) -> None:
        gemini = self.rig.gemini
        self.says_one_frame()
        assert gemini.connections[-1][-1] == Frame(self.said + 1, loud=False), "nothing waits before what comes"
        connections = range(len(gemini.connections))
        typed = [words for connection in connections for words in gemini.received("typed", connection)]
        assert list(dict.fromkeys(typed)) == self.asked, "each message arrives, in order"
        arrived = {frame.number for connection in connections for frame in gemini.frames(connection)}
        lost = round(self.rig.dropped_s / FRAME_S)
        assert len(self.loud - arrived) <= lost, "each word arrives, or is counted"

    def ends_when_nobody_answers(self) -> None:
        """Connections open and take what is sent; what was certainly asked is asked about in vain, and that ends."""
        self.rig.caller.types("Are you there?")
        self.rig.passes_connected(60)
        assert self.rig.causes(Kind.FAILED) == [Cause.MUTE]

    def ends_when_nobody_is_there(self) -> None:
        rig = self.rig
        rig.gemini.closes(1011, "Internal error encountered.")
        for _ in range(400):
            if rig.socket == "closing":
                rig.gemini.confirms_close()
            elif rig.socket == "dialing":
                rig.gemini.refuses()
            rig.passes(STEP_S)
            if rig.is_over:
                break
        assert rig.kinds(Kind.FAILED) == [Kind.FAILED]


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase


class AnyOrderWithButton(AnyOrder):
    """The same with push-to-talk: the caller presses and releases whenever they like."""

    def set_up(self) -> None:
        self.is_held = False
        self.rig.uses_push_to_talk()

    @rule()
    def presses(self) -> None:
        self.is_held = True
        self.rig.caller.presses()

    @rule()
    def releases(self) -> None:
        self.is_held = False
        self.rig.caller.releases()

    @rule(frames=st.integers(1, 60), ends=st.booleans())
    def speaks_by_the_button(self, frames: int, *, ends: bool) -> None:
        """Without these short ways, most of what is drawn would never see an activity, or its connection change."""
        self.presses()
        self.caller_speaks(frames, loud=True)
        if ends:
            self.releases()

    @precondition(lambda self: self.rig.socket == "open")
    @rule()
    def changes_connections(self) -> None:
        self.rig.gemini.drops()
        self.rig.connects()

    @invariant()
    def sound_stands_between_its_marks(self) -> None:
        """An activity begins once, has sound, and ends once. Nothing is outside."""
        for connection in range(len(self.rig.gemini.connections)):
            found = self.rig.gemini.activities(connection)
            for before, token in itertools.pairwise(["end", *found]):
                assert (before, token) not in {("start", "end"), ("start", "start"), ("end", "end")}
                assert token == "start" or before != "end", "outside of an activity"
                assert token != "start" or before == "end", "within an activity"

    @invariant()
    def the_microphone_has_no_mark_of_its_own(self) -> None:
        for connection in self.rig.gemini.connections:
            assert {"realtime_input": {"audioStreamEnd": True}} not in connection

    def everything_arrives(self) -> None:
        """While the button is held, nothing that is owed counts as late."""
        self.rig.caller.releases()
        super().everything_arrives()

    def says_one_frame(self) -> None:
        self.rig.caller.presses()
        super().says_one_frame()

    def everything_has_arrived(self) -> None:
        super().everything_has_arrived()
        self.rig.caller.releases()


AnyOrderWithButton.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrderWithButton = AnyOrderWithButton.TestCase
