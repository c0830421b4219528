"""The ways in which the service breaks, on purpose: named, counted, asked for by script, command line or control endpoint."""
