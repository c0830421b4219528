"""A call outlives its process: leases, checkpoints, and the watch that has lost calls dispatched again."""
