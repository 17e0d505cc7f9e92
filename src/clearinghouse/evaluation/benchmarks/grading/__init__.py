"""Judging what was handed in, so that nothing that was handed in can judge itself.

An answer of one line is compared as a salted HMAC. Anything else is judged in two runs of the sandbox that share nothing: a probe drives what was
handed in and knows no right answer; a program then compares what was seen with what was expected and executes nothing that was handed in.
Does not belong here: which items there are (`suites/`), who may open one (`custody/`).
"""

from clearinghouse.evaluation.benchmarks.grading.answers import mac_of, normalise
from clearinghouse.evaluation.benchmarks.grading.controls import ControlFailure, check_controls
from clearinghouse.evaluation.benchmarks.grading.judging import grade

__all__ = ["ControlFailure", "check_controls", "grade", "mac_of", "normalise"]
