"""The page's files: the vendored client, the pure cores in the browser's own engine, and LiveKit's own token client."""

import hashlib
import re
from typing import Any

import jwt
import pytest
from playwright.async_api import Browser, Page

import tickets
from tests.e2e.page.browser import visiting
from tests.e2e.page.conftest import to
from tests.e2e.stack import AGENT_NAME, API_SECRET, ROOT, Sfu
from tests.test_architecture import LONGEST_MODULE
from tests.token_server.program import running_token_server

WEB = ROOT / "web"
LIVEKIT_CLIENT = "fb646f2260d84f91238d0a2dc10726c456631d6a26c7cafc43cfee5959b4d31d"
"""sha256 of dist/livekit-client.umd.js in the npm package livekit-client 2.23.0."""


def test_the_vendored_client_is_the_published_one() -> None:
    client = WEB / "vendor" / "livekit-client-2.23.0.umd.js"
    assert hashlib.sha256(client.read_bytes()).hexdigest() == LIVEKIT_CLIENT
    assert "Apache License" in (WEB / "vendor" / "livekit-client-LICENSE").read_text()
    assert f'"/vendor/{client.name}"' in (WEB / "index.html").read_text()


@pytest.mark.parametrize("path", sorted([*WEB.glob("*.*"), *WEB.glob("operator/*.*")]), ids=lambda path: path.name)
def test_files_stay_readable(path: Any) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST_MODULE, "what is the second idea in this file?"
    if path.suffix == ".js":
        assert max(map(len, lines)) <= 128
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text())
    if path.suffix == ".html":
        assert not re.search(r"\s(?:style|on\w+)=|<style|<script(?![^>]*src=)", path.read_text())


async def test_whatever_happens_a_call_that_is_over_stays_over(page: Page) -> None:
    """All orders of up to six facts: a state is always one of nine, only a call leaves the end, and no old loss is kept."""
    wrong = await page.evaluate(
        """async () => {
          const { IDLE, next, running, shown } = await import("/state.js");
          const { STATES } = await import("/words.js");
          const facts = [{ type: "call" }, { type: "joined" }, { type: "agent", doing: "speaking" }, { type: "agent_gone" },
            { type: "lost" }, { type: "back" }, { type: "ended" }, { type: "failed" }];
          const wrong = [];
          let seen = 0;
          const walk = (state, path) => {
            seen += 1;
            if (!(shown(state) in STATES)) wrong.push(["no words", path]);
            if (path.length === 6) return;
            for (const fact of facts) {
              const after = next(state, fact);
              const way = [...path, fact.type];
              if (!running(state) && running(after) !== (fact.type === "call")) wrong.push(["not over", way]);
              if (!running(after) && (after.lost || after.agent !== null)) wrong.push(["not forgotten", way]);
              if (running(state) && fact.type === "call" && after !== state) wrong.push(["two calls", way]);
              const lost = fact.type === "lost" && after.stage === "joined";
              if (lost && shown(after) !== "reconnecting") wrong.push(["hidden", way]);
              walk(after, way);
            }
          };
          walk(IDLE, []);
          return { seen, wrong: wrong.slice(0, 5) };
        }"""
    )
    assert wrong == {"seen": sum(8**length for length in range(7)), "wrong": []}


SCENES: dict[str, tuple[list[tuple[str, float, float]], list[dict[str, Any]]]] = {
    # what sounds: (who, from s, to s); then the turns that the clock must find: answer and barge-in in ms
    "a greeting answers nobody": ([("agent", 1.0, 3.0)], [{"answer": None, "barge_in": None}]),
    "an answer": (
        [("agent", 0.5, 1.5), ("caller", 3.0, 4.0), ("agent", 4.8, 6.0)],
        [{"answer": None, "barge_in": None}, {"answer": 800, "barge_in": None}],
    ),
    "an interruption": (
        [("agent", 0.5, 3.2), ("caller", 3.0, 4.0), ("agent", 5.0, 6.0)],
        [{"answer": None, "barge_in": 200}, {"answer": 1000, "barge_in": None}],
    ),
    "a cough interrupts nobody": (
        [("agent", 0.5, 3.0), ("caller", 1.0, 1.06)],
        [{"answer": None, "barge_in": None}],
    ),
}


