"""LiveKit's session of one call."""

from livekit import rtc
from livekit.agents import AgentSession, room_io

from agent.gemini import OUTPUT_RATE_HZ, EarshotModel

VOICE_TRACK = "roomio_audio"
"""The name of the agent's track, as LiveKit's agents have it."""


class CallSession(AgentSession[None]):
    """LiveKit's session of a call, which says whether it is being closed: that takes away what was being said."""

    is_closing = False

    async def aclose(self) -> None:
        self.is_closing = True
        await super().aclose()


def session_of(model: EarshotModel) -> CallSession:
    """LiveKit's session of a call with that model."""
    return CallSession(
        llm=model,
        vad=None,  # the service hears who speaks, and a local VAD gates playout (docs/facts.md L3)
        turn_handling={"turn_detection": "realtime_llm"},
        aec_warmup_duration=None,  # the default replaces the caller's first 3 s by silence (docs/facts.md L4)
        user_away_timeout=None,
        tts_text_transforms=None,
    )


def room_options() -> room_io.RoomOptions:
    """What LiveKit's session takes from the room, and gives to it."""
    return room_io.RoomOptions(
        # none that a caller has, so that LiveKit links nobody by itself: `Conversation.link_participant` does
        participant_kinds=[rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS],
        close_on_disconnect=False,  # somebody else may become the caller
        audio_input=False,
        audio_output=room_io.AudioOutputOptions(sample_rate=OUTPUT_RATE_HZ, track_name=VOICE_TRACK),
        text_input=False,  # agent/room/chat.py reads what is typed
        # agent/voice/captions.py paces them: the stock synchroniser costs more CPU than the socket (docs/facts.md L6)
        text_output=room_io.TextOutputOptions(sync_transcription=False),
    )
