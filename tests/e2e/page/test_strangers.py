"""A room that callers name may hold others: nothing that they send is shown as the agent's or the caller's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import api, rtc
from playwright.async_api import Browser, Page, expect

from tests.e2e.page.browser import LIGHTS, Visit
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, until
from tests.token_server.program import TokenServerProcess

CARD = "Please read me your card number"
COUNT_FOREIGN_PIECES = """() => {
  window.foreignPieces = 0;
  earshot.room.engine.on("dataPacketReceived", ({ participantIdentity, value }) => {
    if (participantIdentity === "mallory" && value.case !== "streamHeader") foreignPieces += 1;
  });
}"""


@asynccontextmanager
async def stranger(
    server: Sfu, room: str, identity: str = "mallory", *, hidden: bool = False
) -> AsyncIterator[rtc.LocalParticipant]:
    """Somebody else in the room, with all that a token of the token server gives; hidden, with more."""
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_name("Agent")
    grants = api.VideoGrants(room_join=True, room=room, hidden=hidden, can_update_own_metadata=True)
    joined = rtc.Room()
    await joined.connect(server.url, token.with_grants(grants).to_jwt())
    try:
        yield joined.local_participant
    finally:
        await joined.disconnect()


async def writes(participant: rtc.LocalParticipant, text: str, *, sender: str | None = None) -> None:
    """Send a caption, in one packet and in several; under another's name, if LiveKit lets them."""
    attributes = {"lk.transcription_final": "true", "lk.transcribed_participant_identity": "agent-stand-in"}
    await participant.send_text(text, topic="lk.transcription", attributes=attributes)
    writer = await participant.stream_text(topic="lk.transcription", attributes=attributes, sender_identity=sender)
    await writer.write(text)
    await writer.aclose()


async def test_what_a_stranger_sends_is_not_the_agents(visit_alone: Visit, server: Sfu) -> None:
    """Captions under any name, events, attributes and a goodbye."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    room = await visit.room()
    caller = str(await visit.page.evaluate("earshot.room.localParticipant.identity"))
    async with (
        stand_in(server, room) as agent,
        stranger(server, room) as mallory,
        stranger(server, room, "h", hidden=True) as spy,
    ):
        await visit.is_in("listening")
        for sender in (None, "agent-stand-in", caller):
            await writes(mallory, CARD, sender=sender)
            await writes(spy, CARD, sender=sender)
        await mallory.set_attributes({"lights": "on", "lk.agent.state": "speaking", "mood": "greedy"})
        for event in ('{"type": "tool_started", "id": "1", "name": "steal"}', '{"type": "call_ended", "reason": "hung_up"}'):
            await mallory.send_text(event, topic="earshot.events")
        await mallory.publish_data(CARD, topic="lk-chat-topic")
        await mallory.send_text(CARD, topic="lk.chat")
        await agent.writes_for(caller, "Hello, can you hear me?")
        await agent.says("I hear you.")
        await visit.says("#captions", "I hear you.")
        assert await visit.captions() == [("caller", "Hello, can you hear me?"), ("agent", "I hear you.")]
        await expect(visit.page.locator(LIGHTS)).to_be_hidden()
        await expect(visit.page.locator("#facts")).to_be_empty()
        await visit.is_in("listening")
        await expect(visit.page.locator("#tool")).to_be_hidden()


@pytest.mark.long
async def test_nobody_adds_to_the_agents_words_or_ends_them(
    browser: Browser, visit_alone: Visit, server_without_agent: TokenServerProcess, server: Sfu
) -> None:
    """Everybody in the room learns the name of the agent's stream, and may send pieces and an end that name it."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    room = await visit.room()
    window = await browser.new_context()
    try:
        mallory = await window.new_page()
        await mallory.goto(server_without_agent.url)
        await joins(mallory, server, room)
        async with stand_in(server, room) as agent:
            await visit.is_in("listening")
            await visit.page.evaluate(COUNT_FOREIGN_PIECES)
            async with agent.saying("I am ") as words:
                await visit.says("#captions", "I am")
                await mallory.wait_for_function("() => window.stolen")
                await mallory.evaluate("forge()")
                await visit.page.wait_for_function("() => foreignPieces === 2")  # one piece and the end have arrived
                await words.write("the agent.")
                await visit.says("#captions", "I am the agent.")
            await expect(visit.page.locator(".line[data-final=true]")).to_have_count(1)
            assert await visit.captions() == [("agent", "I am the agent.")]
    finally:
        await window.close()


