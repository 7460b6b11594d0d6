"""Benchmarks of smallpolaron: `make bench` writes benchmarks/report.

A section (one module here) plans cases, judges them against bounds and renders its part of the
report. What it times lives in benchmarks.cases and runs in a fresh process per case.
"""
