"""The lines of a transcript, with their times."""

from agent.call.transcript_lines import SpokenLine, TranscriptLines


def test_an_answer_has_the_times_of_its_sound() -> None:
    lines = TranscriptLines()
    lines.agent_sound_starts(1.0)
    lines.agent_text("Hello, ", 1.1)
    lines.agent_text("caller.", 1.6)
    assert lines.agent_text_ends() == []
    assert lines.agent_sound_ends(2.0, interrupted=False) == [
        SpokenLine(by_caller=False, text="Hello, caller.", start=1.0, end=2.0)
    ]


def test_an_answer_that_is_cut_has_the_words_before_the_cut_and_who_cut_it() -> None:
    lines = TranscriptLines()
    lines.agent_sound_starts(1.0)
    lines.agent_text("Once upon", 1.2)
    lines.caller_voice(2.0, None)
    assert lines.agent_text_ends() == []
    [story] = lines.agent_sound_ends(2.3, interrupted=True)
    lines.caller_voice(2.0, 3.0)
    [stop] = lines.caller_said("Stop.", 3.5)
    assert (story.text, story.end, story.interrupted) == ("Once upon", 2.3, True)
    assert (stop.start, stop.end, stop.interrupts) == (2.0, 3.0, True)


def test_a_caller_who_speaks_after_the_answer_interrupts_nobody() -> None:
    lines = TranscriptLines()
    lines.agent_sound_starts(1.0)
    lines.agent_text("Hello.", 1.2)
    lines.agent_sound_ends(2.0, interrupted=False)
    lines.caller_voice(2.2, None)
    lines.caller_voice(2.2, 3.0)
    [line] = lines.caller_said("Hi.", 3.5)
    assert not line.interrupts


def test_a_turn_has_all_of_the_callers_voice_since_the_last_one() -> None:
    """A pause of a second is within the turn; a cough long before isn't."""
    lines = TranscriptLines()
    for start, end in ((1.0, 1.1), (20.0, 21.0), (22.0, 23.0)):
        lines.caller_voice(start, None)
        lines.caller_voice(start, end)
    [line] = lines.caller_said(" I think, well, yes. ", 24.0)
    assert (line.start, line.end, line.text) == (20.0, 23.0, "I think, well, yes.")
    assert lines.caller_said("  ", 25.0) == []


def test_words_without_sound_have_the_times_at_which_they_came() -> None:
    lines = TranscriptLines()
    lines.agent_text("Hello, ", 1.0)
    lines.agent_text("reader.", 1.5)
    assert lines.agent_text_ends() == [SpokenLine(by_caller=False, text="Hello, reader.", start=1.0, end=1.5)]


def test_a_sound_that_ends_before_its_last_words_waits_for_them() -> None:
    lines = TranscriptLines()
    lines.agent_sound_starts(1.0)
    lines.agent_text("Good", 1.1)
    assert lines.agent_sound_ends(2.0, interrupted=False) == []
    lines.agent_text("bye.", 2.01)
    assert lines.agent_text_ends() == [SpokenLine(by_caller=False, text="Goodbye.", start=1.0, end=2.0)]


def test_the_end_of_the_call_ends_what_is_being_said() -> None:
    lines = TranscriptLines()
    lines.agent_sound_starts(1.0)
    lines.agent_text("Once upon", 1.2)
    assert lines.over(3.0) == [SpokenLine(by_caller=False, text="Once upon", start=1.0, end=3.0, interrupted=True)]
    assert lines.over(4.0) == []


def test_what_is_typed_is_a_line_of_its_own() -> None:
    [line] = TranscriptLines().caller_typed("4 2", 5.0)
    assert (line.text, line.start, line.typed) == ("4 2", 5.0, True)


def test_half_a_surrogate_pair_is_replaced() -> None:
    lines = TranscriptLines()
    lines.agent_text("cut: \ud83d", 1.0)
    [agent] = lines.agent_text_ends()
    [caller] = lines.caller_said("so \ude00", 2.0)
    assert (agent.text, caller.text) == ("cut: \ufffd", "so \ufffd")
