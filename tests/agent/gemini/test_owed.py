"""What the model owes is never forgotten: every question is answered, asked about, or told again."""

import pytest
from agent.gemini.handover import TICK_S
from agent.gemini.events import Cause, Kind

from tests.agent.gemini.service import CALL, CHUNK_S, RESULT, answering, connected, content, heard, speak, voice


@pytest.mark.parametrize("drops", [True, False])
def test_a_question_after_an_answer_without_an_end_is_owed_one(drops: bool) -> None:
    service = connected()
    service.says(voice(words="It is three."))
    service.says(content(generationComplete=True))
    service.advance(1.0)
    for number in range(50):
        service.now += CHUNK_S
        service.hears(number, loud=True)
    service.says(heard("And in Tokyo?"))
    if drops:
        service.closes(1011, "Internal error encountered.")
        service.connect()
    service.advance(4.0)
    assert "And in Tokyo?" in service.texts()[0]
    service.says(voice(words="Eleven."))
    assert {"serverContent": {"turnComplete": True}} in service.delivered, "the answer before it is over"


def test_a_question_that_was_understood_is_told_to_a_session_that_forgot_it_though_the_caller_goes_on() -> None:
    service = connected()
    speak(service, 1, 50)
    service.says(heard("What time is it?"))
    service.closes()
    speak(service, 51, 80)
    service.advance(TICK_S)
    service.upgraded()
    service.closes(1008, "BidiGenerateContent session not found")
    service.connect()
    service.flush()
    [told] = service.texts()
    assert "Caller: What time is it?" in told


def test_a_question_that_nobody_answers_is_not_a_loss_for_ever() -> None:
    service = connected()
    service.says(heard("Honey, where are my keys?"))
    for _ in range(200):
        service.connect() if service.socket in {"closing", "dialing"} else service.advance(TICK_S)
    assert service.kinds(Kind.LOST, Kind.RESTORED) == [Kind.LOST, Kind.RESTORED] * 2


def test_what_is_said_again_to_a_session_that_hears_nothing_is_said_to_another() -> None:
    service = connected()
    service.answers_pings = True
    speak(service, 1, 50)
    service.closes()
    service.connect()
    for _ in range(500):
        service.connect() if service.socket in {"closing", "dialing"} else service.advance(TICK_S)
    assert [event.cause for event in service.events if event.kind is Kind.LOST] == [
        Cause.DROPPED,
        Cause.UNACKNOWLEDGED,
        Cause.UNACKNOWLEDGED,
    ]
    assert service.handles[-1] is None, "a new session"


def test_a_caller_whose_end_nobody_notices_is_answered() -> None:
    service = connected()
    service.says({"voiceActivity": {"type": "ACTIVITY_START"}})
    speak(service, 1, 50)
    service.advance(5)
    assert service.kinds(Kind.NUDGED) == []
    service.advance(2)
    assert service.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_who_says_hello_again_and_again_does_not_put_the_alarm_off() -> None:
    service = connected()
    for number in range(6):
        speak(service, 1000 * number, 1000 * number + 25)
        service.says(heard("Hello?"))
        service.advance(2.0)
    assert service.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_a_call_that_the_service_drops_for_the_caller_and_makes_again_is_run_once() -> None:
    service = connected("gemini-3.1-flash-live-preview")
    service.says(heard("Book three o'clock."))
    service.says(CALL)
    speak(service, 1, 25)
    service.says(content(interrupted=True))
    service.says(content(turnComplete=True))
    service.link.tool_responses([RESULT], service.now)
    service.act()
    service.advance(0.5)
    before = len(service.delivered)
    service.says({"toolCall": {"functionCalls": [{"id": "call_2", "name": "book", "args": {"slot": "3pm"}}]}})
    assert service.delivered[before:] == []
    assert {"tool_response": {"functionResponses": [{**RESULT, "id": "call_2"}]}} in service.sent[0]


def test_a_call_that_comes_twice_at_once_is_run_once() -> None:
    service = connected()
    service.says(CALL)
    service.says(CALL)
    assert sum("toolCall" in raw for raw in service.delivered) == 1


def test_a_caller_who_says_hm_while_there_is_no_connection_still_hears_the_result() -> None:
    service = connected()
    answering(service, "One moment, please.", seconds=3.0)
    service.says(content(generationComplete=True))
    service.says(CALL)
    service.link.tool_responses([RESULT], service.now)
    service.act()
    service.closes()
    speak(service, 1, 20)
    service.connect()
    assert any("booked" in text for text in service.texts())


def test_a_barge_in_into_what_was_played_out_needs_no_service() -> None:
    service = connected()
    answering(service, seconds=10.0)
    service.says(content(generationComplete=True))
    service.closes()
    service.connect()
    speak(service, 1, 40)
    assert "interrupted" in str(service.delivered[-1])


def test_a_result_for_a_call_that_the_new_session_does_not_know_is_told_in_words() -> None:
    service = connected()
    service.says(CALL)
    service.link.is_stalled = True
    service.link.tool_responses([RESULT], service.now)
    service.act()
    service.closes(1008, "BidiGenerateContent session not found")
    service.advance(TICK_S)
    service.upgraded()
    service.closes(1008, "BidiGenerateContent session not found")
    service.connect()
    service.flush()
    assert not any("tool_response" in item for item in service.sent[-1])
    assert any("booked" in text for text in service.texts())
