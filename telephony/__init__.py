"""Trunks and dispatch rules as a declared plan: `telephony.toml` -> what livekit-server is told."""
