"""The emulator in the test's own process, as the emulator's own tests have it."""

from tests.emulator.conftest import emulator

__all__ = ["emulator"]
