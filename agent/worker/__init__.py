"""The worker: its command line, what it checks before it starts, and the server that takes calls."""

from agent.worker.checks import check
from agent.worker.command_line import main

__all__ = ["check", "main"]
