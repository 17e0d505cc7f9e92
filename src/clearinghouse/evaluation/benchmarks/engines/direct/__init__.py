"""Our own engine: a small loop over chat completions with two tools, in this process.

It needs nothing but the gateway and the sandbox, so the whole desk works without anybody's framework; and it is the other half of every comparison with
the engine that does.
"""

from clearinghouse.evaluation.benchmarks.engines.direct.engine import DirectEngine

__all__ = ["DirectEngine"]
