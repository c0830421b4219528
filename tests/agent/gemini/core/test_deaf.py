"""A service that takes the caller's sound and shows no sign of it: what the caller is told, and when the call ends.

Each combination of what the service still does (takes sound, transcribes, speaks) and of how long the fault lasts (one socket,
one session, for good) is a scenario here, and a row of real calls in tests/e2e/faults/deaf_rows.py.
"""

from dataclasses import dataclass

import pytest

from tests.agent.gemini.rig import Cause, Frame, Kind, Rig, TurnRules, connected, messages
from tests.agent.gemini.rig.edge import FRAME_S

SENTENCE = 75
"""Frames: a sentence of 1.5 s."""
EVERY_S = 10.0
"""The caller says it again so long after the last time, until they are answered."""
ENDS_TURN_S = 1.2
"""The silence after which the service takes the caller's turn for over."""
QUESTION, ANSWER, DEAF = "What time is it?", "It is noon.", "I can't hear you."
PROACTIVE, ANSWERS_ALL = TurnRules(may_stay_silent=True), TurnRules()


@dataclass(frozen=True)
class Able:
    """The abilities of the service on a connection."""

    hears: bool = True
    transcribes: bool = True
    speaks: bool = True


KEEPS = {
    "sound": Able(hears=False, transcribes=False, speaks=False),
    "text": Able(hears=False, transcribes=False),
    "transcript": Able(speaks=False),
    "voice": Able(transcribes=False),
}
"""The abilities that are left, by the names of the emulator's fault `deaf`."""


class Call:
    """A caller with an open microphone, and a service that has lost some of its abilities.

    Times are in seconds since the end of the caller's first sentence.
    """

    def __init__(self, keeps: str, lasts: str, rules: TurnRules = PROACTIVE) -> None:
        self.rig: Rig = connected(rules=rules)
        self.rig.gemini.answers_pings()
        self.said: list[tuple[float, str]] = []
        """The words of the model, and when it began to say them."""
        self._told_at: list[float] = []
        self._keeps, self._lasts = KEEPS[keeps], lasts
        self._frame = 0
        self._connection = self._looked_at = self._heard = self._loud = 0
        self._loud_at = self._first_ended_at = 0.0
        self.says()
        self._first_ended_at = self.rig.now

    @property
    def now_s(self) -> float:
        return self.rig.now - self._first_ended_at

    def says(self, frames: int = SENTENCE) -> None:
        """Have the caller say a sentence."""
        for _ in range(frames):
            self._frame += 1
            self.rig.caller.says(self._frame, self._frame)
            self._react()

    def passes(self, until_s: float) -> None:
        """Let time pass in which the caller is silent."""
        while self.now_s < until_s - FRAME_S / 2 and not self.rig.is_over:
            self._frame += 1
            self.rig.caller.pauses(self._frame, self._frame)
            self._react()

    def asks_until_answered(self, until_s: float) -> None:
        """Let the time pass in which the caller says their sentence again and again."""
        while self.now_s < until_s - FRAME_S and not (self.rig.is_over or self.said):
            self.passes(min(self.now_s + EVERY_S, until_s))
            if not self.said and not self.rig.is_over:
                self.says()
        self.passes(min(self.now_s + EVERY_S, until_s))

    def times(self, kind: Kind) -> list[float]:
        """The times of the events of a kind, to 20 ms."""
        told = zip(self._told_at, self.rig.events, strict=True)
        return [at - self._first_ended_at for at, event in told if event.kind is kind]

    @property
    def _able(self) -> Able:
        is_mended = {
            "socket": len(self.rig.gemini.connections) > 1,
            "session": None in self.rig.gemini.handles[1:],
            "always": False,
        }[self._lasts]
        return Able() if is_mended else self._keeps

    def _react(self) -> None:
        """The service lets the link in, hears what was said a while ago, and answers what is written to it."""
        rig = self.rig
        if rig.socket in {"closing", "dialing"}:
            rig.connects()
        if rig.socket == "open":
            if len(rig.gemini.connections) != self._connection:
                self._connection, self._looked_at = len(rig.gemini.connections), 0
                self._heard = self._loud = 0
            self._look()
        self._told_at += [rig.now] * (len(rig.events) - len(self._told_at))

    def _look(self) -> None:
        """Take what has come over the newest connection since the last look."""
        items, asked = self.rig.gemini.connections[-1], 0
        for item in items[self._looked_at :]:
            if not isinstance(item, Frame):
                asked += bool(item.get("client_content", {}).get("turnComplete"))
            elif item.loud:
                self._loud, self._loud_at = self._loud + 1, self.rig.now
        self._looked_at = len(items)
        if asked:
            self._speak(ANSWER if QUESTION in self.rig.gemini.texts[-1] else DEAF)
        if self._able.hears and self._loud > self._heard and self.rig.now - self._loud_at >= ENDS_TURN_S:
            self._heard = self._loud
            if self._able.transcribes:
                self.rig.gemini.sends(messages.activity("START"), messages.transcript(QUESTION), messages.activity("END"))
            self._speak(ANSWER)

    def _speak(self, words: str) -> None:
        if self._able.speaks:
            self.said.append((self.now_s, words))
            self.rig.gemini.says(words, 1.0)
            self.rig.gemini.completes()


