"""Benchmarks for the numbers in the docs. Each script measures in one run, against a baseline, and prints a table."""
