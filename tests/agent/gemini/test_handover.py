"""The link's decisions, one thing at a time."""

import itertools
import json
import math
from typing import Any

import pytest
from agent.gemini.handover import TICK_S
from agent.gemini.events import Cause, Kind
from agent.gemini.orders import Phase

from agent.gemini import wire
from agent.gemini.messages import read
from tests.agent.gemini.service import (
    CALL,
    RESULT,
    Service,
    answering,
    captions,
    complete,
    connected,
    content,
    heard,
    refuse_for,
    sound_of,
    speak,
    voice,
)

REFUSAL_S = 0.55
"""How long the service takes to say that a session is locked."""
FINAL = [(1007, "API key not valid. Please pass a valid API key."), (1011, "You exceeded your current quota")]


def test_a_planned_end_waits_for_the_end_of_the_sentence_and_a_fresh_handle() -> None:
    service = connected()
    answering(service)
    service.says({"goAway": {"timeLeft": "50s"}})
    service.advance(3)
    assert service.socket == "open", "in mid-sentence"
    complete(service)
    service.says({"sessionResumptionUpdate": {"newHandle": "h2", "resumable": True}})
    service.advance(TICK_S)
    assert service.socket == "closing"
    service.connect()
    assert service.handles == [None, "h2"]
    event = service.events[-1]
    assert (event.kind, event.cause, event.gap_ms, event.replayed_ms) == (Kind.HANDED_OVER, Cause.GOAWAY, 0, 0)
    assert service.texts() == [], "nobody needs to be told"


def test_without_a_fresh_handle_it_waits_a_moment_only() -> None:
    service = connected()
    answering(service)
    service.says({"goAway": {"timeLeft": "50s"}})
    service.advance(1)
    complete(service)
    service.advance(0.5)
    assert service.socket == "open"
    service.advance(0.3)
    assert service.socket == "closing"


def test_a_warning_with_minutes_left_does_not_cut_a_caller_off() -> None:
    service = connected()
    service.says({"goAway": {"timeLeft": "300s"}})
    speak(service, 1, 50)
    service.link.tick(service.now)
    service.act()
    assert service.socket == "open"


def test_the_deadline_forces_the_change_and_the_answer_goes_on() -> None:
    service = connected()
    answering(service, "Once upon a time there was a lighthouse keeper", 3.0)
    service.says({"goAway": {"timeLeft": "4s"}})
    for _ in range(20):
        service.advance(TICK_S)
        service.says(voice(0.2))
    assert service.socket == "open"
    service.advance(1.1)
    assert service.socket == "closing"
    service.connect()
    [reminder] = service.texts()
    assert "cut off" in reminder
    assert "lighthouse keeper" in reminder
    service.says(voice(0.2, " who lived on a rock. "))
    assert captions(service) == "Once upon a time there was a lighthouse keeper who lived on a rock. "
    assert not any("turnComplete" in str(raw) for raw in service.delivered), "one answer, not two"
    assert service.events[-1].kind is Kind.HANDED_OVER


def test_a_connection_grows_old_and_is_changed_when_nobody_speaks() -> None:
    service = connected(oldest_s=20)
    service.advance(21)
    assert service.socket == "closing"
    service.connect()
    assert (service.events[-1].kind, service.events[-1].cause) == (Kind.HANDED_OVER, Cause.AGE)


def test_a_drop_in_the_callers_sentence_loses_no_word() -> None:
    service = connected()
    speak(service, 1, 100)
    service.closes()
    speak(service, 101, 150)
    service.connect()
    for _ in range(30):
        service.now += 0.05
        service.flush()
    assert sound_of(service.sent[1]) == list(range(1, 151)), "all of it, in order, once"
    assert service.texts() == []


def test_what_was_heard_is_not_sent_again() -> None:
    service = connected()
    speak(service, 1, 50)
    speak(service, 51, 80, loud=False)
    service.says(heard("What time is it?"))
    service.says({"voiceActivity": {"type": "ACTIVITY_END"}})
    service.closes()
    service.connect()
    assert sound_of(service.sent[1]) == []
    [reminder] = service.texts()
    assert "What time is it?" in reminder, "but the answer is still owed"


def test_a_replay_is_four_times_as_fast_as_speech() -> None:
    service = connected()
    speak(service, 1, 100)
    service.closes()
    service.connect()
    while not service.link.dialogue.outbox.is_empty:
        service.now += 0.005
        service.flush()
    began = service.events[-1]
    assert began.kind is Kind.RESTORED
    assert began.replayed_ms == pytest.approx(2000)
    assert 0.3 <= service.now - 1000 - 2.0 - 0.1 <= 0.8


