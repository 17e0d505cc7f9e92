"""Measurements, one folder per question; run with `python -m bench.NAME`. Results kept in `results/`."""
