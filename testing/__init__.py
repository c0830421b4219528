"""Tests of your own agents: a call without a room, whose model says what a script says. docs/testing.md shows some."""

from testing.call_control import RecordingCall
from testing.fixture import earshot_call
from testing.scripted_call import ScriptedCall, StartCall
from testing.tool_journal import ToolUse

__all__ = ["RecordingCall", "ScriptedCall", "StartCall", "ToolUse", "earshot_call"]
