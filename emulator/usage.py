"""Token counts as the service reports them (docs/facts.md G6): the whole context again on every turn."""

from emulator.messages import Json
from emulator.profiles import Profile
from emulator.sessions import Memory

TOKENS_PER_S = 25
"""Of audio, in and out. Documented and measured."""
_CHARACTERS_PER_TOKEN = 4
_THOUGHTS = 40
"""Recorded on every turn of 3.8, and not part of the total."""


def text_tokens(text: str) -> int:
    """About as many tokens as a text has."""
    return len(text) // _CHARACTERS_PER_TOKEN


def usage(profile: Profile, memory: Memory, *, said_s: float, said: str) -> Json:
    """The usageMetadata of a turn in which the model said that much."""
    prompt_text = profile.hidden_text_tokens + memory.text_tokens
    prompt_audio = profile.hidden_audio_tokens + round(memory.audio_s * TOKENS_PER_S)
    response_audio = round(said_s * TOKENS_PER_S)
    response_text = text_tokens(said)
    prompt, response = prompt_text + prompt_audio, response_audio + response_text
    return {
        "promptTokenCount": prompt,
        "responseTokenCount": response,
        "totalTokenCount": prompt + response,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": prompt_text},
            {"modality": "AUDIO", "tokenCount": prompt_audio},
        ],
        "responseTokensDetails": [
            {"modality": "TEXT", "tokenCount": response_text},
            {"modality": "AUDIO", "tokenCount": response_audio},
        ],
        "thoughtsTokenCount": _THOUGHTS,
    }
