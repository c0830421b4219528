"""The interface of a call to the tools that run in it."""

from typing import Protocol


class CallControl(Protocol):
    """The running call, as its agent's tools see it."""

    async def show(self, **attributes: str) -> None:
        """Show something to everybody in the room, as attributes of the agent: `show(lights="on")`.

        It is shown even if the tool is cancelled meanwhile. In the console nobody sees it.
        """

    def hang_up_after_goodbye(self) -> None:
        """End the call once the model's next reply has been heard, or after GOODBYE_S. The caller may still go on."""

    async def press_keys(self, keys: str) -> None:
        """Press keys on the caller's telephone; a comma waits for half a second.

        Raises:
            NoTelephoneError: the caller isn't on one.
        """
