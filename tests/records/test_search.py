"""Recorded calls are found by words, time, ending and fault."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from records.listing import RecordedCallListing
from records.search import NO_ENDING, CallFault, CallSearch, faults, started_at
from records.summary import CallSummary

AT = datetime(2026, 11, 29, 7, 30, 13, tzinfo=UTC)
NAME = "20261129T073013Z-2b43623d"


def call(**facts: Any) -> RecordedCallListing:
    known: dict[str, Any] = {
        "call": NAME,
        "call_id": "RM_ByRgyGGzZDEn",
        "room": "support-7",
        "job": "AJ_DENBVDVrmFd3",
        "traces": ("0af7651916cd43dd8448eb211c80319c",),
        "persona": "assistant",
        "model": "gemini-3.8-live",
        "started_at": AT,
    }
    return RecordedCallListing(NAME, CallSummary(**known | {"recorded": ("audio",), "ending": "caller_left"} | facts))


UNREADABLE = RecordedCallListing(NAME, None)


@pytest.mark.parametrize(
    ("search", "is_found"),
    [
        (CallSearch(), True),
        (CallSearch(text="SUPPORT"), True),
        (CallSearch(text="assist support-7"), True),
        (CallSearch(text="support sales"), False),
        (CallSearch(text="2b43"), True),
        (CallSearch(text="RM_ByRgyGGzZDEn"), True),
        (CallSearch(text="AJ_DENBVDVrmFd3"), True),
        (CallSearch(text="0af7651916cd43dd8448eb211c80319c"), True),
        (CallSearch(text="RM_another"), False),
        (CallSearch(text="dropped"), True),
        (CallSearch(ending="caller_left"), True),
        (CallSearch(ending="silence"), False),
        (CallSearch(ending=NO_ENDING), False),
        (CallSearch(since=AT, until=AT + timedelta(seconds=1)), True),
        (CallSearch(since=AT + timedelta(seconds=1)), False),
        (CallSearch(until=AT), False),
        (CallSearch(has_fault=True), True),
    ],
)
def test_a_call_is_found_by_what_its_summary_says(search: CallSearch, is_found: bool) -> None:
    assert search.matches(call(link={"lost.dropped": 1})) is is_found


def test_a_call_whose_process_has_died_is_a_fault_and_one_that_runs_is_none() -> None:
    broken_off = call(ending=None)
    running = replace(broken_off, is_over=False)
    assert (faults(broken_off), faults(running)) == ([CallFault.BROKEN_OFF], [])
    assert [CallSearch(has_fault=True).matches(found) for found in (broken_off, running)] == [True, False]


def test_a_call_without_an_ending_or_summary_is_found_as_well() -> None:
    assert CallSearch(ending=NO_ENDING).matches(call(ending=None))
    assert CallSearch(ending=NO_ENDING, has_fault=True, text="20261129").matches(UNREADABLE)
    assert started_at(UNREADABLE) == AT


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, []),
        ({"link": {"connected.start": 1, "handed_over.goaway": 2, "nudged.unanswered": 1}}, []),
        ({"is_fault": True, "link": {"failed.key": 1}}, [CallFault.ENDING, CallFault.LINK]),
        ({"link": {"lost.dropped": 1, "restored.dropped": 1}}, [CallFault.LINK]),
        ({"failed_tools": 1}, [CallFault.TOOL]),
        ({"lost": {"audio": 3}}, [CallFault.LOST]),
        ({"stopped": "No space left on device"}, [CallFault.RECORDING]),
        ({"dropped_s": 0.3}, [CallFault.RECORDING]),
    ],
)
def test_what_went_wrong_is_in_the_summary(facts: dict[str, Any], found: list[CallFault]) -> None:
    assert faults(call(**facts)) == found
    assert CallSearch(has_fault=True).matches(call(**facts)) is bool(found)