def test_silence_is_not_worth_repeating() -> None:
    service = connected()
    speak(service, 1, 50)
    speak(service, 51, 300, loud=False)
    service.closes()
    service.connect()
    for _ in range(40):
        service.now += 0.05
        service.flush()
    sent = [item for item in service.sent[1] if isinstance(item, tuple)]
    assert 50 + 30 <= len(sent) <= 50 + 40, "the words, and the pause that ends a turn"


def test_a_drop_in_the_agents_sentence_is_completed_once() -> None:
    service = connected()
    answering(service, "Once upon a time there was ", 3.0)
    service.closes()
    service.connect()
    [reminder] = service.texts()
    assert "cut off" in reminder
    assert "there was" in reminder
    service.says(voice(1.0, "time there was a lighthouse."))
    complete(service)
    words = [
        raw["serverContent"]["outputTranscription"]["text"] for raw in service.delivered if "outputTranscription" in str(raw)
    ]
    assert "".join(words).split() == ["Once", "upon", "a", "time", "there", "was", "a", "lighthouse."]
    assert sum("turnComplete" in str(raw) for raw in service.delivered) == 1
    restored = service.events[-1]
    assert (restored.kind, restored.during, restored.gap_ms) == (Kind.RESTORED, "agent_speaks", 0), (
        "three seconds were there to play"
    )


def test_an_answer_that_had_come_whole_is_only_played_out() -> None:
    service = connected()
    answering(service)
    service.says(content(generationComplete=True))
    service.closes()
    service.connect()
    assert service.texts() == []
    assert sum("turnComplete" in str(raw) for raw in service.delivered) == 1


def test_the_caller_is_told_when_silence_grows_long() -> None:
    service = connected()
    answering(service, seconds=1.0)
    service.closes()
    refuse_for(service, 3.0)
    assert Kind.WAITING not in [event.kind for event in service.events]
    refuse_for(service, 1.0)
    assert service.kinds(Kind.WAITING) == [Kind.WAITING]
    assert "turnComplete" in str(service.delivered[-1]), "so that something else can be said"
    service.connect()
    assert "cut off" in service.texts()[0], "and the answer is still wanted"


def test_nobody_notices_a_drop_in_silence() -> None:
    service = connected()
    answering(service)
    complete(service)
    service.advance(5)
    service.closes()
    service.connect()
    assert [event.kind for event in service.events[1:]] == [Kind.LOST, Kind.RESTORED]
    assert service.events[-1].gap_ms == 0
    assert service.texts() == []


def test_a_model_that_owes_words_is_reminded_then_changed_then_given_up() -> None:
    service = connected()
    service.link.message(b'{"typed": 1}', service.now, wants_answer=True)
    service.act()
    service.advance(3.1)
    assert service.kinds(Kind.NUDGED) == [Kind.NUDGED]
    assert "no answer" in service.texts()[0]
    service.advance(3.1)
    service.connect()
    service.advance(3.2)
    service.connect()
    assert service.handles == [None, "h1", None]
    assert "so far" in service.texts()[0]
    assert "My number is 42." in service.texts()[0]
    service.advance(3.2)
    assert [event.cause for event in service.events if event.kind is Kind.FAILED] == [Cause.MUTE]


def test_what_was_only_said_aloud_may_have_been_for_somebody_else() -> None:
    service = connected()
    service.says(heard("Honey, where are my keys?"))
    for _ in range(200):
        service.connect() if service.socket in {"closing", "dialing"} else service.advance(TICK_S)
    assert service.kinds(Kind.NUDGED, Kind.FAILED) == [Kind.NUDGED]
    assert len(service.kinds(Kind.LOST)) == 2


def test_an_empty_turn_is_asked_about_once() -> None:
    service = connected()
    service.says(heard("What time is it?"))
    service.says(content(turnComplete=True))
    assert len(service.texts()) == 1
    service.says(content(turnComplete=True))
    service.advance(20)
    assert len(service.texts()) == 1, "it chose to say nothing"
    assert service.kinds(Kind.LOST) == []


def test_an_empty_turn_after_what_was_certainly_asked_is_asked_about_twice() -> None:
    service = connected()
    service.link.message(wire.text("What time is it?"), service.now, wants_answer=True)
    service.act()
    for reminders in (1, 2, 2):
        service.says(content(turnComplete=True))
        assert len(service.kinds(Kind.NUDGED)) == reminders
    service.advance(20)
    assert service.kinds(Kind.NUDGED, Kind.LOST) == [Kind.NUDGED] * 2


