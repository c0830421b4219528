"""A conversation keeps little of a long call."""

from livekit.agents import AgentSession
from livekit.agents.voice.events import UserInputTranscribedEvent

from agent.livekit_private import forget_events


async def test_the_session_keeps_one_event_and_tells_all() -> None:
    """The first line shows that the session still has the list that is replaced."""
    session: AgentSession[None] = AgentSession()
    told: list[str] = []
    session.on("user_input_transcribed", lambda event: told.append(event.transcript))
    for _ in range(2):
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript="kept", is_final=True))
    assert len(session._recorded_events) == 2
    forget_events(session)
    for _ in range(1000):
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript="told", is_final=True))
    assert len(session._recorded_events) == 1
    assert told == ["kept"] * 2 + ["told"] * 1000
