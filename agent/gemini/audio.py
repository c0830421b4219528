"""The two sound formats of the Live API (docs/facts.md G18): 16 bit mono PCM, at one rate each way. Pure."""

INPUT_RATE_HZ = 16000
"""The caller's sound, as it goes to Gemini."""
OUTPUT_RATE_HZ = 24000
"""The model's sound, as it comes from Gemini."""
FRAME_MS = 20
"""The caller's sound in one message: it reaches the model 15-30 ms sooner than in the plugin's 50 ms, for 8-10 ms
of CPU per second (docs/facts.md L5)."""
_SAMPLE_BYTES = 2
INPUT_BYTES_PER_S = _SAMPLE_BYTES * INPUT_RATE_HZ
OUTPUT_BYTES_PER_S = _SAMPLE_BYTES * OUTPUT_RATE_HZ