def test_each_question_is_asked_about() -> None:
    service = connected()
    service.says(heard("What time is it?"))
    service.says(content(turnComplete=True))
    service.says(voice(1.0, "It is "))
    service.link.message(wire.text("And in Tokyo?"), service.now, wants_answer=True)
    service.act()
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    reminders = len(service.texts())
    service.says(content(turnComplete=True))
    assert len(service.texts()) == reminders + 1


def test_what_was_written_into_an_answer_is_owed_when_that_answer_ends() -> None:
    service = connected()
    answering(service, "It is noon.", 1.0)
    service.link.message(wire.text("And in Tokyo?"), service.now, wants_answer=True)
    service.act()
    service.says(content(generationComplete=True))
    service.says(content(turnComplete=True))
    assert service.kinds(Kind.NUDGED) == [], "it comes next"
    service.advance(20)
    assert Kind.NUDGED in service.kinds(Kind.NUDGED), "and is asked about when it doesn't"


def test_an_interruption_that_nobody_made_is_not_one() -> None:
    service = connected()
    answering(service, "Once upon a time ", 2.0)
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    assert not any("interrupted" in str(raw) or "turnComplete" in str(raw) for raw in service.delivered)
    assert [event.cause for event in service.events if event.kind is Kind.IGNORED] == [Cause.PHANTOM]
    assert "cut off" in service.texts()[0]
    service.says(voice(1.0, "there was a lighthouse."))
    complete(service)
    assert sum("turnComplete" in str(raw) for raw in service.delivered) == 1


def test_what_the_model_is_answering_does_not_interrupt_the_answer() -> None:
    service = connected()
    speak(service, 1, 20)
    speak(service, 21, 45, loud=False)
    answering(service, "Once upon a time ", 2.0)
    service.advance(0.3)
    service.says(content(interrupted=True))
    assert [event.cause for event in service.events if event.kind is Kind.IGNORED] == [Cause.PHANTOM]


def test_who_goes_on_when_the_answer_is_about_to_begin_interrupts_it() -> None:
    service = connected()
    speak(service, 1, 20)
    speak(service, 21, 30, loud=False)
    answering(service, "Once upon a time ", 2.0)
    speak(service, 31, 45, loud=False)
    service.says(content(interrupted=True))
    assert any("interrupted" in str(raw) for raw in service.delivered)


def test_an_interruption_by_the_caller_is_one() -> None:
    service = connected()
    answering(service)
    speak(service, 1, 20)
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    assert any("interrupted" in str(raw) for raw in service.delivered)
    assert service.texts() == []


def test_a_service_may_notice_a_voice_before_we_do() -> None:
    service = connected()
    answering(service)
    speak(service, 1, 1)
    service.says(content(interrupted=True))
    assert any("interrupted" in str(raw) for raw in service.delivered)


def test_a_callers_barge_in_works_without_a_connection() -> None:
    service = connected()
    answering(service, seconds=10.0)
    service.closes()
    speak(service, 1, 40)
    assert "interrupted" in str(service.delivered[-1])
    service.connect()
    assert not any("cut off" in text for text in service.texts())


def test_who_writes_while_there_is_no_connection_ends_the_answer_that_was_cut() -> None:
    service = connected()
    answering(service, seconds=1.0)
    service.closes()
    service.link.message(wire.text("What time is it?"), service.now, wants_answer=True)
    service.act()
    assert "turnComplete" in str(service.delivered[-1]), "the next answer is one by itself"
    service.connect()
    assert not any("cut off" in text for text in service.texts())


@pytest.mark.parametrize("lost", [True, False])
def test_who_writes_into_an_answer_whose_end_never_comes_gets_a_new_one(*, lost: bool) -> None:
    service = connected()
    answering(service, seconds=1.0)
    service.says(content(generationComplete=True))
    service.link.message(wire.text("What time is it?"), service.now, wants_answer=True)
    service.act()
    if lost:
        service.closes()
        service.connect()
    answering(service, "It is noon.", 1.0)
    kinds = ["turnComplete" in str(raw) for raw in service.delivered]
    assert kinds.count(True) == 1
    assert kinds.index(True) < next(at for at, raw in enumerate(service.delivered) if "noon" in str(raw))


