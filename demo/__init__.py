"""`make demo`: starts the programs, waits until each is ready, watches them, ends them. Of ours it imports `configuration`."""
