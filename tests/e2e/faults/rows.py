"""The faults, row by row: how each is made and what a caller may notice of it.

Numbers and names are those of a longer list of faults that the project was planned by; a letter marks a variant.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.faults import acts, drained, killed, starved
from tests.e2e.faults.acts import Act
from tests.e2e.faults.bounds import TOLD_WITHIN_S, Bounds
from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.restarted import (
    ASKS_AFTER_S,
    AWAY_S,
    BACK_WITHIN_S,
    KILLED,
    STOPPED,
    livekit_away,
    livekit_away_in_answer,
)
from tests.e2e.faults.rig import PATIENT, Rig
from tests.e2e.faults.sentences import FIRST, QUESTIONS, REMINDED, RESULT
from tests.e2e.faults.tones import MARKER_S
from tests.e2e.faults.vanishing import caller_never_back

_KEY = "API key not valid. Please pass a valid API key."
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_VOICE_BACK_MS = 2000.0
"""After a loss in mid-sentence that nobody announced."""
_LOSS = frozenset({"dropped", "closed"})
_REFUSED, _UNREACHABLE = "model_refused", "model_unreachable"


@dataclass(frozen=True)
class Row:
    number: str
    name: str
    what: str
    """What is broken, for the table."""
    act: Act | None
    bounds: Bounds
    before: tuple[Mapping[str, Any], ...] = ()
    """Faults of the emulator that are there before the caller."""
    agent: str = "earshot"
    switched: tuple[str, ...] = ()
    """What tools did, each time that they did it."""
    in_test: bool = False
    """Worth a place in `make test` or `make long`; test_rows.py says in which."""
    alone: Callable[[Rig, str], Awaitable[Verdict]] | None = None
    """Instead of the act: a run without a caller who could be asked."""
    note: str = field(default="", kw_only=True)
    """What a reader of the table has to know; what differs from the list."""


def _because(*causes: str, **bounds: Any) -> Bounds:
    return Bounds(causes=frozenset(causes), **bounds)


_LASTS = {"socket": "on this socket", "session": "in this session", "always": "for good"}
_KEEPS = {
    "sound": "takes the caller's sound and shows nothing",
    "text": "hears nothing, and answers what is typed",
    "transcript": "transcribes and doesn't speak",
    "voice": "answers and transcribes nothing",
}
_UNHEARD = _because("unacknowledged", wait_s=9.0, told_s=TOLD_WITHIN_S)
_UNANSWERED = _because("unanswered", wait_s=11.0, silent_s=60.0)
"""The model may mean to be silent: nobody is told to wait."""


def _deaf(number: str, keeps: str, lasts: str, act: Act, bounds: Bounds, **more: Any) -> Row:
    return Row(number, f"keeps_{keeps}_{lasts}", f"the service {_KEEPS[keeps]}, {_LASTS[lasts]}", act, bounds, **more)


def _deaf_rows() -> Iterator[Row]:
    """What the service still does, and for how long it does no more; how often the caller says something until they get on."""
    for number, keeps in (("40", "sound"), ("41", "text")):
        once, twice = (acts.deaf(keeps, lasts, times=times, owed=FIRST) for lasts, times in (("socket", 1), ("session", 2)))
        yield _deaf(number, keeps, "socket", once, _UNHEARD, in_test=keeps == "sound")
        yield _deaf(f"{number}b", keeps, "session", twice, _UNHEARD)
    end = replace(_UNHEARD, named=frozenset({"mute"}), ended="no_answer")
    yield _deaf("40c", "sound", "always", acts.deaf_and_mute, end)
    says_so = acts.deaf("text", "always", times=3, owed=REMINDED)
    yield _deaf("41c", "text", "always", says_so, replace(_UNHEARD, wait_s=15.0), note="the model says that it hears nothing")
    by_socket, by_session = (
        acts.deaf("transcript", lasts, times=times, owed=REMINDED) for lasts, times in (("socket", 2), ("session", 4))
    )
    yield _deaf(
        "42", "transcript", "socket", by_socket, _UNANSWERED, note="3.8 may be silent on purpose: nobody is told to wait"
    )
    yield _deaf("42b", "transcript", "session", by_session, _UNANSWERED, note="as row 42")
    yield _deaf("42c", "transcript", "always", acts.mute, _UNANSWERED, note="as row 42; in the end the model speaks again")
    for number, lasts in (("43", "socket"), ("43b", "session"), ("43c", "always")):
        yield _deaf(number, "voice", lasts, acts.deaf("voice", lasts, times=1, owed=FIRST), Bounds(connections=1))


_BACK_IN_ROOM = Bounds(causes=None, back_s=BACK_WITHIN_S + ASKS_AFTER_S + len(QUESTIONS[1]) * MARKER_S)

ROWS = (
    Row("0", "nothing", "no fault at all: the control", acts.nothing, Bounds(connections=1), in_test=True),
    Row(
        "1",
        "goaway_mid_sentence",
        "GoAway, 10 s left, at the beginning of an answer; the caller goes on during the change",
        acts.goaway_mid_sentence,
        _because("goaway", connections=2),
        in_test=True,
    ),
    Row(
        "1b",
        "goaway_caller_speaking",
        "GoAway, 6 s left, and the caller speaks when they are over",
        acts.goaway_caller_speaking,
        _because("goaway", connections=2),
    ),
    Row(
        "2",
        "goaway_no_pause",
        "GoAway, 2 s left, in a story that lasts longer",
        acts.goaway_no_pause,
        _because("goaway", repeated_s=1.0),
        note="a story of 8 s and a deadline of 2 s instead of 30 s and 4 s: it comes at four times its pace",
    ),
    Row(
        "3",
        "goaway_silent",
        "after the GoAway, 3 s left, nothing comes any more",
        acts.goaway_silent,
        _because("goaway", gap_ms=_VOICE_BACK_MS, repeated_s=1.0),
        note="what the service has not sent can't be played: the pause lasts until the deadline, and the answer is completed",
    ),
    Row("4", "abrupt_drop_idle", "TCP reset while nobody speaks", acts.abrupt_drop_idle, Bounds(causes=_LOSS)),
    Row(
        "4b",
        "abrupt_drop_before_speech",
        "TCP closed without a close frame, and the caller speaks at once",
        acts.abrupt_drop_before_speech,
        Bounds(causes=_LOSS, over_s=1.5),
    ),
    Row(
        "5",
        "abrupt_drop_agent_speaking",
        "TCP reset at the beginning of an answer",
        acts.abrupt_drop_agent_speaking,
        Bounds(causes=_LOSS, gap_ms=_VOICE_BACK_MS, repeated_s=1.0),
        in_test=True,
    ),
    Row(
        "6",
        "abrupt_drop_caller_speaking",
        "TCP reset in the middle of a question of 5 s",
        acts.abrupt_drop_caller_speaking,
        Bounds(causes=_LOSS, over_s=1.5),
        in_test=True,
    ),
    Row(
        "7",
        "resume_locked",
        "TCP reset, and each resume is refused with 1011 for 8 s; the caller asks meanwhile",
        acts.resume_locked,
        Bounds(causes=_LOSS, named=frozenset({"locked"}), wait_s=10.0),
    ),
    Row(
        "8",
        "handle_dead",
        "TCP reset, and the service knows the session no more; the caller asks meanwhile",
        acts.handle_dead,
        Bounds(causes=_LOSS, named=frozenset({"handle"}), wait_s=3.0),
        in_test=True,
    ),
    Row(
        "9",
        "handshake_refused",
        "TCP reset; two TLS handshakes fail, one upgrade is answered 503",
        acts.handshake_refused,
        Bounds(causes=_LOSS, named=frozenset({"unavailable"}), wait_s=6.0),
    ),
    Row(
        "9b",
        "gemini_away_shortly",
        "TCP reset, and nobody listens for 2.5 s",
        acts.gemini_away(2.5),
        Bounds(causes=_LOSS, named=frozenset({"refused"}), wait_s=6.0, back_s=1.0),
    ),
    Row(
        "10",
        "gemini_away",
        "TCP reset, and nobody listens for 30 s; the caller asks meanwhile",
        acts.gemini_away(30),
        Bounds(causes=_LOSS, named=frozenset({"refused"}), wait_s=35.0, back_s=1.0, told_s=TOLD_WITHIN_S),
        note="30 s instead of 5 minutes, and an answer within 1 s of the return: a closed port is asked ten times a second",
    ),
    Row(
        "10b",
        "gemini_gone",
        "TCP reset, and nobody listens ever again",
        acts.gemini_gone,
        Bounds(
            causes=_LOSS, named=frozenset({"refused", "unreachable"}), wait_s=80.0, told_s=TOLD_WITHIN_S, ended=_UNREACHABLE
        ),
        note="the same for good",
    ),
    Row(
        "11",
        "setup_never_completes",
        "the first setup is never answered",
        acts.setup_never_completes,
        _because("setup", greeting_s=12.0, connections=2),
        before=({"name": "setup_complete_never"},),
    ),
    Row(
        "12",
        "silent_model",
        "the caller's question is not answered",
        acts.silent_model,
        _because("unanswered", wait_s=6.0, silent_s=6.0),
        in_test=True,
        note="a sentence of the worker's is allowed, and not asked for",
    ),
    Row(
        "12b",
        "empty_turn",
        "the caller's question is answered by an empty turn",
        acts.empty_turn,
        _because("unanswered", "hanging", wait_s=6.0),
    ),
    Row(
        "13",
        "half_open",
        "the socket takes what is sent, and nothing comes",
        acts.half_open,
        _because("unacknowledged", "pongs", "unanswered", wait_s=6.0, silent_s=6.0),
        note="as row 12; the session may be a new one, if it was told what was said",
    ),
    Row(
        "14",
        "phantom_interrupt",
        "`interrupted` in a story, though nobody spoke",
        acts.phantom_interrupt,
        _because("phantom", gap_ms=4000, repeated_s=1.0, silent_s=4.0),
    ),
    Row(
        "14b",
        "phantom_interrupt_early",
        "`interrupted` at the beginning of an answer, 1 s after the caller's last word",
        acts.phantom_interrupt_early,
        _because("phantom", gap_ms=4000, repeated_s=1.0, silent_s=4.0),
    ),
    Row(
        "15",
        "stalled_audio",
        "nothing comes for 7 s in mid-sentence",
        acts.stalled_audio,
        _because("unanswered", "hanging", gap_ms=8000),
    ),
    Row("15b", "bursty_audio", "all of an answer comes at once, and the caller interrupts it", acts.bursty_audio, Bounds()),
    Row("15c", "slow_audio", "an answer comes at 0.8 times its pace", acts.slow_audio, Bounds(gap_ms=250)),
    Row(
        "16",
        "tool_lost",
        "TCP reset while a tool runs that takes 3 s",
        acts.tool_lost,
        Bounds(causes=_LOSS, wait_s=8.0),
        agent="tools",
        switched=("slow",),
        in_test=True,
    ),
    Row(
        "16b",
        "tool_ignored",
        "a tool's result is ignored",
        acts.tool_ignored,
        _because("unanswered", wait_s=10.0),
        agent="tools",
        switched=("slow",),
    ),
    Row(
        "17",
        "fatal_close",
        "1007, the key is not valid, while nobody speaks",
        acts.fatal_close(1007, _KEY, "start"),
        _because("key", told_s=TOLD_WITHIN_S, ended=_REFUSED, connections=1),
        in_test=True,
    ),
    Row(
        "17b",
        "fatal_quota",
        "1011, the quota is used up, when the caller has asked",
        acts.fatal_close(1011, _QUOTA, "thinking"),
        _because("quota", told_s=TOLD_WITHIN_S, ended=_REFUSED, wait_s=30.0, connections=1),
    ),
    Row(
        "17c",
        "fatal_from_the_start",
        "1007, the key is not valid, at the setup",
        acts.fatal_from_the_start,
        _because("key", told_s=TOLD_WITHIN_S + 1, ended=_REFUSED, connections=1),
        before=({"name": "close", "code": 1007, "reason": _KEY, "at": "setup", "times": 0},),
        note="the caller's ear is there about a second after the caller",
    ),
    Row(
        "20",
        "caller_never_back",
        "the caller's process is killed; the wait is that for the end of the call",
        None,
        Bounds(),
        alone=caller_never_back,
        note="livekit-server takes some 20 s to notice, then the worker waits 3 s for the caller to return",
    ),
    Row(
        "21",
        "agent_signal_drop",
        "the agent's signalling socket is reset, its media not",
        acts.agent_signal_drop,
        Bounds(),
        note="LiveKit's client loses up to 0.2 s of sound when it takes up its signalling again, in its own example as well",
    ),
    Row(
        "24",
        "sfu_restart",
        "SIGTERM and `kill -9` of livekit-server while nobody speaks; it is back after 2 s, and the caller asks when both are",
        livekit_away(STOPPED, AWAY_S),
        _BACK_IN_ROOM,
        agent=PATIENT,
        note="after its return: until both are in the room again, one second, a question of 2 s, the usual wait. After SIGTERM "
        "livekit-server waits for empty rooms, and a supervisor kills it. A second SIGTERM sends everybody away (L412)",
    ),
    Row(
        "24b",
        "sfu_killed_agent_speaking",
        "`kill -9` of livekit-server in a long answer; it is back after 2 s",
        livekit_away_in_answer,
        Bounds(
            causes=None, gap_ms=1000 * (AWAY_S + BACK_WITHIN_S), silent_s=AWAY_S + BACK_WITHIN_S, repeated_s=1.5, in_flight=5
        ),
        note="the pause is that without a server and that until both are back; nobody can be told of it meanwhile",
    ),
    Row(
        "25",
        "sfu_killed",
        "`kill -9` of livekit-server while nobody speaks; it is back after 10 s, and the caller asks when both are",
        livekit_away(KILLED, 10),
        _BACK_IN_ROOM,
        agent=PATIENT,
        note="as row 24",
    ),
    Row(
        "26",
        "job_killed",
        "`kill -9` of the process of the call in an answer",
        killed.job_killed,
        Bounds(causes=None, gap_ms=4000, silent_s=4.5, repeated_s=1.5, in_flight=5),
        note="the words that were lost were on their way to the ear when the process died; those since the last checkpoint are "
        "said again",
    ),
    Row(
        "27",
        "worker_killed",
        "`kill -9` of a worker with a call; another worker runs",
        None,
        Bounds(),
        alone=killed.worker_killed,
        note="the pause is the silence from the kill to the voice; with leases in Redis a lost worker is noticed after 2.5 s",
    ),
    Row(
        "28",
        "worker_killed_alone",
        "`kill -9` of the only worker, which is started again after 3 s",
        None,
        Bounds(),
        alone=killed.worker_killed_alone,
        note="as row 27; the worker needs some seconds to start",
    ),
    Row(
        "29",
        "worker_drain",
        "SIGTERM for a worker with three calls, each of which hears a long answer; another worker gets the next caller",
        None,
        Bounds(),
        alone=drained.worker_drain,
        note="the worker ends with exit code 0 when its last caller has left",
    ),
    Row(
        "29b",
        "worker_hurried",
        "two SIGTERMs for a worker with a call in a long answer; another worker runs",
        None,
        Bounds(),
        alone=drained.worker_hurried,
        note="the worker ends within 10 s; the words that were lost were on their way to the ear, as in row 26",
    ),
    Row(
        "30",
        "loop_blocked",
        "a tool blocks the event loop for 3 s",
        acts.switching("blocking switch", RESULT),
        Bounds(causes=None, wait_s=6.0, tools_run=True),
        agent="tools",
        switched=("blocking",),
        note="the tool is a careless coroutine, and nothing can be said while it blocks the loop; the result goes out at once "
        "afterwards, and LiveKit's log names the line that blocked",
    ),
    Row(
        "30b",
        "tool_in_thread",
        "a tool blocks for 3 s, in a thread",
        acts.switching("threaded switch", RESULT),
        _because("tool", wait_s=6.0),
        agent="tools",
        switched=("threaded",),
        note="`@tool_options(thread=True)` above the tool; the caller is told that it takes a moment",
    ),
    Row(
        "30c",
        "tool_endless",
        "a tool never returns",
        acts.switching("endless switch", RESULT),
        _because("tool", wait_s=13.0),
        agent="tools",
        switched=("endless",),
    ),
    Row(
        "31",
        "cpu_starved",
        "programs that never rest, two for each core, while the worker has its only call; a further caller asks for a token",
        None,
        Bounds(),
        alone=starved.cpu_starved,
        note="the further caller is told within 3 s that all places are taken. A busy CPU alone refuses nobody",
    ),
    Row(
        "31b",
        "disk_full",
        "the disk of recordings and checkpoints is full from the middle of a call on",
        None,
        Bounds(),
        alone=starved.disk_full,
        note="the log says that the recording has stopped and that no other process could go on with the call",
    ),
    *_deaf_rows(),
)
BY_NUMBER = {row.number: row for row in ROWS}
COMPARED = ("1", "5", "9b", "12", "21")
"""Also run against LiveKit's own example: what it loses, and whether row 21 costs it the same."""
