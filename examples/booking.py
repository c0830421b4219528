"""A form that is filled in over several turns: in any order, several fields at once, and with changes of mind."""

import dataclasses

from livekit.agents import function_tool, llm

from agent.persona import Persona
from agent.tools import CallControl, tool_options
from agent.voice import VoiceAgent

MOST_GUESTS = 12


@dataclasses.dataclass(frozen=True)
class Booking:
    """The form. A field that the caller hasn't told yet is None."""

    name: str | None = None
    guests: int | None = None
    day: str | None = None
    time: str | None = None

    @property
    def missing(self) -> list[str]:
        return [name for name, value in dataclasses.asdict(self).items() if value is None]


class BookingDesk(VoiceAgent):
    """Books tables of a restaurant. The form is in the agent, not in the model's memory: nothing is booked that isn't in it."""

    def __init__(self, persona: Persona, call: CallControl) -> None:
        super().__init__(instructions=persona.system_instruction)
        self._call = call
        self.booking = Booking()

    @function_tool
    async def fill_in(
        self, name: str | None = None, guests: int | None = None, day: str | None = None, time: str | None = None
    ) -> str:
        """Note what the caller has said about their booking, each time that they say or change something.

        Args:
            name: The name that the table is booked under.
            guests: How many people come.
            day: Such as "Friday" or "24 December".
            time: Such as "19:30".
        """
        if guests is not None and not 1 <= guests <= MOST_GUESTS:
            raise llm.ToolError(f"A table has room for 1 to {MOST_GUESTS} people.")
        told = {"name": name, "guests": guests, "day": day, "time": time}
        self.booking = Booking(**dataclasses.asdict(self.booking) | {key: value for key, value in told.items() if value})
        await self._call.show("booking", self._words)  # the page shows it beside the captions
        if missing := self.booking.missing:
            return f"Noted. Ask for: {', '.join(missing)}."
        return f"Everything is there: {self._words}. Read it back, and book it when the caller agrees."

    @function_tool
    @tool_options(shielded=True)
    async def book(self) -> str:
        """Book the table. Only after the caller has heard the whole booking and agreed."""
        if missing := self.booking.missing:
            raise llm.ToolError(f"It can't be booked yet. Ask for: {', '.join(missing)}.")
        return f"The table is booked for {self.booking.name}."  # here your own code would book it

    @property
    def _words(self) -> str:
        booking = self.booking
        guests = None if booking.guests is None else f"{booking.guests} people"
        return ", ".join(filter(None, (booking.day, booking.time, guests)))
