"""Measurements behind decisions, each run alone: `python -m bench.NAME`. Ratios count, not this or that machine."""
