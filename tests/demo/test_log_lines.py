"""The worker's JSON log in lines for people."""

import json
import re

from demo.log_lines import LONGEST, error_of_livekit_server, for_people, read_log_line

TIME = {"timestamp": "2026-11-29T03:12:45.678+00:00"}


def read(**entry: object) -> str:
    found = read_log_line(json.dumps({"name": "earshot.call", "level": "INFO", "message": "", **TIME, **entry}))
    assert found is not None
    return re.sub(r"^\d\d:\d\d:\d\d", "HH:MM:SS", found.text)


def test_a_line_has_time_level_message_and_facts() -> None:
    assert read(message="call started", persona="assistant", room="call-1", pid=7) == (
        "HH:MM:SS INFO    call started room=call-1 persona=assistant"
    )


def test_the_end_of_a_call_has_its_figures() -> None:
    figures = {
        "duration_s": 43.2,
        "turns": 3,
        "interrupted_turns": 1,
        "tools": {"local_time": 2, "hang_up": 1},
        "response_s": 0.6213,
        "tokens": {"input_tokens": {"text": 1200, "audio": 900}, "output_tokens": {"audio": 100}, "cached_tokens": 50},
        "cost_usd": 0.01234,
        "link": {"connected.start": 1, "lost.dropped": 2, "restored.dropped": 1},
    }
    assert read(message="call ended: the caller left", room="call-1", **figures) == (
        "HH:MM:SS INFO    call ended: the caller left (43 s, 3 turns, 1 interrupted, response 621 ms, "
        "tools local_time x2 hang_up, 2,200 tokens, $0.0123, Gemini connection: lost.dropped x2 restored.dropped) room=call-1"
    )


def test_figures_that_there_are_none_of_are_left_out() -> None:
    told = read(message="call ended: nobody joined", turns=0, tools={}, cost_usd="no prices", link={"connected.start": 1})
    assert told == "HH:MM:SS INFO    call ended: nobody joined (0 turns)"
    told = read(level="ERROR", message="call ended: refused", turns=1, duration_s=125.0, failure="key")
    assert told == "HH:MM:SS ERROR   call ended: refused (2 min 5 s, 1 turn, failure key)"


def test_a_traceback_is_shown_whole_to_whoever_is_told_that_the_worker_has_died() -> None:
    line = json.dumps(
        {
            "name": "livekit.agents",
            "level": "ERROR",
            "message": "failed",
            "exc_info": "Traceback:\n  File x\nOSError: y",
            **TIME,
        }
    )
    found = read_log_line(line)
    assert found is not None
    assert found.text.endswith("ERROR   failed error=OSError: y")
    assert for_people(line).split("\n")[1:] == ["  Traceback:", "    File x", "  OSError: y"]


def test_what_is_no_log_line_stays_as_it_is() -> None:
    for line in ("Fatal Python error: Aborted", "{", '{"level": 1}', "[1]", ""):
        assert read_log_line(line) is None
        assert for_people(line) == line
    assert len(for_people("x" * 10_000)) == LONGEST


def test_errors_of_livekit_server_are_shown_but_for_packets_to_a_caller_who_has_left() -> None:
    begins = "2026-11-29T06:14:29.913Z\tERROR\tlivekit.pion.udp_mux\tv4/udp_mux.go:607\t"
    shown = error_of_livekit_server(f'{begins}Failed to read UDP packet: refused\t{{"room": "r"}}')
    assert shown is not None
    assert shown.endswith(' ERROR   v4/udp_mux.go:607 Failed to read UDP packet: refused {"room": "r"}')
    assert error_of_livekit_server(f"{begins}Failed to write packet: io: read/write on closed pipe") is None
    assert error_of_livekit_server("2026-11-29T06:14:29.913Z\tINFO\tlivekit\tERROR in a message") is None
