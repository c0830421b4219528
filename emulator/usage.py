"""Token counts as the service reports them (docs/facts.md G6): the whole context again on every turn."""

from emulator.messages import Compression, Json
from emulator.profiles import Profile
from emulator.sessions import Memory

TOKENS_PER_S = 25
"""Tokens in a second of audio, in and out. Documented and measured."""
_CHARACTERS_PER_TOKEN = 4
_TRIGGER = 0.8


def text_tokens(text: str) -> int:
    """The number of tokens in a text, roughly."""
    return len(text) // _CHARACTERS_PER_TOKEN


def context_tokens(profile: Profile, memory: Memory) -> tuple[int, int]:
    """The tokens in the next turn's prompt: of text, of audio."""
    audio = profile.tokens.hidden_audio_tokens + round(memory.audio_s * TOKENS_PER_S)
    return profile.tokens.hidden_text_tokens + memory.text_tokens, audio


def compress(profile: Profile, memory: Memory, compression: Compression | None) -> bool:
    """Drop the oldest of the context once it is over its trigger, as the service does, without a word.

    Returns:
        False if the context is over the model's window, and nothing may be dropped.
    """
    text, audio = context_tokens(profile, memory)
    if compression is None:
        return text + audio <= profile.connection.context_tokens
    trigger = compression.trigger_tokens or round(profile.connection.context_tokens * _TRIGGER)
    target = compression.target_tokens or trigger // 2
    if text + audio > trigger:
        hidden = profile.tokens.hidden_text_tokens + profile.tokens.hidden_audio_tokens
        share = max(target - hidden, 0) / max(text + audio - hidden, 1)
        memory.keep(share)
    return True


def usage(profile: Profile, memory: Memory, *, said_s: float, said: str) -> Json:
    """The usageMetadata of a turn, by the seconds of sound and the words that the model said."""
    prompt_text, prompt_audio = context_tokens(profile, memory)
    response_audio = round(said_s * TOKENS_PER_S)
    response_text = text_tokens(said)
    prompt, response = prompt_text + prompt_audio, response_audio + response_text
    key = profile.tokens.usage_key
    counts: dict[str, object] = {
        "promptTokenCount": prompt,
        f"{key}TokenCount": response,
        "totalTokenCount": prompt + response,
        "promptTokensDetails": [_detail("TEXT", prompt_text), _detail("AUDIO", prompt_audio)],
        f"{key}TokensDetails": [_detail("TEXT", response_text), _detail("AUDIO", response_audio)],
    }
    if profile.tokens.thought_tokens:
        counts["thoughtsTokenCount"] = profile.tokens.thought_tokens
    return counts


def _detail(modality: str, count: int) -> Json:
    return {"modality": modality, "tokenCount": count} if count else {"modality": modality}  # proto3 leaves a zero out
