"""Whether a model is still the one that was submitted: the same questions every day, and the digests of what it answers.

A build that the developer names is believed as far as it goes; what a model answers at temperature nought is a second witness. It cannot show that two
models are the same, only that nothing was seen to differ: each result says which.
"""

from clearinghouse.evaluation.benchmarks.running.probing.asking import QUESTIONS, ProbeFailed, run_probe
from clearinghouse.evaluation.benchmarks.running.probing.records import Compared, ProbeResult, Sameness
from clearinghouse.evaluation.benchmarks.running.probing.rules import compare

__all__ = ["QUESTIONS", "Compared", "ProbeFailed", "ProbeResult", "Sameness", "compare", "run_probe"]
