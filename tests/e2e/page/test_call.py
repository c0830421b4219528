"""Calls from the page, through the real SFU, worker and emulator, judged by what its loudspeaker plays and what it shows."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Route, expect

from caller.caller import SAMPLE_RATE_HZ
from caller.ear import spans
from speech import synthesize
from tests.e2e.conftest import AFTER_BARGE_IN, ANSWER, GREETING, STORY
from tests.e2e.page.browser import LIGHTS, Visit, visiting
from tests.token_server.program import TokenServerProcess

pytestmark = [pytest.mark.usefixtures("shared_worker"), pytest.mark.sound]

NOTHING = "\N{EN DASH}"
HELLO = synthesize("Hello, can you hear me?", sample_rate_hz=SAMPLE_RATE_HZ)
STOP = synthesize("Stop. I have another question.", sample_rate_hz=SAMPLE_RATE_HZ)


async def shown_ms(visit: Visit, row: int, column: int) -> float:
    """A cell of the timings."""
    cell = visit.page.locator(f"#turns tr:nth-child({row}) td:nth-child({column})")
    await expect(cell).to_contain_text(re.compile(r"\d m?s$"))
    number, unit = (await cell.text_content() or "").split()  # the timings may be folded away
    return float(number) * (1 if unit == "ms" else 1000)


async def test_talk_and_hear(visit: Visit) -> None:
    """A visitor presses the button, is greeted, asks, and hears the answer; both sides are captioned and timed."""
    await visit.says(".about", re.compile("AI.*microphone"))
    assert "recorded" not in await visit.page.inner_text(".about"), "nobody has said whether calls are recorded"
    await visit.picture("idle")
    await visit.call()
    await visit.picture("listening")
    await visit.heard_whole(GREETING)
    [asked] = await visit.page.evaluate("tap.asked")
    assert [asked["audio"][name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")] == [True] * 3

    mark = await visit.heard_samples()
    await visit.say(HELLO)
    await visit.is_in("speaking")
    await visit.is_in("listening")
    await visit.heard_whole(ANSWER, mark)
    assert await visit.captions() == [("agent", GREETING), ("caller", "Hello, can you hear me?"), ("agent", ANSWER)]
    await visit.page.click("#timings summary")
    assert 300 < await shown_ms(visit, 1, 2) < 6000
    assert 0 < await shown_ms(visit, 1, 4) < 6000
    await expect(visit.page.locator("#turns tr")).to_have_count(1)  # a greeting answers nobody, and has no row
    assert await visit.page.locator("#turns td:nth-child(3)").text_content() == NOTHING

    await visit.page.click("#call")
    await visit.is_in("ended")
    await visit.says("#state", "You hung up")
    await visit.has_released_the_microphone()
    await visit.picture("ended")


async def test_what_is_said_before_the_agent_is_there_is_heard(visit: Visit) -> None:
    """While the token server hasn't answered yet, somebody speaks and stops: the agent answers all the same."""
    may_go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go_on.wait()
        await route.continue_()

    await visit.page.route("**/token", hold)
    await visit.page.click("#call")
    await visit.page.wait_for_function("() => tap.tracks.length > 0")
    await visit.say(HELLO)
    await visit.is_in("connecting")
    may_go_on.set()
    await visit.says(".line[data-who=caller]", "Hello, can you hear me?")
    await visit.says("#captions", ANSWER)


async def test_barge_in_silences_the_agent_and_is_timed(visit: Visit) -> None:
    await visit.call()
    await visit.type("Tell me the story")
    await visit.says("#captions", "lighthouse")
    mark = await visit.page.evaluate("tap.heardSamples")
    await visit.say(STOP)
    await visit.says("#captions", ANSWER[:12])
    await visit.quiet()
    first, *_ = spans(await visit.heard(mark), sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.3)
    assert first.end_s < 2.5, "the story went on after the caller had begun to speak"
    assert 30 < await shown_ms(visit, 1, 3) < 2500
    await visit.says(".line:has(.cut) p", "Once")
    assert await visit.page.locator(".cut").all_inner_texts() == ["interrupted"]
    story = [text for who, text in await visit.captions() if who == "agent" and text.startswith("Once")]
    assert all(len(text) < len(STORY) / 2 for text in story)
    assert AFTER_BARGE_IN not in await visit.page.inner_text("#captions")


