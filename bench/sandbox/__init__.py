"""What the sandbox costs: `python -m bench.sandbox`."""
