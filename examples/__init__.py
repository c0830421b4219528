"""Agents to copy from, each with one idea. A persona file runs one: `agent = "examples.booking:BookingDesk"`."""
