"""What a call costs: tokens by the list of prices, held against the lowest cap that the worker, persona and dispatch name."""

import datetime
import json
import logging
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from agent.call.call_cost import CallCost
from agent.call.ending_machine import Goodbye, SayGoodbye, ShutDown
from agent.call.endings import Ending
from agent.call.limits import CallTimer
from agent.call.observer import Observer
from agent.call.record import CallRecord
from agent.cost_caps import prices_of
from agent.errors import PersonaError, SettingsError
from agent.gemini import ModelPrices, TokenUsage, TurnUsage, price_table, shipped_prices
from agent.live_settings import check_persona, completed, persona_of_call, prices_of_call
from agent.persona import Persona, load
from agent.room.room_events import RoomEvents
from agent.settings import Settings, read_settings
from tests.agent.listeners import LIMITS, KeptEnding

PRICES = ModelPrices(
    models=["some-model"],
    input={"text": 1.0, "audio": 3.0},
    output={"text": 4.0, "audio": 12.0},
    as_of=datetime.date(2026, 11, 28),
    source="a test",
)
A_CENT = TokenUsage({"text": 10_000})
OWN = """
[[prices]]
models = ["gemini-9-live"]
input = { text = 2.0 }
output = { audio = 20.0 }
as_of = 2026-11-28
source = "our contract"
"""


def test_the_shipped_prices_are_those_of_the_list() -> None:
    """As docs/facts.md G84, G201 have them; each with its day and its source."""
    prices = shipped_prices()
    assert prices["gemini-3.8-live"].input == {"text": 0.75, "audio": 3.0, "image": 1.0, "video": 1.0}
    assert prices["gemini-3.8-live"].output == {"text": 4.5, "audio": 12.0}
    assert prices["gemini-live-2.5-flash-native-audio"].output == {"text": 2.0, "audio": 12.0}
    assert prices["gemini-3.5-live-translate-preview"].cost_usd(TokenUsage({"audio": 10**6}, {"audio": 10**6})) == 24.5
    assert all(each.source and each.as_of >= datetime.date(2026, 9, 1) for each in prices.values())


def test_each_kind_of_token_has_its_price_and_what_has_none_the_dearest() -> None:
    usage = TokenUsage({"text": 100, "audio": 100, "video": 10, "other": 10}, {"text": 10, "audio": 10, "other": 1}, 5, 7, 50)
    cost = 100 * 1 + 100 * 3 + 20 * 3 + 10 * 4 + 11 * 12 + 5 * 4 + 7 * 1
    assert PRICES.cost_usd(usage) == pytest.approx(cost / 1_000_000)


@given(st.lists(st.integers(0, 10**7), max_size=20))
def test_the_call_costs_what_its_turns_cost(counts: list[int]) -> None:
    cost = CallCost(PRICES)
    turns = [cost.add(TokenUsage({"audio": count})) for count in counts]
    assert [turn.turn_usd for turn in turns] == [pytest.approx(count * 3 / 10**6) for count in counts]
    if turns:
        assert turns[-1].total_usd == pytest.approx(sum(counts) * 3 / 10**6)


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=30), st.floats(0.001, 1))
def test_a_cap_warns_once_at_80_percent_and_is_reached_for_good(counts: list[int], cap_usd: float) -> None:
    steps = [(cost := CallCost(PRICES, cap_usd)).add(TokenUsage({"text": counts[0]}))]
    steps += [cost.add(TokenUsage({"text": count})) for count in counts[1:]]
    for step in steps:
        assert step.total_usd is not None
        assert step.is_over == (step.total_usd >= cap_usd)
    reached = steps[-1].total_usd is not None and steps[-1].total_usd >= 0.8 * cap_usd
    assert sum(step.warns for step in steps) == reached


def test_without_prices_tokens_alone_are_told() -> None:
    cost = CallCost(None, cap_usd=0.01)
    step = cost.add(A_CENT)
    assert (step.turn_usd, step.is_over) == (None, False)
    assert step.facts()["total_usd"] is None
    assert cost.figures() == {"tokens": {"input_tokens": {"text": 10_000}}, "cost_usd": "no prices"}


class Told(RoomEvents):
    """What would have been sent to a room."""

    def __init__(self) -> None:
        super().__init__(rtc.Room())

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(text) for text in self._waiting]


