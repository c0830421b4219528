"""The figures of a call in its last line of the log."""

from agent.call.record import CallLosses, CallRecord


def test_a_record_shows_faults_only_where_there_were_any() -> None:
    record = CallRecord(room="r", persona="p", turns=2)
    assert record.figures() == {"turns": 2, "interrupted_turns": 0, "tools": {}}
    losses = CallLosses(dropped_chunks=3)
    assert record.figures(losses)["dropped_chunks"] == 3


def test_a_record_counts_the_pictures_that_the_model_was_sent() -> None:
    record = CallRecord(room="r", persona="p")
    assert record.figures(pictures={"camera": 3})["pictures"] == {"camera": 3}
    assert "pictures" not in record.figures(pictures={})


def test_a_record_has_the_calls_length_and_the_median_of_its_response_times() -> None:
    record = CallRecord(room="r", persona="p")
    for response_s in (0.6, None, 2.0, 0.7):
        record.turn_ended(interrupted=False, response_s=response_s)
    assert record.figures(duration_s=43.21) == {
        "duration_s": 43.2,
        "turns": 4,
        "interrupted_turns": 0,
        "tools": {},
        "response_s": 0.7,
    }


def test_a_call_that_another_process_goes_on_with_keeps_its_losses() -> None:
    """As the checkpoint has them, with what this process adds."""
    before = CallLosses({"lost.dropped": 1, "restored.dropped": 1}, dropped_chunks=2, dropped_lines=1)
    saved = CallRecord(room="r", persona="p").saved(before)
    record = CallRecord(room="r", persona="p")
    record.go_on(saved)
    added = CallLosses({"lost.dropped": 2, "connected.process": 1}, dropped_chunks=1, dropped_events=4)
    link = {"lost.dropped": 3, "restored.dropped": 1, "connected.process": 1}
    assert record.losses_before + added == CallLosses(link, dropped_chunks=3, dropped_events=4, dropped_lines=1)
