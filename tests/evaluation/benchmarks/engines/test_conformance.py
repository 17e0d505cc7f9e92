"""Inspect's own checks of a sandbox provider, run on ours; what does not hold is declared, each with its reason."""

import tomllib
from dataclasses import replace

from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines import Endpoint, Generation, Job, Opened, SampleLimits
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine
from clearinghouse.evaluation.benchmarks.engines.inspect.venue import LOCK
from clearinghouse.evaluation.benchmarks.sessions import limits_of
from clearinghouse.sandbox import Sandbox
from eval_support import venue

_CHECKS = 60


def test_every_check_holds_but_those_that_are_declared(sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> None:
    declared = tomllib.loads((LOCK.parent / "declared.toml").read_text())["checks"]
    session = replace(limits_of(benchmark_policy), output_bytes_max=10 << 20)
    job = Job(
        "run_check", tuple(f"smp_{number}" for number in range(_CHECKS)), lambda sample: Opened("", {}), Endpoint("http://127.0.0.1:1/v1", "", "none"),
        Generation(), SampleLimits(1, 1, 600.0, session), sandbox, at_once=6,
    )
    found = InspectEngine(venue()).conformance(job)
    assert len(found) == 44
    assert {name: said for name, said in found.items() if said and name not in declared} == {}
    assert {name for name in declared if not found[name]} == set(), "declared, and it holds by now"
    assert all(declared.values())