async def test_a_call_that_reaches_its_cap_is_warned_and_says_goodbye() -> None:
    timer, told = CallTimer(LIMITS, time.monotonic()), Told()
    record, ending = CallRecord("room", "persona", cost=CallCost(PRICES, 0.048)), KeptEnding(timer)
    observer = Observer(timer, record, told, ending)
    for _ in range(3):
        observer.model_event(TurnUsage(A_CENT))
    assert [event["type"] for event in told.events] == ["usage"] * 3
    observer.model_event(TurnUsage(A_CENT))
    warning = told.events[-1]
    assert (warning["type"], warning["cost_usd"], warning["cap_usd"]) == ("cost_warning", 0.04, 0.048)
    assert ending.actions == []
    observer.model_event(TurnUsage(A_CENT))
    assert (told.events[-1]["total_usd"], ending.actions) == (0.05, [SayGoodbye()])
    observer.model_event(TurnUsage(A_CENT))
    assert ending.actions == [SayGoodbye()], "the goodbye's own turn asks for no other"
    assert isinstance(ending.machine.state, Goodbye)
    assert ending.machine.due(time.monotonic() + 60) == [ShutDown(Ending.COST_CAP)]
    assert record.figures()["cost_usd"] == 0.06


def settings(folder: Path | None = None, **given: object) -> Settings:
    place = {} if folder is None else {"personas_dir": folder}
    pair = {"livekit_api_key": "key", "livekit_api_secret": "x" * 32}
    return read_settings(None, gemini_base_url="https://127.0.0.1:1", **pair, **place, **given)


def persona(folder: Path, text: str, name: str = "own") -> Persona:
    (folder / f"{name}.toml").write_text(f'instructions = "Be brief."\n{text}')
    return load(name, folder)


@pytest.mark.parametrize(
    ("worker", "own", "wanted", "cap", "warns"),
    [
        (None, "", None, None, False),
        (0.5, "", None, 0.5, False),
        (0.5, "cost_cap_usd = 0.2", None, 0.2, False),
        (0.5, "cost_cap_usd = 2", None, 0.5, False),
        (0.5, "cost_cap_usd = 0.2", 0.1, 0.1, False),
        (0.5, "", 0.6, 0.5, True),
        (None, "", 0.3, 0.3, False),
        (0.5, "", "much", 0.5, True),
        (0.5, "", -1, 0.5, True),
        (0.5, "", True, 0.5, True),
        (0.5, "", 0, 0.5, True),
    ],
)
def test_the_lowest_cap_counts_and_nobody_raises_one(
    tmp_path: Path, worker: float | None, own: str, wanted: object, cap: float | None, warns: bool
) -> None:
    there = settings(tmp_path, cost_cap_usd=worker)
    default = completed(persona(tmp_path, own), there)
    of_call, warnings = persona_of_call(json.dumps({} if wanted is None else {"cost_cap_usd": wanted}), default, there)
    assert (of_call.cost_cap_usd, bool(warnings)) == (cap, warns)
    assert all("cost_cap_usd of the dispatch metadata is" in warning for warning in warnings)


@pytest.mark.parametrize("value", ["0", "-1", "true", '"1"', "inf", "nan"])
def test_a_cap_of_a_persona_that_is_no_amount_is_a_mistake(tmp_path: Path, value: str) -> None:
    with pytest.raises(PersonaError, match=r"cost_cap_usd is .*; it must be a number of US dollars above 0"):
        persona(tmp_path, f"cost_cap_usd = {value}")


@pytest.mark.parametrize("name", ["cost_cap_usd", "day_cost_cap_usd"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "inf"])
def test_a_cap_of_the_worker_that_is_no_amount_is_a_mistake(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name.upper()} is"):
        settings(None, **{name: value})


