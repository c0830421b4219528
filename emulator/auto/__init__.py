"""The answers of `--script auto`, for clients that nothing is known about.

`rules` chooses the answers, `facts` remembers what was typed, `arguments` makes a function's arguments, and `mentions` finds
values for them in a text.
"""

from emulator.auto.rules import GREETING, Auto, call_named

__all__ = ["GREETING", "Auto", "call_named"]