def test_another_answer_is_another_though_the_first_never_ended() -> None:
    service = connected()
    answering(service, seconds=1.0)
    service.says(content(generationComplete=True))
    speak(service, 1, 20)
    service.says(heard("And now?"))
    service.says(voice(1.0, "Now it is noon."))
    ends = ["turnComplete" in str(raw) for raw in service.delivered]
    assert ends.index(True) < next(at for at, raw in enumerate(service.delivered) if "noon" in str(raw))


def test_a_call_that_is_made_again_while_it_runs_is_run_once_and_answered_twice() -> None:
    service = connected()
    service.says(CALL)
    service.advance(0.1)
    service.says(CALL)
    [call] = CALL["toolCall"]["functionCalls"]
    service.advance(0.1)
    service.says({"toolCall": {"functionCalls": [{**call, "id": "another"}]}})
    assert sum("toolCall" in raw for raw in service.delivered) == 1
    service.link.tool_responses([{"id": call["id"], "name": call["name"], "response": {"output": 1}}], service.now)
    service.act()
    [answered] = [item["tool_response"]["functionResponses"] for item in service.sent[-1] if "tool_response" in item]
    assert {response["id"] for response in answered} == {call["id"], "another"}


def test_calls_without_an_id_are_run_each_and_answered_by_their_names() -> None:
    """While one of them runs, the next is another; whichever returns first is the one that its name says."""
    service = connected("gemini-2.5-flash-native-audio-preview-12-2025")
    for name in ("book", "look_up", "look_up"):
        service.says({"toolCall": {"functionCalls": [{"name": name, "args": {}}]}})
        service.advance(0.1)
    asked = [raw["toolCall"]["functionCalls"][0]["name"] for raw in service.delivered if "toolCall" in raw]
    assert asked == ["book", "look_up", "look_up"]
    service.closes()
    service.connect()
    service.link.tool_responses([{"name": "look_up", "response": {"output": "found"}}], service.now)
    service.act()
    assert any("look_up({}) returned {'output': 'found'}" in text for text in service.texts())
    assert not any("book({}) returned" in text for text in service.texts())


def test_a_call_with_the_id_of_another_that_runs_is_counted_and_not_run() -> None:
    service = connected()
    service.says(CALL)
    received = read(json.dumps({"toolCall": {"functionCalls": [{"id": "call_1", "name": "cancel"}]}}).encode())
    service.link.received(received, service.now)
    service.act()
    assert sum("toolCall" in raw for raw in service.delivered) == 1
    assert received.unreadable == ["functionCalls.id"]


def test_a_cancellation_without_an_id_cancels_nothing() -> None:
    service = connected()
    service.says({"toolCall": {"functionCalls": [{"name": "book"}]}})
    service.says({"toolCallCancellation": {"ids": [""]}})
    service.link.tool_responses([{"name": "book", "response": {"output": "booked"}}], service.now)
    service.act()
    assert any("tool_response" in item for item in service.sent[0])


def test_two_calls_of_one_message_are_two() -> None:
    service = connected()
    [call] = CALL["toolCall"]["functionCalls"]
    service.says({"toolCall": {"functionCalls": [call, {**call, "id": "another"}]}})
    [asked] = [raw["toolCall"]["functionCalls"] for raw in service.delivered if "toolCall" in raw]
    assert len(asked) == 2


def test_a_result_is_the_first_that_a_resumed_session_hears() -> None:
    service = connected()
    service.says(CALL)
    service.closes()
    service.link.tool_responses([RESULT], service.now)
    speak(service, 1, 10)
    service.connect()
    assert service.sent[1][0] == {"tool_response": {"functionResponses": [RESULT]}}


def test_a_session_that_forgot_the_call_is_told_the_result_in_words() -> None:
    service = connected("gemini-2.5-flash-native-audio-preview-12-2025")
    service.says(CALL)
    service.closes()
    service.connect()
    service.link.tool_responses([RESULT], service.now)
    service.act()
    assert not any("tool_response" in item for item in service.sent[1])
    assert any("booked" in text for text in service.texts())


def test_a_call_that_is_made_again_is_not_run_again() -> None:
    service = connected("gemini-2.5-flash-native-audio-preview-12-2025")
    service.says(CALL)
    service.link.tool_responses([RESULT], service.now)
    service.act()
    service.closes()
    service.connect()
    again = {"toolCall": {"functionCalls": [{"id": "call_9", "name": "book", "args": {"slot": "3pm"}}]}}
    before = len(service.delivered)
    service.says(again)
    assert service.delivered[before:] == []
    assert {"tool_response": {"functionResponses": [{**RESULT, "id": "call_9"}]}} in service.sent[1]


