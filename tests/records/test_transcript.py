"""Transcripts as files."""

from records import TranscriptLine
from records.transcript import from_json, subtitles, to_json

STORY = TranscriptLine(start_s=61.5, end_s=3723.25, who="agent", text="Once <upon>\na time", interrupted=True)
STOP = TranscriptLine(start_s=3.0, end_s=4.0, who="caller", text="Stop.", interrupts=True)


def test_lines_are_read_as_they_were_written_by_their_beginning() -> None:
    text = "\n".join(map(to_json, (STORY, STOP)))
    assert from_json(text) == [STOP, STORY]


def test_a_line_that_a_killed_process_has_written_half_is_left_out() -> None:
    assert from_json(f"{to_json(STOP)}\n{to_json(STORY)[:30]}") == [STOP]


def test_a_line_says_only_what_is_so() -> None:
    assert to_json(STOP) == '{"start_s":3.0,"end_s":4.0,"who":"caller","text":"Stop.","interrupts":true}'


def test_subtitles_are_webvtt() -> None:
    assert subtitles([STORY, STOP]) == (
        "WEBVTT\n\n00:00:03.000 --> 00:00:04.000\n<v caller>Stop.\n\n"
        "00:01:01.500 --> 01:02:03.250\n<v agent>Once &lt;upon&gt; a time\n"
    )
