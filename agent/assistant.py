"""The agent and its tools. A tool is a method: its name, its parameters and its docstring are what the model reads."""

import asyncio
import datetime
import functools
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

from livekit import rtc
from livekit.agents import ModelSettings, function_tool, llm
from livekit.agents.types import TimedString

from agent.errors import NoTelephoneError, UnknownPlaceError
from agent.persona import Persona
from agent.tools.places import zone_of
from agent.tools.tool_results import ToolAgent
from agent.voice.captions import CaptionClock, paced, voiced

_DIALLED = re.compile(r"[0-9*#,]{1,32}")


_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_thread(work: Callable[_P, _R]) -> Callable[_P, Coroutine[Any, Any, _R]]:
    """For a tool that blocks, under `@function_tool`: it runs in a thread, and the call goes on meanwhile."""

    @functools.wraps(work)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        return await asyncio.to_thread(work, *args, **kwargs)

    return run


class Line(Protocol):
    """What a tool can do with the call that it runs in."""

    async def show_lights(self, *, on: bool) -> None:
        """Keep the state of the lights and show it to the room, as the agent's attribute `lights`."""

    def hang_up_after_goodbye(self) -> None:
        """End the call once the next thing the agent says has been heard; with a ceiling."""

    async def press_keys(self, keys: str) -> None:
        """Press keys on the caller's telephone; a comma waits for half a second.

        Raises:
            NoTelephoneError: the caller isn't on one.
        """


class Assistant(ToolAgent):
    """Earshot's agent. To add a tool, add a method here; CONTRIBUTING.md shows one with its test."""

    def __init__(self, persona: Persona, line: Line) -> None:
        super().__init__(instructions=persona.instructions)
        self.persona = persona
        self._line = line
        self._caption_clock = CaptionClock()

    @function_tool
    async def local_time(self, place: str) -> str:
        """Tell the date and time in a place.

        Args:
            place: A city that names a time zone, such as "Tokyo" or "New York", or an IANA zone such as "Europe/Berlin". For a
                city that names none, pass the zone it is in.
        """
        try:
            zone = zone_of(place)
        except UnknownPlaceError as unknown:
            hint = f" Did you mean {' or '.join(unknown.similar)}?" if unknown.similar else ""
            raise llm.ToolError(f"I know no time zone named {place!r}.{hint} Try an IANA zone such as Asia/Tokyo.") from None
        now = datetime.datetime.now(zone)
        return f"In {place} it is {now:%H:%M} on {now:%A}, {now.day} {now:%B %Y}."

    @function_tool
    async def turn_on_the_lights(self) -> str:
        """Turn on the lights of the room."""
        await self._line.show_lights(on=True)
        return "The lights are on."

    @function_tool
    async def turn_off_the_lights(self) -> str:
        """Turn off the lights of the room."""
        await self._line.show_lights(on=False)
        return "The lights are off."

    @function_tool
    async def hang_up(self) -> str:
        """End the call. Only when the caller clearly wants to go. Say goodbye after calling this."""
        self._line.hang_up_after_goodbye()
        return f"The call ends once you have spoken. {self.persona.goodbye}"

    @function_tool
    async def send_dtmf(self, keys: str) -> str:
        """Press keys on the telephone, as a menu at the other end asks for. Only on a telephone call.

        Args:
            keys: Up to 32 of 0 to 9, * and #. A comma waits for half a second.
        """
        if not _DIALLED.fullmatch(keys):
            raise llm.ToolError(f"{keys!r} can't be pressed: up to 32 of 0 to 9, *, # and commas, without spaces.")
        try:
            await self._line.press_keys(keys)
        except NoTelephoneError:
            raise llm.ToolError("There are no keys to press: the caller isn't on a telephone.") from None
        return f"Pressed {keys}."

    async def on_enter(self) -> None:
        """The agent takes the call: from here on the playout drives the captions."""
        if self.session.output.audio is not None:
            self.session.output.audio.on("playback_started", lambda _: self._caption_clock.playing())

    def realtime_audio_output_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        """The agent's voice on its way out, left alone: each answer only gets a clock for its captions."""
        del model_settings
        self._caption_clock = CaptionClock()
        return voiced(audio, self._caption_clock)

    def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncIterator[str | TimedString]:
        """The agent's captions on their way out, held to the pace of its voice where there is one."""
        del model_settings
        spoken = self.session.output.audio is not None and self.session.output.audio_enabled
        return paced(text, self._caption_clock) if spoken else aiter(text)