def test_a_cancelled_call_is_not_answered() -> None:
    service = connected()
    service.says(CALL)
    service.says({"toolCallCancellation": {"ids": ["call_1"]}})
    service.link.tool_responses([RESULT], service.now)
    service.act()
    assert not any("tool_response" in item for item in service.sent[0])


def test_a_tool_that_never_returns_is_given_up() -> None:
    service = connected()
    service.says(CALL)
    service.says(content(turnComplete=True))
    service.advance(2.4)
    assert service.kinds(Kind.NUDGED, Kind.WAITING) == []
    service.advance(7.5)
    assert service.kinds(Kind.NUDGED, Kind.WAITING) == [Kind.WAITING], "the caller hears that it takes a moment"
    service.advance(0.3)
    assert [event.cause for event in service.events if event.kind is Kind.NUDGED] == [Cause.TOOL]
    [response] = [item["tool_response"]["functionResponses"][0] for item in service.sent[0] if "tool_response" in item]
    assert (response["id"], "too long" in response["response"]["error"]) == ("call_1", True)
    assert service.delivered[-1] == {"toolCallCancellation": {"ids": ["call_1"]}}, "its work is cancelled"
    service.link.tool_responses([RESULT], service.now)
    service.act()
    assert sum("tool_response" in item for item in service.sent[0]) == 1, "what it returns later is nobody's"


def test_a_locked_session_is_waited_for_before_it_is_given_up() -> None:
    """Often enough that the end of the lock is noticed soon, not more often than a service likes to be asked."""
    service = connected()
    service.closes()
    asked_at: list[float] = []
    while service.handles[-1] is not None or len(service.handles) == 1:
        if service.socket == "dialing":
            asked_at.append(service.now)
            service.upgraded()
            service.advance(REFUSAL_S)
            service.closes(1011, "Internal error encountered.")
        service.advance(TICK_S)
        if service.socket == "closing":
            service.gone()
    *locked, fresh = asked_at
    assert fresh - locked[0] >= 9
    assert sum(at - locked[0] <= 8 for at in locked) <= 8
    assert max(after - before for before, after in itertools.pairwise(locked)) < 1.7


def test_a_dead_handle_costs_one_attempt_and_the_history_is_told() -> None:
    service = connected()
    answering(service)
    complete(service)
    service.closes()
    service.advance(TICK_S)
    service.upgraded()
    service.closes(1008, "BidiGenerateContent session not found")
    service.connect()
    assert service.handles == [None, "h1", None]
    assert "My number is 42." in service.texts()[0]
    restored = service.events[-1]
    assert (restored.kind, restored.with_history, restored.attempts) == (Kind.RESTORED, True, 2)


def test_a_turn_without_its_end_is_ended() -> None:
    service = connected()
    answering(service, seconds=1.0)
    service.says(content(generationComplete=True))
    service.advance(3.5)
    assert not any("turnComplete" in str(raw) for raw in service.delivered)
    service.advance(1.0)
    assert any("turnComplete" in str(raw) for raw in service.delivered)


def test_a_socket_that_is_open_and_dead_is_noticed_by_what_the_caller_says() -> None:
    service = connected()
    service.advance(1)
    speak(service, 1, 75)
    ended = service.now
    while service.socket == "open" and service.now < ended + 10:
        service.advance(TICK_S)
    assert service.now - ended <= 4
    assert [event.cause for event in service.events if event.kind is Kind.LOST] == [Cause.UNACKNOWLEDGED]


@pytest.mark.parametrize("close", FINAL)
@pytest.mark.parametrize("stage", ["setup", "running"])
def test_what_cannot_be_mended_is_said_at_once(close: tuple[int, str], stage: str) -> None:
    service = connected()
    if stage == "setup":
        service.closes()
        service.advance(TICK_S)
        service.upgraded()
    service.closes(*close)
    assert service.events[-1].kind is Kind.FAILED
    assert service.events[-1].cause in {Cause.KEY, Cause.QUOTA}
    assert service.link.phase is Phase.OVER


def test_a_context_that_is_too_long_is_begun_anew_once() -> None:
    service = connected()
    answering(service)
    service.closes(1007, "Request contains an invalid argument.")
    service.connect()
    assert service.handles[-1] is None
    service.closes(1007, "Request contains an invalid argument.")
    assert service.events[-1].kind is Kind.FAILED


