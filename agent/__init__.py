"""The worker: answers calls in LiveKit rooms with Gemini Live."""