MENDED = [
    ("sound", "socket", PROACTIVE, 2.5, 6.5),
    ("sound", "socket", ANSWERS_ALL, 2.5, 6.5),
    ("sound", "session", PROACTIVE, 2.5, 19.0),
    ("sound", "session", ANSWERS_ALL, 2.5, 19.0),
    ("text", "socket", PROACTIVE, 2.5, 6.5),
    ("text", "session", PROACTIVE, 2.5, 19.0),
    ("transcript", "socket", ANSWERS_ALL, 4.2, 8.0),
    ("transcript", "session", ANSWERS_ALL, 4.2, 17.0),
    ("transcript", "socket", PROACTIVE, None, 22.0),
    ("transcript", "session", PROACTIVE, None, 50.0),
    *(("voice", lasts, rules, None, 1.4) for lasts in ("socket", "session", "always") for rules in (PROACTIVE, ANSWERS_ALL)),
]
"""What is left, for how long, the rules, when the caller is told to wait (or not), and by when the question is answered."""


@pytest.mark.parametrize(("keeps", "lasts", "rules", "told_s", "answered_s"), MENDED)
def test_the_question_is_answered_when_the_service_is_whole_again(
    keeps: str, lasts: str, rules: TurnRules, told_s: float | None, answered_s: float
) -> None:
    call = Call(keeps, lasts, rules)
    call.asks_until_answered(60)
    [(at, words), *others] = call.said
    assert words == ANSWER
    assert at <= answered_s
    assert not others, "it is answered once"
    assert call.times(Kind.WAITING)[:1] == ([] if told_s is None else [pytest.approx(told_s, abs=0.5)])
    assert call.rig.kinds(Kind.FAILED) == []


def test_a_service_that_is_deaf_and_mute_for_good_ends_the_call() -> None:
    """The caller is told to wait after 2.5 s, and again; new connections and a question in text change nothing."""
    call = Call("sound", "always")
    call.asks_until_answered(90)
    first, second, *_ = call.times(Kind.WAITING)
    assert first == pytest.approx(2.5, abs=0.1)
    assert 22.5 <= second <= 26, "not while the caller speaks"
    assert call.rig.causes(Kind.WAITING)[0] is Cause.UNACKNOWLEDGED
    assert call.rig.causes(Kind.FAILED) == [Cause.MUTE]
    assert 40 <= call.now_s <= 60


def test_who_asks_twice_and_then_waits_is_not_left_in_silence() -> None:
    call = Call("sound", "always")
    call.passes(8)
    call.says()
    call.passes(90)
    assert call.rig.causes(Kind.FAILED) == [Cause.MUTE]
    assert 40 <= call.now_s <= 60