def test_a_muted_caller_is_still_owed_the_answer_after_a_drop() -> None:
    service = connected()
    service.says(heard("What time is it?"))
    service.link.microphone_closed()
    speak(service, 1, 1, loud=False)
    service.link.microphone_closed()
    service.act()
    assert {"realtime_input": {"audioStreamEnd": True}} in service.sent[0]
    service.closes()
    service.connect()
    assert any("What time is it?" in text for text in service.texts())


def test_what_is_typed_into_an_answer_is_owed_although_the_old_answer_trails() -> None:
    service = connected()
    answering(service, "Once upon a time there was ", 1.0)
    service.advance(0.3)
    service.link.message(b'{"typed": 1}', service.now, wants_answer=True)
    service.says(voice(0.2, "a lighthouse "))
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    assert service.texts() == [], "the end of the old answer is not an empty one to the new question"
    service.says(voice(0.2, "Well, "))
    service.closes()
    service.connect()
    assert not any("lighthouse" in text for text in service.texts()), "it is the new answer that was cut"


def test_what_is_typed_into_an_answer_and_never_answered_is_asked_about() -> None:
    service = connected()
    answering(service)
    service.advance(0.3)
    service.link.message(b'{"typed": 1}', service.now, wants_answer=True)
    service.says(voice(0.2))
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    service.advance(3.2)
    assert service.kinds(Kind.NUDGED) == [Kind.NUDGED]


def fall(service: Service) -> None:
    """It lets in, and drops at once."""
    service.connect()
    service.advance(0.5)
    service.closes(1011, "The service is currently unavailable.")


def test_a_service_that_lets_in_and_drops_is_not_back() -> None:
    service = connected()
    service.says(voice(0.2))
    complete(service)
    service.advance(20)
    dropped_at = service.now
    service.closes()
    while service.link.phase is not Phase.OVER:
        fall(service)
    assert 60 <= service.now - dropped_at <= 65, "it ends as any other outage does"
    assert len(service.handles) <= 45, "it is asked at a pace"
    assert service.handles[1:4] == ["h1", "h1", None], "twice, then the session itself is taken for broken"


def test_a_connection_that_spoke_is_one_however_short() -> None:
    service = connected()
    for _ in range(5):
        service.closes()
        service.connect()
        service.says(voice(0.2))
        complete(service)
        service.says({"sessionResumptionUpdate": {"newHandle": "h1", "resumable": True}})
    assert service.handles[1:] == ["h1"] * 5
    assert service.kinds(Kind.RETRYING) == []


@pytest.mark.parametrize(("code", "cause"), [(503, None), (None, Cause.REFUSED), (None, Cause.HANDSHAKE)])
def test_a_service_that_is_away_is_asked_less_than_thirty_times_a_minute(code: int | None, cause: Cause | None) -> None:
    service = connected()
    service.advance(20)
    service.closes()
    dialled, until = 0, service.now + 59
    while service.now < until:
        if service.socket == "dialing":
            dialled += 1
            service.socket = "none"
            service.link.failed(service.now, code=code, cause=cause)
        service.advance(TICK_S)
    assert 15 < dialled < 30


@pytest.mark.parametrize("words", ["", "Well, "])
@pytest.mark.parametrize("close", [(None, ""), (1011, "Internal error encountered."), (1007, "Request contains ...")])
def test_connections_that_die_young_are_dialled_ever_less_often_and_not_for_ever(close: Any, words: str) -> None:
    """Whether or not the model had begun to speak each time."""
    service = connected()
    service.advance(20)
    service.closes(*close)
    began_at, dialled = service.now, 0
    while service.link.phase is not Phase.OVER and service.now - began_at < 90:
        if service.socket == "dialing":
            dialled += 1
            service.connect()
            if words:
                service.says(voice(0.2, words))
            service.says({"sessionResumptionUpdate": {"newHandle": "h2", "resumable": True}})
            service.advance(0.2)
            service.closes(*close)
        service.gone() if service.socket == "closing" else service.advance(TICK_S)
    assert [event.kind for event in service.events][-1] is Kind.FAILED
    assert service.now - began_at <= 70
    assert dialled <= 40


@pytest.mark.parametrize("left", ["0s", "50s"])
def test_a_service_that_warns_each_new_connection_at_once_is_not_asked_for_one_after_the_other(left: str) -> None:
    service = connected()
    for _ in range(600):
        if service.socket == "dialing":
            service.connect()
            service.says({"goAway": {"timeLeft": left}})
        service.gone() if service.socket == "closing" else service.advance(TICK_S)
        if service.socket == "open" and len(service.sent) == 1:
            service.says({"goAway": {"timeLeft": left}})
    assert len(service.handles) <= 35


