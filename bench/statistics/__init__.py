"""Does the default rule keep its errors where the naive ones fail: `python -m bench.statistics`."""
