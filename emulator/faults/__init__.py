"""Faults of the service, made on purpose: named, counted, asked for by script, command line or control endpoint."""
