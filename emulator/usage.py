"""Token counts as the service reports them (docs/facts.md G6): the whole context again on every turn."""

from emulator.messages import Compression, Json
from emulator.profile import Profile
from emulator.sessions import Memory

TOKENS_PER_S = 25
"""Tokens in a second of audio, in and out. Documented and measured."""
PICTURE_TOKENS = 258
"""Tokens of a picture without a media resolution. Reported for 2.5; 3.8 counted 272."""
RESOLUTION_TOKENS = {"MEDIA_RESOLUTION_LOW": 64, "MEDIA_RESOLUTION_MEDIUM": 256, "MEDIA_RESOLUTION_HIGH": 280}
"""Tokens of a picture by the setup's media resolution. Low and medium: documented; high: reported."""
_CHARACTERS_PER_TOKEN = 4
_TRIGGER = 0.8


def text_tokens(text: str) -> int:
    """The number of tokens in a text, roughly."""
    return len(text) // _CHARACTERS_PER_TOKEN


def picture_tokens(media_resolution: str) -> int:
    """The number of tokens in a picture, by the setup's media resolution."""
    return RESOLUTION_TOKENS.get(media_resolution, PICTURE_TOKENS)


def context_tokens(profile: Profile, memory: Memory) -> tuple[int, int, int]:
    """The tokens in the next turn's prompt: of text, of audio, of pictures."""
    audio = profile.tokens.hidden_audio_tokens + round(memory.audio_s * TOKENS_PER_S)
    return profile.tokens.hidden_text_tokens + memory.text_tokens, audio, memory.picture_tokens


def compress(profile: Profile, memory: Memory, compression: Compression | None) -> bool:
    """Drop the oldest of the context once it is over its trigger, as the service does, without a word.

    Returns:
        False if the context is over the model's window, and nothing may be dropped.
    """
    tokens = sum(context_tokens(profile, memory))
    if compression is None:
        return tokens <= profile.connection.context_tokens
    trigger = compression.trigger_tokens or round(profile.connection.context_tokens * _TRIGGER)
    target = compression.target_tokens or trigger // 2
    if tokens > trigger:
        hidden = profile.tokens.hidden_text_tokens + profile.tokens.hidden_audio_tokens
        share = max(target - hidden, 0) / max(tokens - hidden, 1)
        memory.keep(share)
    return True


def usage(profile: Profile, memory: Memory, *, said_s: float, said: str) -> Json:
    """The usageMetadata of a turn, by the seconds of sound and the words that the model said."""
    prompt_text, prompt_audio, prompt_pictures = context_tokens(profile, memory)
    response_audio = round(said_s * TOKENS_PER_S)
    response_text = text_tokens(said)
    prompt, response = prompt_text + prompt_audio + prompt_pictures, response_audio + response_text
    pictures = [_detail("IMAGE", prompt_pictures)] if prompt_pictures else []
    key = profile.tokens.usage_key
    counts: dict[str, object] = {
        "promptTokenCount": prompt,
        f"{key}TokenCount": response,
        "totalTokenCount": prompt + response,
        "promptTokensDetails": [_detail("TEXT", prompt_text), _detail("AUDIO", prompt_audio), *pictures],
        f"{key}TokensDetails": [_detail("TEXT", response_text), _detail("AUDIO", response_audio)],
    }
    if profile.tokens.thought_tokens:
        counts["thoughtsTokenCount"] = profile.tokens.thought_tokens
    return counts


def _detail(modality: str, count: int) -> Json:
    return {"modality": modality, "tokenCount": count} if count else {"modality": modality}  # proto3 leaves a zero out
