"""LiveKit's session of one call."""

from livekit.agents import AgentSession

from agent.gemini import EarshotModel


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
