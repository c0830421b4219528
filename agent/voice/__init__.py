"""Output to the caller: captions at the pace of the voice, and the worker's own recorded sentences."""

from agent.voice.voice_agent import VoiceAgent

__all__ = ["VoiceAgent"]
