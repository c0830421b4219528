"""Token counts as the service reports them (docs/facts.md G6): the whole context again on every turn."""

from emulator.profiles import Profile
from emulator.sessions import Memory
from emulator.wire import Json

TOKENS_PER_S = 25
"""Of audio, in and out. Documented and measured."""
_CHARACTERS_PER_TOKEN = 4


def usage(profile: Profile, memory: Memory, *, said_s: float, said: str) -> Json:
    """The usageMetadata of a turn in which the model said that much."""
    prompt_text = profile.hidden_text_tokens + memory.text_tokens
    prompt_audio = profile.hidden_audio_tokens + round(memory.audio_s * TOKENS_PER_S)
    response_audio = round(said_s * TOKENS_PER_S)
    response_text = len(said) // _CHARACTERS_PER_TOKEN
    prompt, response = prompt_text + prompt_audio, response_audio + response_text
    return {
        "promptTokenCount": prompt,
        "responseTokenCount": response,
        "totalTokenCount": prompt + response,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": prompt_text},
            {"modality": "AUDIO", "tokenCount": prompt_audio},
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": response_audio}],
    }
