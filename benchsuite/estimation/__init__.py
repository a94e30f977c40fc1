"""Comparing estimators on a benchmark: `study`, then `table` and `figure`."""