def test_a_connection_that_was_replaced_for_the_workers_own_sake_did_not_die_young() -> None:
    service = connected()
    for _ in range(10):
        service.link.replace(service.now)
        service.act()
        service.gone()
        service.connect()
    assert service.link.phase is Phase.OPEN
    assert service.now - 1000 < 2


def test_the_same_call_after_a_handover_is_another_call() -> None:
    service = connected()
    service.closes()
    service.connect()
    for number in range(3):
        service.advance(1)
        service.says({"toolCall": {"functionCalls": [{"id": f"key_{number}", "name": "press", "args": {"key": "1"}}]}})
        assert "toolCall" in service.delivered[-1], "it is run"
        service.link.tool_responses([{"id": f"key_{number}", "name": "press", "response": {"output": "pressed"}}], service.now)
        service.act()
        service.says(content(turnComplete=True))


def test_an_answer_that_stalls_is_asked_to_go_on_from_what_was_heard_until_the_end() -> None:
    service = connected()
    answering(service, "Once upon a time there was a lighthouse", 3.0)
    for expected in (2, 3):
        while len(service.sent) < expected and not any("cut off" in text for text in service.texts()):
            service.advance(TICK_S)
            service.flush()
        [reminder] = service.texts()
        assert "lighthouse" in reminder
        assert service.kinds(Kind.WAITING), "the caller was told meanwhile"
        service.says(content(interrupted=True))  # what was being generated ends by the reminder
        service.says(content(turnComplete=True))
        while service.socket == "open":
            service.advance(TICK_S)
        service.connect()
        service.flush()
    while service.link.phase is not Phase.OVER:
        service.advance(TICK_S)
        service.connect() if service.socket != "open" else None
    assert service.events[-1].cause is Cause.MUTE
    assert captions(service) == "Once upon a time there was a lighthouse", "and nothing of it twice"


def test_a_cough_that_the_service_ignored_does_not_stand_for_a_question() -> None:
    service = connected()
    answering(service, "Once upon a time there was a lighthouse", 6.0)
    speak(service, 1, 15)
    speak(service, 16, 100, loud=False)
    service.closes()
    service.connect()
    service.flush()
    [asked] = [item["client_content"] for item in service.sent[-1] if isinstance(item, dict) and "client_content" in item]
    assert asked["turnComplete"], "the model goes on at once"


def test_a_caller_whom_nobody_hears_is_heard_by_another_socket_and_then_by_another_session() -> None:
    service = connected()
    service.answers_pings = True
    for number in range(4):
        speak(service, 1000 * number, 1000 * number + 50)
        service.advance(25)
        if service.socket == "closing":
            service.connect()
    assert service.handles == [None, "h1", None]
    assert {event.cause for event in service.events if event.kind is Kind.LOST} == {Cause.UNACKNOWLEDGED}


PARTIAL = ["gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025", "unknown"]


@pytest.mark.parametrize("model", PARTIAL)
def test_what_a_handle_does_not_cover_is_told_again(model: str) -> None:
    """The handle is older than the turn: the session that it restores knows neither the question nor the answer."""
    service = connected(model)
    service.says(heard("My name is Ada."))
    service.says(voice(3.0, "Nice to meet you, Ada."))
    service.says(content(generationComplete=True))
    service.closes()
    service.connect()
    service.flush()
    [told] = service.texts()
    assert "Caller: My name is Ada." in told
    assert "You: Nice to meet you, Ada." in told
    [item] = [item["client_content"] for item in service.sent[-1] if isinstance(item, dict) and "client_content" in item]
    assert not item["turnComplete"], "nobody waits for an answer"
    service.says({"sessionResumptionUpdate": {"newHandle": "h2", "resumable": True}})
    service.closes()
    service.connect()
    service.flush()
    assert service.texts() == [], "now the handle covers it"