@pytest.mark.parametrize(
    ("given", "own", "sentence"),
    [
        (
            {"cost_cap_usd": 1},
            "",
            "COST_CAP_USD or its cost_cap_usd is 1, and there are no prices of gemini-9-live; write them",
        ),
        ({}, "cost_cap_usd = 0.5", "COST_CAP_USD or its cost_cap_usd is 0.5, and there are no prices of gemini-9-live"),
        (
            {"day_cost_cap_usd": 20},
            "",
            "DAY_COST_CAP_USD is 20, and there are no prices of gemini-9-live; write them into a file",
        ),
    ],
)
def test_a_cap_on_a_model_without_prices_is_refused(tmp_path: Path, given: dict[str, object], own: str, sentence: str) -> None:
    there = settings(tmp_path, gemini_model="gemini-9-live", **given)
    with pytest.raises(PersonaError) as refused:
        check_persona(completed(persona(tmp_path, own), there), there)
    assert sentence in str(refused.value)


def test_a_dispatch_can_not_cap_a_call_whose_model_has_no_prices(tmp_path: Path) -> None:
    there = settings(tmp_path, gemini_model="gemini-9-live")
    default = completed(persona(tmp_path, ""), there)
    of_call, warnings = persona_of_call('{"cost_cap_usd": 1}', default, there)
    assert of_call.cost_cap_usd is None
    assert "cost_cap_usd can't be set: there are no prices of gemini-9-live" in warnings[0]


def test_prices_of_ones_own_win_and_make_a_cap_possible(tmp_path: Path) -> None:
    (tmp_path / "prices").write_text(OWN)
    there = settings(tmp_path, gemini_model="gemini-9-live", cost_cap_usd=1, gemini_prices=str(tmp_path / "prices"))
    own = completed(persona(tmp_path, ""), there)
    check_persona(own, there)
    found = prices_of_call(own, there)
    assert found is not None
    assert (found.source, found.cost_usd(TokenUsage({"audio": 10**6}))) == ("our contract", 2.0)


def test_a_model_under_its_whole_name_has_the_prices_of_its_name() -> None:
    whole = "projects/ours/locations/europe-west4/publishers/google/models/gemini-live-2.5-flash-native-audio"
    [name] = [name for name in shipped_prices() if whole.endswith(f"/{name}")]
    assert prices_of(whole, None) == shipped_prices()[name]
    ours = price_table(tomllib.loads(OWN))["gemini-9-live"]
    assert prices_of(whole, {name: ours}) == ours, "prices of one's own win by either name"
    assert prices_of("projects/ours/models/gemini-8-live", {name: ours}) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no such file; it is TOML with tables"),
        ("[prices]", "it must have tables"),
        ("x = 1", "it must have tables"),
        ("[[prices]", "no TOML"),
        (OWN.replace("text = 2.0", "words = 2.0"), r"input.words of its \[\[prices\]\] number 1: "),
        (OWN.replace("20.0", "-1"), r"output.audio of its \[\[prices\]\] number 1: "),
        (OWN.replace("input = { text = 2.0 }", ""), r"input of its \[\[prices\]\] number 1: Field required"),
        (OWN.replace("2026-11-28", '"long ago"'), r"as_of of its \[\[prices\]\] number 1: "),
        (OWN + "per = 1000", r"per of its \[\[prices\]\] number 1: Extra inputs are not permitted"),
        (OWN.replace("20.0", "-1"), r"greater than or equal to 0 \(it is '-1'\); write US dollars for a million tokens"),
        (OWN.replace("input = { text = 2.0 }", ""), "Field required; write US dollars for a million tokens"),
        (OWN.replace("2026-11-28", '"long ago"'), r"\(it is 'long ago'\); write a date, such as 2026-11-28"),
        (OWN + "per = 1000", r"\(it is '1000'\); take it out"),
        (OWN + OWN, r"models of its \[\[prices\]\] number 2: 'gemini-9-live' has prices in an earlier table; write each"),
    ],
)
def test_a_file_of_prices_that_can_not_be_used_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "prices").write_text(text)
    with pytest.raises(SettingsError, match="GEMINI_PRICES is .*" + sentence) as refused:
        settings(gemini_prices=str(tmp_path / "prices"))
    assert "\n" not in str(refused.value)


def test_the_example_of_the_document_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs" / "costs.md").read_text()
    assert set(price_table(tomllib.loads(text.split("```toml\n")[1].split("```")[0]))) == {"gemini-3.8-live"}


def test_a_persona_is_silent_about_caps_that_nobody_has_set(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    there = settings(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert check_persona(completed(persona(tmp_path, ""), there), there) == []
    assert caplog.records == []
