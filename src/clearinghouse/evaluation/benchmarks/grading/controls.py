"""Whether an item measures anything: its reference must pass, its negative control and an empty hand must not."""

from dataclasses import dataclass

from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.grading.judging import grade
from clearinghouse.evaluation.benchmarks.records import Grade, Item, Submission
from clearinghouse.sandbox.base import Sandbox


@dataclass(frozen=True, slots=True)
class ControlFailure:
    """A control that did not come out as it must."""

    item_id: str
    suite: str
    control: str
    """`positive`, `negative` or `empty`."""
    found: Grade


def check_controls(item: Item, sandbox: Sandbox, policy: BenchmarkPolicy) -> tuple[ControlFailure, ...]:
    """The controls of an item that failed: none, for an item that may be used."""
    failures = []
    for control, submission, wanted in (
        ("positive", item.reference, True), ("negative", item.negative, False), ("empty", Submission(), False),
    ):  # fmt: skip
        found = grade(item.files, item.grader, submission, sandbox, policy)
        if found.correct is not wanted or found.tampered:
            failures.append(ControlFailure(item.id, item.suite, control, found))
    return tuple(failures)
