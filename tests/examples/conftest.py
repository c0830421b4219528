"""Tests of the examples have the fixture that tests of your own agents have."""

from testing import earshot_call

__all__ = ["earshot_call"]
