"""What `make demo` runs: starts the parts, waits until each is ready, watches them, ends them. Imports nothing of ours."""