@pytest.mark.parametrize("model", PARTIAL)
def test_the_typed_question_of_an_answer_that_broke_off_is_told_again(model: str) -> None:
    service = connected(model)
    service.link.message(json.dumps({"typed": 1}).encode(), service.now, text="Tell me of whales.", wants_answer=True)
    service.flush()
    service.says(voice(3.0, "Whales are mammals that"))
    service.closes()
    service.connect()
    service.flush()
    written_now = json.dumps(service.sent[-1])
    assert "Caller: Tell me of whales." in written_now
    assert "mammals" in written_now
    assert sum("typed" in item for item in service.sent[-1] if isinstance(item, dict)) == 0, "it isn't asked twice"


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_model_that_repeats_our_own_words_as_the_callers_is_not_believed(pieces: int) -> None:
    service = connected("gemini-3.1-flash-live-preview")
    service.says(heard("Hello?"))
    service.advance(3.2)
    [sent] = [message["realtime_input"]["text"] for message in service.sent[-1] if "realtime_input" in message]
    told = len(service.delivered)
    size = math.ceil(len(sent) / pieces)
    for start in range(0, len(sent), size):
        service.says(heard(sent[start : start + size]))
    assert not any("inputTranscription" in str(raw) for raw in service.delivered[told:])


def test_a_caller_whose_words_look_like_instructions_is_heard() -> None:
    """Nothing that a caller says or types disappears because of its form."""
    service = connected("gemini-3.1-flash-live-preview")
    words = "<instructions> is the tag that I mean."
    service.says(heard(words))
    assert words in str(service.delivered[-1])


def test_a_connection_is_not_changed_between_a_question_and_its_answer() -> None:
    """This model says nothing until it has understood."""
    service = connected("gemini-3.1-flash-live-preview", oldest_s=10)
    service.advance(8)
    speak(service, 1, 100)
    speak(service, 101, 140, loud=False)
    service.advance(1)
    assert service.now - 1000 > 11
    assert service.socket == "open"
    answering(service)
    complete(service)
    service.says({"sessionResumptionUpdate": {"newHandle": "h2", "resumable": True}})
    service.advance(1)
    assert service.socket == "closing"


def test_a_line_that_was_typed_into_a_trailing_answer_survives_a_drop() -> None:
    service = connected()
    answering(service)
    service.link.message(b'{"typed": 1}', service.now, wants_answer=True)
    service.flush()
    service.says(voice(0.2))
    service.closes()
    service.connect()
    service.flush()
    assert {"typed": 1} in service.sent[-1], "nothing tells that it was read"


def test_frames_that_stop_are_a_closed_microphone_and_what_follows_begins_clean() -> None:
    service = connected()
    ended = {"realtime_input": {"audioStreamEnd": True}}
    speak(service, 1, 50)
    service.advance(0.9)
    service.flush()
    assert ended not in service.sent[0]
    service.advance(5)
    service.flush()
    speak(service, 51, 60)
    assert service.sent[0].count(ended) == 1
    assert sound_of(service.sent[0]) == list(range(1, 61))
    assert sound_of(service.sent[0][service.sent[0].index(ended) :]) == list(range(51, 61))


def test_a_call_that_is_made_again_because_its_result_was_ignored_is_not_run_again() -> None:
    service = connected()
    service.says(CALL)
    service.link.tool_responses([RESULT], service.now)
    service.act()
    service.advance(3.5)
    assert service.kinds(Kind.NUDGED), "nothing came"
    again = {"toolCall": {"functionCalls": [{"id": "call_2", "name": "book", "args": {"slot": "3pm"}}]}}
    before = len(service.delivered)
    service.says(again)
    service.flush()
    assert service.delivered[before:] == []
    assert {"tool_response": {"functionResponses": [{**RESULT, "id": "call_2"}]}} in service.sent[0]
    service.advance(1)
    service.says(again)
    assert service.delivered[before:] == [], "the same message once more"
    again["toolCall"]["functionCalls"][0]["id"] = "call_3"
    service.says(again)
    assert "toolCall" in service.delivered[-1], "the caller wants it twice"


def test_a_short_end_of_an_answer_that_was_cut_is_its_end() -> None:
    service = connected()
    answering(service)
    service.closes()
    service.connect()
    service.flush()
    service.says(voice(0.3, " keeper."))
    complete(service)
    service.advance(10)
    assert service.kinds(Kind.NUDGED) == []


def test_the_end_of_an_empty_answer_is_none_of_the_next() -> None:
    service = connected()
    service.says(heard("What time is it?"))
    service.says(content(generationComplete=True))
    service.closes()
    service.connect()
    service.says(voice(0.4, "It is noon."))
    told = [raw["serverContent"] for raw in service.delivered if "serverContent" in raw]
    assert not any("generationComplete" in each for each in told), "none of an answer had come"
    assert captions(service) == "It is noon."
