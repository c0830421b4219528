"""The pages of recorded calls, as a client without a browser sees them: who is refused, what is found, and parts of sound."""

import base64
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from records import CallFolder, CallSummary
from records.call_folder import OPUS, SOUND, SUMMARY, TIMELINE, TRANSCRIPT, WAVEFORM
from records.compressing import compress
from records.stereo_wav import LEFT, StereoWav
from records.summary import to_json
from tests.token_server.program import UNLIMITED, Answer, TokenServerProcess, running_token_server
from token_server.recorded_calls import LARGEST_PART_BYTES, PAGE

KEY = "the-key-of-the-operator"
BEARER = f"Authorization: Bearer {KEY}"
BEGAN_AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
RATE_HZ = 24_000
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-frame-options": "DENY"}


def name(number: int) -> str:
    return f"{BEGAN_AT + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-{number:08x}"


def add(calls: Path, number: int, **facts: Any) -> CallFolder:
    folder = CallFolder(calls, name(number))
    folder.make()
    known: dict[str, Any] = {
        "call": folder.name,
        "room": f"room-{number}",
        "persona": "assistant",
        "model": "gemini-3.8-live",
        "started_at": BEGAN_AT + timedelta(minutes=number),
        "recorded": ("audio", "transcript", "timeline"),
        "ending": "caller_left",
    }
    folder.replace(SUMMARY, to_json(CallSummary(**known | facts)))
    return folder


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls, the first of which has everything; a secret lies beside their folder."""
    calls = tmp_path_factory.mktemp("recorded") / "calls"
    for number in range(PAGE + 3):
        add(calls, number, ending="silence" if number == 2 else "caller_left")
    first = CallFolder(calls, name(0))
    with StereoWav(first.path / SOUND, RATE_HZ) as sound:
        sound.write(LEFT, 30 * RATE_HZ, np.full(RATE_HZ, 32767, dtype=np.int16))
    first.replace(TRANSCRIPT, '{"start_s": 1.5, "end_s": 2, "who": "caller", "text": "Hello"}\n{"start_s": 3, "en')
    first.replace(TIMELINE, '{"t": 1, "type": "sources", "search_entry_point": "<b>", "queries": []}\n[]\n{"t": 2, "ty')
    (calls.parent / "secret.txt").write_text("secret")
    (calls / name(90)).symlink_to(calls.parent)
    linked = add(calls, 91)
    for file in (SOUND, TRANSCRIPT):
        (linked.path / file).symlink_to(calls.parent / "secret.txt")
    return calls


@pytest.fixture(scope="module")
async def server(calls: Path) -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(OPERATOR_KEY=KEY, RECORD_DIR=str(calls), **UNLIMITED) as running:
        yield running


async def ask(server: TokenServerProcess, path: str, *headers: str, **query: str) -> Answer:
    asked = f"{path}?{urlencode(query)}" if query else path
    return await server.ask("GET", asked, headers=[BEARER, *headers], body=b"")


async def test_everything_private_needs_the_key(server: TokenServerProcess) -> None:
    first = name(0)
    for path in ("/records", f"/records/{first}", f"/records/{first}/waveform", f"/records/{first}/sound"):
        for headers in ([], ["Authorization: Bearer another"], ["Cookie: earshot_operator=9999999999.00"]):
            answer = await server.ask("GET", path, headers=headers, body=b"")
            assert (answer.status, answer.code) == (401, "unauthorized")
        answer = await ask(server, path)
        assert answer.status == 200
        assert answer.headers.items() >= PRIVATE.items()


async def test_the_page_itself_holds_nothing_and_runs_its_own_files_alone(server: TokenServerProcess) -> None:
    for path in ("/calls", f"/calls/{name(0)}", "/calls/another"):
        answer = await server.ask("GET", path, body=b"")
        assert answer.status == 200
        assert answer.headers.items() >= PRIVATE.items()
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
        assert b"room-" not in answer.body
    assert (await server.ask("GET", "/operator/main.js", body=b"")).headers["content-type"].startswith("text/javascript")


async def test_a_search_gives_the_newest_calls_and_where_to_go_on(server: TokenServerProcess) -> None:
    page = (await ask(server, "/records")).content
    found = [call["call"] for call in page["calls"]]
    assert found == [name(91), *(name(number) for number in range(PAGE + 2, 3, -1))]
    rest = (await ask(server, "/records", before=page["next"])).content
    assert [call["call"] for call in rest["calls"]] == [name(3), name(2), name(1), name(0)]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"ending": "silence"}, [2]),
        ({"text": "ROOM-7"}, [7]),
        ({"since": "2026-11-29T09:04:00+01:00", "until": "2026-11-29T08:06:00Z"}, [5, 4]),
        ({"faults": "true"}, []),
    ],
)
async def test_a_search_is_by_words_time_ending_and_fault(
    server: TokenServerProcess, query: dict[str, str], numbers: list[int]
) -> None:
    answer = await ask(server, "/records", **query)
    assert [call["call"] for call in answer.content["calls"]] == [name(number) for number in numbers]


async def test_a_call_whose_process_has_died_is_found_by_its_fault_and_one_that_runs_is_not(tmp_path: Path) -> None:
    """Both have no ending. The files of the one have changed, those of the other haven't for longer than a call is quiet."""
    add(tmp_path, 1, ending=None)
    broken_off = add(tmp_path, 2, ending=None)
    for path in (broken_off.path / SUMMARY, broken_off.path):
        os.utime(path, (1_790_000_000, 1_790_000_000))
    async with running_token_server(OPERATOR_KEY=KEY, RECORD_DIR=str(tmp_path), **UNLIMITED) as running:
        both = (await ask(running, "/records", ending="none")).content["calls"]
        [found] = (await ask(running, "/records", faults="true")).content["calls"]
    assert [(call["call"], call["is_running"], call["faults"]) for call in both] == [
        (name(2), False, ["broken_off"]),
        (name(1), True, []),
    ]
    assert found["call"] == name(2)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-11-29T08:00:00"}, "until"),
        ({"before": "../x"}, "before"),
        ({"ending": "A B"}, "ending"),
        ({"faults": "maybe"}, "faults"),
        ({"room": "x"}, "room"),
        ({"text": "x" * 201}, "text"),
    ],
)
async def test_a_field_that_cannot_be_used_is_named(server: TokenServerProcess, query: dict[str, str], named: str) -> None:
    answer = await ask(server, "/records", **query)
    assert (answer.status, answer.code) == (400, "bad_field")
    assert answer.content["message"].startswith(f"{named}: ")