@pytest.mark.parametrize("scene", SCENES)
async def test_the_clock_of_the_turns(page: Page, scene: str) -> None:
    """Levels every 20 ms, as sound.js feeds them; the agent tells of its turn when its sound ends."""
    sounds, expected = SCENES[scene]
    turns = await page.evaluate(
        """async ({ sounds, interrupted }) => {
          const { TurnClock } = await import("/turns.js");
          const clock = new TurnClock();
          const level = (who, t) => (sounds.some(([w, from, to]) => w === who && t >= from && t < to) ? 0.1 : 0);
          for (let ms = 0; ms < 10_000; ms += 20) {
            clock.hear(level("caller", ms / 1000), level("agent", ms / 1000), ms);
            if (sounds.some(([who, , to]) => who === "agent" && Math.abs(to * 1000 - ms) < 10)) {
              const first = clock.turns.length === 1;
              clock.told({ heard_to_sound_s: first ? null : 0.5, spoke_s: 1, interrupted: first && interrupted });
            }
          }
          return clock.turns.map((turn) => ({ answer: turn.answerMs, barge_in: turn.bargeInMs }));
        }""",
        {"sounds": sounds, "interrupted": "interruption" in scene},
    )
    assert len(turns) == len(expected)
    for found, wanted in zip(turns, expected, strict=True):
        for name, ms in wanted.items():
            assert found[name] == (ms if ms is None else pytest.approx(ms, abs=60)), (name, turns)


AGENTS: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "nobody": ([], None),
    "no agent": ([{"identity": "agent-x", "isAgent": False}], None),
    "one": ([{"identity": "ada", "isAgent": False}, {"identity": "x", "isAgent": True}], "x"),
    "the older of two": ([{"identity": "b", "isAgent": True, "at": 9}, {"identity": "a", "isAgent": True, "at": 5}], "a"),
    "an Earshot before an older one": (
        [{"identity": "t", "isAgent": True, "at": 1}, {"identity": "e", "isAgent": True, "at": 5, "earshot": True}],
        "e",
    ),
    "the older of two Earshots": (
        [{"identity": i, "isAgent": True, "at": at, "earshot": True} for i, at in (("b", 9), ("a", 5))],
        "a",
    ),
    "the one before an older one": (
        [{"identity": "a", "isAgent": True, "at": 1}, {"identity": "followed", "isAgent": True, "at": 5}],
        "followed",
    ),
    "no avatar": ([{"identity": "v", "isAgent": True, "at": 1, "for": "a"}, {"identity": "a", "isAgent": True, "at": 5}], "a"),
}


@pytest.mark.parametrize("who", AGENTS)
async def test_who_of_those_in_the_room_is_the_agent(page: Page, who: str) -> None:
    """LiveKit has checked who is an agent; a name doesn't make one."""
    others, expected = AGENTS[who]
    found = await page.evaluate(
        """async (others) => {
          const { agentAmong } = await import("/agents.js");
          const given = others.map(({ at, earshot, for: onBehalf, ...other }) => ({
            ...other,
            joinedAt: at === undefined ? undefined : new Date(at * 1000),
            attributes: { ...(onBehalf && { "lk.publish_on_behalf": onBehalf }), ...(earshot && { "earshot.agent": "e" }) },
          }));
          return agentAmong(given, "followed")?.identity ?? null;
        }""",
        others,
    )
    assert found == expected


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "hostname", "advice"),
    [
        (FIREFOX, "127.0.0.1", "Firefox needs a private address"),
        (FIREFOX, "localhost", "Firefox needs a private address"),
        (FIREFOX, "[::1]", "Firefox needs a private address"),
        (FIREFOX, "voice.example.com", "A firewall or VPN may block it"),
        (FIREFOX, "127.0.0.1.example.com", "A firewall or VPN may block it"),
        (CHROME, "127.0.0.1", "A firewall or VPN may block it"),
    ],
)
async def test_why_no_sound_gets_through(page: Page, user_agent: str, hostname: str, advice: str) -> None:
    """On the machine of the demo itself nothing is in between: Firefox takes no part in calls over loopback alone."""
    place = {"hostname": hostname, "userAgent": user_agent}
    script = """async (place) => (await import("/words.js")).worded({ code: "no_media" }, place).advice"""
    assert advice in await page.evaluate(script, place)


