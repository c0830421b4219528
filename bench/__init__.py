"""Where the numbers in the docs come from: each script measures in one run, against a baseline, and prints a table."""
