"""An embedded SIP endpoint for development, CI and a few calls on a trusted network. See README.md."""

from telephony.line.program import main

__all__ = ["main"]
