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
