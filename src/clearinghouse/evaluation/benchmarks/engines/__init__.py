"""Engines: what asks a model to do an item, with tools, and says how it ended. Two of them, and they must say the same.

An engine is told opaque sample ids. It fetches a prompt when the sample begins, grades nothing and keeps nothing.

Does not belong here: which samples there are and when one is run again (running), items and graders (suites, custody, grading), the key of an
access and its window (gateway).
"""

from clearinghouse.evaluation.benchmarks.engines.base import (
    Ending,
    Endpoint,
    Engine,
    Generation,
    Job,
    Opened,
    SampleLimits,
    SampleResult,
    Usage,
)

__all__ = ["Ending", "Endpoint", "Engine", "Generation", "Job", "Opened", "SampleLimits", "SampleResult", "Usage"]