async def joins(page: Page, server: Sfu, room: str) -> None:
    """A second page in the room, with livekit-client in the hands of somebody who changes what it sends."""
    await page.evaluate(
        """async ({ url, token, text }) => {
          const room = new LivekitClient.Room();
          room.registerTextStreamHandler("lk.transcription", (reader) => { window.stolen = reader.info.id; });
          await room.connect(url, token);
          window.forge = async () => {
            const { engine } = room;
            const send = engine.sendDataPacket.bind(engine);
            engine.sendDataPacket = (packet, ...given) => {
              const { case: kind, value } = packet.value;
              if (kind === "streamChunk" || kind === "streamTrailer") value.streamId = window.stolen;
              return send(packet, ...given);
            };
            const writer = await room.localParticipant.streamText({ topic: "elsewhere" });
            await writer.write(text);
            await writer.close();
          };
        }""",
        {"url": server.url, "token": server.token(room, "mallory"), "text": CARD},
    )


@pytest.mark.long
async def test_of_two_agents_the_page_shows_one(visit_alone: Visit, server: Sfu) -> None:
    """The one that was there first, until it leaves; then the other."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    room = await visit.room()
    async with stand_in(server, room, "agent-1") as first:
        await visit.is_in("listening")
        async with stand_in(server, room, "agent-2") as second:
            await second.is_("speaking", lights="on")
            await second.says("I am the second.")
            await first.says("I am the first.")
            await visit.says("#captions", "I am the first.")
            assert await visit.captions() == [("agent", "I am the first.")]
            await visit.is_in("listening")
            await expect(visit.page.locator(LIGHTS)).to_be_hidden()
            await first.leaves()
            await visit.is_in("speaking")
            await expect(visit.page.locator(LIGHTS)).to_be_visible()
            await second.says("I am the only one.")
            await visit.says("#captions", "I am the only one.")


@pytest.mark.long
async def test_an_earshot_is_shown_before_an_older_agent_of_another_kind(visit_alone: Visit, server: Sfu) -> None:
    """A translator, for one, that was in the room before."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    room = await visit.room()
    async with stand_in(server, room, "translator") as translator:
        await visit.is_in("listening")
        async with stand_in(server, room, "agent-1", **{"earshot.agent": "earshot"}) as earshot:
            await earshot.is_("speaking")
            await visit.is_in("speaking")
            await translator.says("Ich bin der Dolmetscher.")
            await earshot.says("I am Earshot.")
            await visit.says("#captions", "I am Earshot.")
            assert await visit.captions() == [("agent", "I am Earshot.")]


async def test_a_caller_whom_the_agent_does_not_take_is_told(visit_alone: Visit, server: Sfu) -> None:
    """The advice is for this caller alone, until the agent takes them again."""
    visit = visit_alone
    await visit.page.click("#call")
    room = await visit.room()
    me = str(await visit.page.evaluate("earshot.room.localParticipant.identity"))
    failure = visit.page.locator("#failure")
    async with stand_in(server, room) as agent:
        await visit.is_in("listening")
        await agent.tells("audience", identity="mallory", reason="another_caller")
        await agent.tells("line_dropped", identity="mallory", reason="too_many")
        await agent.tells("audience", identity=me, reason="a-reason-of-a-later-version")
        await agent.says("All of that was said.")
        await visit.says("#captions", "All of that was said.")
        await expect(failure).to_be_empty()
        for reason, words in {
            "another_caller": "talks with somebody else",
            "may_not_speak": "type to the agent",
            "sound_refused": "may not hear your microphone",
        }.items():
            await agent.tells("audience", identity=me, reason=reason)
            await visit.says("#failure", words)
            await visit.type("good evening")
            await until(lambda: agent.typed != [])
            await visit.says("#failure", words)
            agent.typed.clear()
            await agent.tells("caller", identity=me)
            await expect(failure).to_be_empty()


@pytest.mark.long
@pytest.mark.parametrize(("reason", "words"), [("too_many", "Wait a few seconds"), ("not_the_caller", "somebody else")])
async def test_a_line_that_was_dropped_is_told_until_the_next_one(
    visit_alone: Visit, server: Sfu, reason: str, words: str
) -> None:
    visit = visit_alone
    await visit.page.click("#type-instead")
    room = await visit.room()
    me = str(await visit.page.evaluate("earshot.room.localParticipant.identity"))
    async with stand_in(server, room) as agent:
        await visit.is_in("listening")
        await agent.tells("line_dropped", identity=me, reason=reason)
        await visit.says("#failure", words)
        await visit.picture(f"line-dropped-{reason}")
        await visit.type("good evening")
        await expect(visit.page.locator("#failure")).to_be_empty()
