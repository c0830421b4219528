"""The model's life around LiveKit's sessions: it connects at once, tells its listener, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import llm

from agent.gemini import CAPABILITIES, ApiKey, EarshotModel, Endpoint, Voicing
from agent.gemini.capabilities import capabilities_of
from agent.gemini.events import Cause, Kind, LinkEvent
from tests.agent.gemini.listening import Told
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, sound, wire
from tests.e2e.stack import until

PAUSE_S = 0.4
"""Caller speech ends after so much quiet (agent/gemini/exchange/caller_voice.py)."""

MODEL = "gemini-3.8-live"


def at(endpoint: Wire, told: Told | None = None) -> EarshotModel:
    return EarshotModel(
        Endpoint(MODEL, ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file), Voicing("Puck"), listener=told
    )


def speaking(message: dict[str, Any]) -> Frames:
    if message.get("client_content", {}).get("turnComplete"):
        return [sound("Yes."), COMPLETE | {"usageMetadata": {"totalTokenCount": 7}}]
    return [{"toolCallCancellation": {"ids": ["a", "b"]}}] if "realtime_input" in message else []


async def test_a_model_that_is_not_entered_has_no_session() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        EarshotModel(Endpoint(MODEL, ApiKey("key")), Voicing("Puck")).session()


async def test_it_connects_before_it_has_a_session_and_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    told = Told()
    async with wire(tmp_path, speaking) as endpoint:
        async with at(endpoint, told) as model:
            model.session()
            assert await asyncio.wait_for(model.connected(), 5)
        assert {task.get_name() for task in asyncio.all_tasks() - before} & {"gemini-link", "gemini-dial"} == set()
    assert [event.kind for event in told.events] == [Kind.CONNECTED]


async def test_the_caller_is_told_to_be_loud_or_quiet_whatever_the_service_says_of_it(tmp_path: Path) -> None:
    """Some models say nothing of it; this one says that the caller speaks, and never that they have finished."""
    told, began = Told(), asyncio.Event()

    def hears(message: dict[str, Any]) -> Frames:
        if "audio" not in message.get("realtime_input", {}) or began.is_set():
            return []
        began.set()
        return [{"voiceActivity": {"type": "ACTIVITY_START"}}]

    def frame(*, is_loud: bool) -> rtc.AudioFrame:
        return rtc.AudioFrame((b"\0\x10" if is_loud else b"\0\0") * 320, 16000, 1, 320)

    async with wire(tmp_path, hears) as endpoint, at(endpoint, told) as model:
        session = model.session()
        assert await asyncio.wait_for(model.connected(), 5)
        for _ in range(10):
            session.push_audio(frame(is_loud=True))
        assert told.loud == [True]
        await asyncio.wait_for(began.wait(), 5)

        def is_quiet() -> bool:
            session.push_audio(frame(is_loud=False))
            return told.loud == [True, False]

        await until(is_quiet)
        for _ in range(10):
            session.push_audio(frame(is_loud=True))
        await session.aclose()
        assert told.loud == [True, False, True, False], "a conversation that is over has no voice"
    assert told.loud_ago_s[1] > PAUSE_S, "the end is the last loud moment, before the pause by which it was noticed"
    assert max(told.loud_ago_s[0::2]) < PAUSE_S


async def test_sessions_follow_each_other(tmp_path: Path) -> None:
    """LiveKit closes the one before it opens the next; each is connected."""
    async with wire(tmp_path, speaking) as endpoint, at(endpoint) as model:
        for _ in range(2):
            session = model.session()
            generation = await asyncio.wait_for(session.generate_reply(instructions="Speak."), 5)
            assert [message async for message in generation.message_stream]
            assert [line.text for line in session.history()] == ["Yes."]
            await session.aclose()
            with pytest.raises(llm.RealtimeError, match="closed"):
                await session.generate_reply()
        assert len(endpoint.of("setup")) == 2


async def test_a_session_hears_that_its_link_has_failed_before(tmp_path: Path) -> None:
    async with wire(tmp_path, speaking) as endpoint, at(endpoint) as model:
        model.on_event(LinkEvent(Kind.FAILED, Cause.KEY))
        with pytest.raises(llm.RealtimeError, match="no connection to the model: key"):
            await asyncio.wait_for(model.session().generate_reply(), 5)


async def test_who_waits_for_a_stream_to_be_said_is_told_that_the_session_is_closed(tmp_path: Path) -> None:
    """And who withdraws it gets what a cancelled task gets."""
    begun = asyncio.Queue[None](maxsize=2)

    async def pieces() -> AsyncIterator[str]:
        yield "Well, "
        begun.put_nowait(None)
        await asyncio.Event().wait()

    async with wire(tmp_path, lambda _: []) as endpoint, at(endpoint) as model:
        session = model.session()
        withdrawn, closed = session.say(pieces()), session.say(pieces())
        for _ in range(2):
            await begun.get()
        withdrawn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await withdrawn
        await session.aclose()
        with pytest.raises(llm.RealtimeError, match="closed"):
            await closed


async def test_closing_ends_what_is_open_even_if_it_is_cancelled(tmp_path: Path) -> None:
    async with wire(tmp_path, lambda _: []) as endpoint, at(endpoint) as model:
        session = model.session()
        reply = session.generate_reply()
        closing = asyncio.create_task(session.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(llm.RealtimeError, match="closed"):
            await asyncio.wait_for(reply, 5)


async def test_the_listener_hears_of_calls_that_are_taken_back_and_livekit_of_tokens(tmp_path: Path) -> None:
    told, metrics = Told(), asyncio.Queue[Any](maxsize=9)
    async with wire(tmp_path, speaking) as endpoint, at(endpoint, told) as model:
        session = model.session()
        session.on("metrics_collected", metrics.put_nowait)
        generation = await asyncio.wait_for(session.generate_reply(instructions="Speak."), 5)
        used = await asyncio.wait_for(metrics.get(), 5)
        assert (used.total_tokens, used.request_id) == (7, generation.response_id)
        session.push_audio(rtc.AudioFrame(bytes(640), 16000, 1, 320))
        await until(lambda: told.cancelled == ["a", "b"])


def test_what_is_claimed_to_livekit() -> None:
    """Agents that take turns share a session, and what of an answer was heard is told to it."""
    claims = EarshotModel(Endpoint(MODEL, ApiKey("key")), Voicing("Puck")).capabilities
    assert claims.mutable_chat_context
    assert claims.mutable_instructions
    assert claims.mutable_tools
    assert claims.per_response_tool_choice
    assert claims.message_truncation
    assert claims.supports_say
    assert claims.turn_detection
    assert claims.can_disable_turn_detection
    assert not claims.supports_overlapping_speech


def test_an_unknown_model_is_taken_for_one_of_its_generation() -> None:
    newer, older = capabilities_of("gemini-3.8-live-next"), capabilities_of("gemini-2.5-other")
    assert (newer.non_blocking_tools, newer.needs_placeholder, newer.whole_transcripts) == (True, False, False)
    assert (older.non_blocking_tools, older.needs_placeholder) == (False, True)
    newest = capabilities_of("gemini-4-live")
    assert (newest.non_blocking_tools, newest.needs_placeholder) == (True, False), "an unknown generation is the newest"
    assert all(capabilities_of(name) is known for name, known in CAPABILITIES.items())
