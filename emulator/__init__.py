"""The Gemini Live API on this machine: wire-true, timing-true, without a key. See emulator/README.md."""