async def test_the_browser_may_ask_every_region_of_livekit_cloud(browser: Browser) -> None:
    """The page's own rules let livekit-client go on to the hosts that LiveKit Cloud names, and to nobody else."""
    async with running_token_server(
        LIVEKIT_URL="wss://x.livekit.cloud", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET=API_SECRET
    ) as running:
        window = await browser.new_context()
        try:
            page = await window.new_page()
            await page.goto(running.url)
            refused = await page.evaluate(
                """async (hosts) => {
                  const refused = [];
                  addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
                  for (const host of hosts) {
                    await fetch(`https://${host}/`).catch(() => {});
                    await new Promise((done) => {
                      try {
                        new WebSocket(`wss://${host}/rtc`).onerror = done;
                      } catch {
                        done();
                      }
                    });
                  }
                  return refused.map((uri) => new URL(uri).host);
                }""",
                ["x.livekit.cloud", "x.eu.production.livekit.cloud", "x.us.livekit.cloud:8443", "evil.example"],
            )
            assert set(refused) == {"evil.example"}
        finally:
            await window.close()


PAST_BROWSERS = {
    "light-dark()": r"light-dark\(",  # Chrome 123, Firefox 120, Safari 17.5
    "color-mix()": r"color-mix\(",  # Chrome 111, Firefox 113, Safari 16.2
    ":has()": r":has\(",  # Chrome 105, Firefox 121, Safari 15.4
    "nested rules": r"^\s+&|[{;]\s*&",  # Chrome 120, Firefox 117, Safari 17.2
    "container queries": r"@container|@scope|@starting-style",  # Firefox 110, Safari 16
    "AbortSignal.any, AbortSignal.timeout": r"AbortSignal\.(?:any|timeout)\(",  # Chrome 116, Firefox 124, Safari 17.4
    "arrays that are copied": r"\.(?:toSorted|toReversed|toSpliced|findLast|findLastIndex)\(",  # Safari 16
    "newer statics": r"Promise\.(?:withResolvers|try)|(?:Object|Map)\.groupBy|Array\.fromAsync|structuredClone",
}
"""What browsers of four years ago lack (developer.mozilla.org, browser compatibility data), and the page doesn't use."""


@pytest.mark.parametrize("what", PAST_BROWSERS)
def test_nothing_is_used_that_browsers_of_four_years_ago_lack(what: str) -> None:
    """Syntax and the language's own library are checked by `make check`: tsconfig.json has es2022."""
    for path in [*WEB.glob("*.js"), *WEB.glob("*.css")]:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(PAST_BROWSERS[what], code, re.MULTILINE), path.name


async def test_livekits_own_token_client_with_every_option(browser: Browser, server: Sfu) -> None:
    """TokenSource.endpoint of the vendored client, against this token server, in the browser."""
    wishes = {
        "roomName": "a-room",
        "participantName": "Ada",
        "participantIdentity": "ada",
        "participantMetadata": "likes engines",
        "participantAttributes": {"seat": "3"},
        "agentName": AGENT_NAME,
        "agentMetadata": '{"persona":"assistant"}',
        "deployment": "blue",
    }
    async with running_token_server(**to(server)) as running, visiting(browser, running.url) as visit:
        answer = await visit.page.evaluate("(wishes) => LivekitClient.TokenSource.endpoint('/token').fetch(wishes)", wishes)
        assert answer["serverUrl"] == server.url
        claims = jwt.decode(answer["participantToken"], API_SECRET, algorithms=["HS256"])
        assert (claims["sub"], claims["name"], claims["metadata"]) == ("ada", "Ada", "likes engines")
        assert claims["attributes"] == {"seat": "3"}
        assert claims["video"]["room"] == "a-room"
        [agent] = claims["roomConfig"]["agents"]
        assert set(agent.pop("attributes")) == {tickets.ATTRIBUTE}
        assert agent == {"agentName": AGENT_NAME, "metadata": '{"persona":"assistant"}', "deployment": "blue"}
        plain = await visit.page.evaluate("LivekitClient.TokenSource.endpoint('/api/token').fetch({})")
        claims = jwt.decode(plain["participantToken"], API_SECRET, algorithms=["HS256"])
        agents = [agent["agentName"] for agent in claims["roomConfig"]["agents"]]
        assert agents == [AGENT_NAME], "the dispatch rides in the token all the same"