async def test_a_call_has_its_lines_and_events_without_what_is_half_written_or_foreign_html(server: TokenServerProcess) -> None:
    call = (await ask(server, f"/records/{name(0)}")).content
    assert [(line["who"], line["text"]) for line in call["lines"]] == [("caller", "Hello")]
    assert call["events"] == [{"t": 1, "type": "sources", "queries": []}]
    assert call["call"]["summary"]["room"] == "room-0"
    assert call["sound"] == {"file": SOUND, "bytes": 44 + 31 * RATE_HZ * 4}


async def test_the_waveform_is_loud_where_the_caller_is(server: TokenServerProcess) -> None:
    found = (await ask(server, f"/records/{name(0)}/waveform", "Accept-Encoding: identity")).content
    caller, agent = (base64.b64decode(found[side]) for side in ("caller", "agent"))
    assert len(caller) * found["bucket_s"] == pytest.approx(31)
    assert set(caller[: round(30 / found["bucket_s"])]) == {0}
    assert set(caller[round(30 / found["bucket_s"]) :]) == {255}
    assert set(agent) == {0}


async def test_an_opus_file_has_the_waveform_that_lies_beside_it(server: TokenServerProcess, calls: Path) -> None:
    folder = add(calls, 93)
    with StereoWav(folder.path / SOUND, RATE_HZ) as sound:
        sound.write(LEFT, RATE_HZ, np.full(RATE_HZ, 32767, dtype=np.int16))
    compress(folder)
    assert (await ask(server, f"/records/{folder.name}")).content["sound"]["file"] == OPUS
    found = (await ask(server, f"/records/{folder.name}/waveform", "Accept-Encoding: identity")).content
    caller = base64.b64decode(found["caller"])
    assert (set(caller[:50]), set(caller[50:])) == ({0}, {255})
    for content, code in (("{", "unreadable_record"), ("", "no_waveform")):
        (folder.path / WAVEFORM).write_text(content)
        answer = await ask(server, f"/records/{folder.name}/waveform")
        assert (answer.status, answer.code) == (404, code)
    folder.delete()


async def test_sound_comes_in_bounded_parts(server: TokenServerProcess) -> None:
    path, size = f"/records/{name(0)}/sound", 44 + 31 * RATE_HZ * 4
    whole = await ask(server, path)
    assert (whole.status, len(whole.body), whole.headers["content-type"]) == (200, size, "audio/wav")
    for asked, first, length in (
        ("bytes=0-", 0, LARGEST_PART_BYTES),
        ("bytes=100-199", 100, 100),
        (f"bytes={size - 10}-{size + 10}", size - 10, 10),
        ("bytes=-7", size - 7, 7),
        ("BYTES=0-9", 0, 10),
    ):
        part = await ask(server, path, f"Range: {asked}")
        assert part.status == 206
        assert part.headers["content-range"] == f"bytes {first}-{first + length - 1}/{size}"
        assert part.body == whole.body[first : first + length]
    others = (
        "bytes=0-0,5-9",
        "bytes= 0-9",
        "bytes=-",
        "bytes",
        "bytes=x-",
        "items=0-9",
        f"bytes=0-{10**15}",
        "bytes=0-9-12",
        "",
    )
    for asked in (f"bytes={size}-", "bytes=9-3", "bytes=-0", *others):
        answer = await ask(server, path, f"Range: {asked}")
        assert (answer.status, answer.code) == (416, "bad_range")


@pytest.mark.parametrize(
    "call",
    [
        name(90),
        name(99),
        "secret.txt",
        "..",
        "%2e%2e",
        "..%2fsecret.txt",
        f"{name(0)}%2f..%2f{name(1)}",
        f"{name(0)}%00",
        "x" * 5000,
    ],
)
async def test_nothing_outside_of_the_folder_can_be_named(server: TokenServerProcess, call: str) -> None:
    for path in (f"/records/{call}", f"/records/{call}/sound", f"/records/{call}/waveform"):
        answer = await ask(server, path)
        assert (answer.status, answer.code) == (404, "not_found")
        assert b"secret" not in answer.body


async def test_a_link_in_a_call_leads_nowhere(server: TokenServerProcess) -> None:
    for path, code in (("", "unreadable_record"), ("/sound", "no_sound"), ("/waveform", "no_sound")):
        answer = await ask(server, f"/records/{name(91)}{path}")
        assert (answer.status, answer.code) == (404, code)


async def test_without_the_key_or_the_folder_there_are_no_such_pages(tmp_path: Path) -> None:
    for settings in ({"OPERATOR_KEY": KEY}, {"RECORD_DIR": str(tmp_path)}):
        async with running_token_server(**UNLIMITED, **settings) as running:
            for path in ("/calls", "/records", "/operator/main.js"):
                assert (await ask(running, path)).status == 404
