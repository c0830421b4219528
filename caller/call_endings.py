"""The reason why a call ended, as a sentence with what to do about it. Pure: codes and events in, words out.

The codes are those of `call_ended` and of failed connections to Gemini (docs/events.md), and LiveKit's disconnect reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from caller.events import AgentAttributes, Event, Left, RoomEvent

ENDING_ATTRIBUTE = "earshot.ending"
FAILURE_ATTRIBUTE = "earshot.failure"

_LOG = "The worker's log has the details."
ENDINGS = {
    "nobody_joined": "nobody joined the room in time (CALLER_JOIN_S)",
    "caller_lost": "the caller's connection was lost, and didn't come back in time (CALLER_RETURN_S)",
    "caller_left": "the caller left",
    "room_gone": "the room was closed",
    "too_long": "the call reached its longest length (LONGEST_CALL_S)",
    "cost_cap": "the call has cost as much as it may (COST_CAP_USD, or the persona's cost_cap_usd)",
    "no_answer": f"the model did not answer in time (ANSWER_S). {_LOG}",
    "silence": "nobody said anything for a while (CALLER_SILENCE_S)",
    "model_failed": f"the model's session failed. {_LOG}",
    "model_refused": f"Gemini refused the call. {_LOG}",
    "model_unreachable": "Gemini could not be reached (GEMINI_AWAY_S)",
    "worker_failed": f"something in the worker failed. {_LOG}",
    "hung_up": "the agent hung up",
    "shut_down": "the worker is shutting down",
    "no_worker": "no worker could take the call: all are full, or none runs. Their logs have the details",
    "second_agent": "an older Earshot is in the room already",
    "taken_over": "another process goes on with the call",
}
"""Sentences by the `reason` of `call_ended`."""

FAILURES = {
    "key": "Gemini refused the API key. Check GOOGLE_API_KEY in the worker's environment or .env, and start the worker again.",
    "token_expired": "the time of the ephemeral token is over. Make a new one with `python -m agent.gemini token`.",
    "token_used_up": "the ephemeral token has begun as many sessions as it may. Make another: `python -m agent.gemini token`.",
    "quota": "the quota of the Gemini key or project is used up. Wait for the next minute or day, or raise it at Google.",
    "model": "Gemini doesn't serve the model to this key or region. Check GEMINI_MODEL (`python -m agent.gemini models`).",
    "location": "Gemini isn't available where the worker runs. Run it elsewhere, or with Vertex set GOOGLE_CLOUD_LOCATION.",
    "settings": "Gemini refused a setting of the call. The worker's log has Gemini's own sentence about it.",
    "unreachable": "Gemini could not be reached. Check the worker's network, HTTPS_PROXY and GEMINI_BASE_URL.",
    "mute": "Gemini was connected and said nothing. Call again; if it goes on, try another GEMINI_MODEL.",
    "worker": "something in the worker failed, such as a tool that can't be declared. The worker's log says what.",
}
"""Sentences by the `cause` of a connection to Gemini that failed for good."""

DISCONNECTS = {
    "CLIENT_INITIATED": "you hung up",
    "ROOM_DELETED": "the room was closed",
    "ROOM_CLOSED": "the room was closed",
    "PARTICIPANT_REMOVED": "somebody removed you from the room",
    "DUPLICATE_IDENTITY": "somebody joined with the same identity",
    "SERVER_SHUTDOWN": "livekit-server was shut down",
    "SIGNAL_CLOSE": "the connection to livekit-server was lost",
    "CONNECTION_TIMEOUT": "the connection to livekit-server was lost",
    "MEDIA_FAILURE": "the connection for sound was lost: a firewall may block the media port",
}
"""Clauses by LiveKit's disconnect reason."""


@dataclass(frozen=True)
class CallEnding:
    """What is known of a call's end. Fields are empty where nobody has said anything."""

    code: str = ""
    """The agent's reason, as `call_ended` has it."""
    failure: str = ""
    """The cause for which the connection to Gemini failed for good."""
    disconnect: str = ""
    """LiveKit's disconnect reason, such as ROOM_DELETED."""

    @property
    def words(self) -> str:
        """The reason as a sentence, with what to do where something can be done."""
        if self.failure in FAILURES:
            return FAILURES[self.failure]
        if self.code:
            return ENDINGS.get(self.code, self.code.replace("_", " "))
        return DISCONNECTS.get(self.disconnect, "the connection ended")


def ending_of(log: Sequence[Event]) -> CallEnding:
    """The end of a call, by its events so far."""
    code = failure = disconnect = ""
    for event in log:
        match event:
            case RoomEvent(body={"type": "call_ended", "reason": str(reason)} as body):
                code, failure = reason, str(body.get("failure") or failure)
            case AgentAttributes(attributes=attributes):
                code = attributes.get(ENDING_ATTRIBUTE, code)
                failure = attributes.get(FAILURE_ATTRIBUTE, failure)
            case Left(reason=reason):
                disconnect = reason
            case _:
                pass
    return CallEnding(code, failure, disconnect)