def test_a_deaf_model_that_speaks_tells_the_caller_so() -> None:
    """It is asked twice while it stays deaf, and after that the call's own limits hold."""
    call = Call("text", "always")
    for _ in range(12):
        call.passes(call.now_s + EVERY_S)
        call.says()
    assert [words for _, words in call.said] == [DEAF, DEAF]
    assert 30 <= call.said[0][0] <= 45
    assert call.rig.kinds(Kind.FAILED) == []


@pytest.mark.parametrize("rules", [PROACTIVE, ANSWERS_ALL], ids=["proactive", "not proactive"])
def test_a_model_that_transcribes_and_never_speaks_ends_no_call(rules: TurnRules) -> None:
    """What is said aloud may be for somebody else in the room: in the end it is left alone, as docs/live.md says."""
    call = Call("transcript", "always", rules)
    call.asks_until_answered(90)
    assert call.said == []
    assert call.rig.kinds(Kind.FAILED) == []
    assert bool(call.times(Kind.WAITING)) is (rules is ANSWERS_ALL)


def test_one_sentence_alone_may_be_a_noise() -> None:
    """The worker's voice is heard as long as something is still tried; the model is not asked, and the call goes on."""
    call = Call("sound", "always")
    call.passes(80)
    assert call.times(Kind.WAITING) == [pytest.approx(2.5, abs=0.1), pytest.approx(22.5, abs=0.1)]
    assert call.rig.gemini.handles == [None, "h1", None]
    assert call.rig.kinds(Kind.FAILED, Kind.NUDGED) == []


@pytest.mark.parametrize("frames", [15, 25], ids=["a cough", "a coughing fit"])
def test_a_cough_makes_nobody_speak(frames: int) -> None:
    call = Call("sound", "always")
    rig = call.rig
    before = len(rig.kinds(Kind.WAITING))
    rig.gemini.sends(messages.transcript(QUESTION))
    rig.gemini.says(ANSWER, 1.0)
    rig.gemini.completes()
    for _ in range(12):
        call.passes(call.now_s + 5)
        call.says(frames)
    call.passes(call.now_s + 60)
    assert len(rig.kinds(Kind.WAITING)) == before
    assert rig.kinds(Kind.NUDGED, Kind.FAILED) == []


@pytest.mark.parametrize("seconds", [1, 5, 10])
def test_a_fan_makes_nobody_speak(seconds: int) -> None:
    """Steady noise, however long and however often, ends no call."""
    rig = connected(rules=PROACTIVE)
    rig.gemini.answers_pings()
    rig.gemini.says("Good day.", 1.0)
    rig.gemini.completes()
    rig.passes(2)
    for number in range(6):
        first = 700 * number
        rig.caller.speaks(first, first + 50 * seconds)
        rig.caller.pauses(first + 50 * seconds + 1, first + 50 * seconds + 40)
        rig.passes_connected(20)
    assert rig.kinds(Kind.WAITING, Kind.NUDGED, Kind.FAILED) == []


def test_the_workers_own_voice_is_no_sentence_of_the_callers() -> None:
    """A loudspeaker without echo cancellation: each `one moment` comes back, and proves nothing."""
    call = Call("sound", "always")
    for until_s in (2.6, 22.6):
        call.passes(until_s)
        call.says(60)
    call.passes(80)
    assert call.rig.kinds(Kind.NUDGED, Kind.FAILED) == []


def test_a_caller_who_speaks_over_the_end_of_an_answer_is_not_told_to_wait() -> None:
    """What is loud while the model's sound plays may be that sound, from the caller's loudspeaker."""
    rig = connected(rules=PROACTIVE)
    rig.gemini.answers_pings()
    rig.gemini.answers(seconds=3.0)
    rig.gemini.has_generated()
    rig.passes(1)
    rig.caller.says(1, 110)
    rig.gemini.ends_turn()
    rig.caller.pauses(111, 600)
    assert rig.kinds(Kind.WAITING, Kind.LOST) == []