async def test_a_tool_is_seen_and_so_is_what_it_changed(visit: Visit) -> None:
    await visit.call()
    await visit.says(LIGHTS, "off")
    mark = await visit.heard_samples()
    await visit.type("Please switch on the lights")
    await visit.says("#captions", re.compile(r"turn on the lights · [\d.]+ m?s"))
    await visit.says(LIGHTS, "on")
    await visit.says(".line[data-who=note] small", "The lights are on.")
    await visit.says("#badge", "Emulator, offline")
    await visit.is_in("speaking")
    await visit.is_in("listening")
    await visit.heard_whole("Done: The lights are on.", mark)
    await visit.picture("lights")


async def test_while_a_tool_runs_the_page_says_which(visit: Visit) -> None:
    """As the agent tells it: between tool_started and tool_ended."""
    await visit.call()
    shown = visit.page.evaluate(
        """() => new Promise((done) => {
          const tool = document.getElementById("tool");
          const look = () => tool.hidden || done(tool.textContent);
          new MutationObserver(look).observe(tool, { attributes: true, childList: true });
        })"""
    )
    await visit.page.locator("#line").fill("Please switch on the lights")
    _, words = await asyncio.gather(visit.page.press("#line", "Enter"), shown)
    assert words == "turn on the lights…"
    await expect(visit.page.locator("#tool")).to_be_hidden()


async def test_a_typed_turn_is_answered_aloud(visit: Visit) -> None:
    await visit.call()
    mark = await visit.heard_samples()
    await visit.type("<b>good</b> evening")
    await visit.is_in("speaking")
    await visit.is_in("listening")
    assert await visit.captions() == [
        ("agent", GREETING),
        ("caller", "<b>good</b> evening"),
        ("agent", "You wrote: <b>good</b> evening"),
    ]
    assert await visit.page.locator("#captions b").count() == 0, "words are text, never HTML"
    await visit.quiet()
    [_] = spans(await visit.heard(mark), sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.8)
    assert 0 < await shown_ms(visit, 1, 2) < 6000


async def test_muted_the_agent_hears_nothing(visit: Visit) -> None:
    await visit.call()
    await visit.page.click("#mute")
    await expect(visit.page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await visit.says("#hint", "muted")
    await visit.picture("muted")
    await visit.say(HELLO)
    await visit.type("Say something")
    await visit.says("#captions", "You wrote: Say something")
    await visit.is_in("listening")
    assert [who for who, _ in await visit.captions()] == ["agent", "caller", "agent"], "only the typed turn was heard"
    await visit.page.click("#mute")
    await expect(visit.page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    await visit.say(HELLO)
    await visit.says("#captions", "can you hear me?")


@pytest.mark.long
async def test_the_meters_show_who_is_heard(visit: Visit) -> None:
    await visit.call()
    loud = "(id) => document.getElementById(id).ariaValueNow > 30"
    await asyncio.gather(visit.page.wait_for_function(loud, arg="caller-level"), visit.say(HELLO))
    await visit.page.wait_for_function(loud, arg="agent-level")


async def test_without_a_microphone_the_call_goes_on_in_writing(visit: Visit) -> None:
    """Nobody is asked for a microphone."""
    await visit.page.click("#type-instead")
    await visit.says("#captions", GREETING)
    await visit.is_in("listening")
    await visit.type("good evening")
    await visit.says("#captions", "You wrote: good evening")
    await expect(visit.page.locator("#mute")).to_be_hidden()
    assert await visit.page.evaluate("tap.asked") == []
    [*_, (_, spoken)] = await visit.captions()
    assert spoken == "You wrote: good evening"


@pytest.mark.long
async def test_the_agent_asks_the_page_where_the_caller_is(browser: Browser, token_server: TokenServerProcess) -> None:
    """The whole way: the model calls a tool, the tool an RPC of the page, the page its browser; and back into the answer."""
    place = {"latitude": 52.5, "longitude": 13.25, "accuracy": 30}
    permissions = ["microphone", "geolocation"]
    async with visiting(browser, token_server.url, permissions=permissions, geolocation=place) as visit:
        await visit.call()
        await visit.type("Where am I?")
        await visit.says("#captions", "the agent was told where you are")
        await visit.says("#captions", re.compile(r"Your browser says: .*52\.5.*13\.25"))
