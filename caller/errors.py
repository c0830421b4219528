"""The caller's errors.

CallerError
├── TokenError            no token: the token server is not there or refuses
├── UnknownPersonaError   the token server offers no persona of that name, but one of a similar name
├── JoinError             a token, but the room can't be joined
├── NotHeardError         in the room, but what was waited for didn't happen in time
│   └── NoAgentError      no agent joined the room
└── CallEndedError        the call ended while something was waited for
"""

from collections.abc import Sequence

from caller.call_endings import CallEnding

_AWAITED = {
    "agent_track": "the agent to join",
    "agent_sound": "the agent's voice",
    "agent_silent": "the agent to stop speaking",
    "attributes": "an attribute of the agent",
    "background_sound": "the agent's background sound",
    "caption": "a caption",
    "event": "an event of the agent",
    "left": "the end of the call",
    "speech_start": "the beginning of your speech",
    "speech_end": "the end of your speech",
}
"""What is waited for in words, by the type of the event."""


class CallerError(Exception):
    """Base of this package's errors."""


class TokenError(CallerError):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no token from {url}: {reason}")
        self.url = url


class UnknownPersonaError(CallerError):
    def __init__(self, name: str, near: str, offered: Sequence[str]) -> None:
        super().__init__(f"there is no persona {name!r}; did you mean {near!r}? The token server offers {', '.join(offered)}")
        self.name = name
        self.near = near


class JoinError(CallerError):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"could not join the room at {url}: {reason}")
        self.url = url


class NotHeardError(CallerError):
    def __init__(self, awaited: str, waited_s: float, sentence: str | None = None) -> None:
        super().__init__(sentence or f"waited {waited_s:g} s for {_AWAITED.get(awaited, awaited)}, in vain")
        self.awaited = awaited
        self.waited_s = waited_s


class NoAgentError(NotHeardError):
    def __init__(self, awaited: str, waited_s: float) -> None:
        fix = "is a worker running, at the same LiveKit and with the same AGENT_NAME? Its log says why it takes no call"
        super().__init__(awaited, waited_s, f"no agent joined within {waited_s:g} s: {fix}")


class CallEndedError(CallerError):
    """`reason` is LiveKit's disconnect reason; `ending` is what is known beside it."""

    def __init__(self, awaited: str, ending: CallEnding) -> None:
        waited_for = _AWAITED.get(awaited, awaited)
        super().__init__(f"the call ended while waiting for {waited_for} ({ending.disconnect}): {ending.words}")
        self.awaited = awaited
        self.ending = ending
        self.reason = ending.disconnect
