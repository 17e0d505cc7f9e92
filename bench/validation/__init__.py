"""Whether the validation bench says the truth: planted flaws with canaries, in small programs that nobody runs.

`truth.toml` says which input triggers which flaw and which patch mends which; `programs/` holds sources and patches,
`inputs.py` makes the inputs from a seed, `canaries.py` holds the truth against the canaries, without the bench.
"""
