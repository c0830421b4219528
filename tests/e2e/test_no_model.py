"""A model that isn't there: the caller is told so by the worker's own voice, and not left in silence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.voice.local_voice import RATE_HZ, TEXTS, Sentence, file_of
from caller import AgentAttributes, AgentSilent, AgentSound, AgentTrack, CallEnding, Caller, Caption, Left, RoomEvent, spans
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from speech import read_wav
from tests.e2e.conftest import GREETING, SCRIPT
from tests.e2e.stack import Sfu, emulator, worker

pytestmark = pytest.mark.sound

NAME = "without-model"


@asynccontextmanager
async def with_emulator(folder: Path, server: Sfu, *options: str) -> AsyncIterator[Part]:
    (folder / "script.toml").write_text(SCRIPT)
    async with (
        emulator(folder, "--script", str(folder / "script.toml"), *options) as model,
        worker(server, model, AGENT_NAME=NAME) as part,
    ):
        yield part


def link_events(caller: Caller) -> list[dict[str, object]]:
    return [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "link"]


def heard_whole(caller: Caller, language: str, sentence: Sentence) -> bool:
    """The last thing that was heard was as long as that sentence."""
    length_s = len(read_wav(file_of(language, sentence), sample_rate_hz=RATE_HZ)) / RATE_HZ
    return abs(spans(caller.recording, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.5)[-1].duration_s - length_s) < 0.25


async def test_who_is_refused_for_good_is_told_so_and_the_call_ends(server: Sfu, tmp_path: Path, room: str) -> None:
    """In their language, within three seconds; the room and the log say why, the room not in the service's own words."""
    async with with_emulator(tmp_path, server, "--api-key", "another") as part:
        wishes = '{"language": "de-DE", "persona": "asistant"}'
        async with server.caller(room, agent_name=NAME, metadata=wishes) as caller:
            track = await caller.first(AgentTrack, within_s=15)
            sound = await caller.first(AgentSound, within_s=10)
            assert sound.t - track.t < 3
            ended = await caller.first(AgentAttributes, within_s=10, where=lambda now: "earshot.ending" in now.attributes)
            await caller.first(Left, within_s=10)
            assert heard_whole(caller, "de", Sentence.GOODBYE)
        captions = [event.text for event in caller.log if isinstance(event, Caption) and event.final]
        assert captions == [TEXTS["de"][Sentence.GOODBYE]]
        assert (ended.attributes["earshot.ending"], ended.attributes["earshot.failure"]) == ("model_refused", "key")
        assert caller.ending == CallEnding("model_refused", "key", "ROOM_DELETED")
        told = {str(event.body["type"]): event.body for event in caller.log if isinstance(event, RoomEvent)}
        assert (told["call_ended"]["reason"], told["call_ended"]["failure"]) == ("model_refused", "key")
        replaced = told["persona_replaced"]
        assert (replaced["asked"], replaced["instead"], replaced["did_you_mean"]) == ("asistant", "assistant", "assistant")
        [failed] = [event for event in link_events(caller) if event["kind"] == "failed"]
        assert failed["cause"] == "key"
        assert "reason" not in failed
        assert '"reason"' in await part.says('"Gemini connection: failed (key)"')
        line = await part.says("call ended: the model's service refused the call")
        assert '"level": "ERROR"' in line
        assert '"failure": "key"' in line


async def test_who_waits_for_the_first_connection_is_told_so_and_then_greeted(server: Sfu, tmp_path: Path, room: str) -> None:
    async with (
        with_emulator(tmp_path, server, "--fault", "setup_complete_late:seconds=4.5"),
        server.caller(room, agent_name=NAME) as caller,
    ):
        track = await caller.first(AgentTrack, within_s=15)
        told = await caller.first(AgentSound, within_s=10)
        assert 1 < told.t - track.t < 4
        mark = len(caller.log)
        await caller.first(AgentSilent, within_s=5, since=mark)
        assert heard_whole(caller, "en", Sentence.WAITING)
        connected = await caller.first(RoomEvent, within_s=10, where=lambda event: event.body.get("kind") == "connected")
        greeting = await caller.first(AgentSound, within_s=5, where=lambda sound: sound.t > connected.t)
        assert greeting.t - connected.t < 1
        await caller.first(Caption, within_s=5, where=lambda caption: caption.final and caption.text == GREETING)
