"""From several runs of one kind to one cell."""

from collections import Counter
from collections.abc import Sequence

from clearinghouse.core.stacks import crash_kind
from clearinghouse.disclosure.validation.observing.records import Observation, Outcome


def agree(runs: Sequence[Observation], share_min: float) -> Outcome:
    """The outcome that enough runs show in the same way; FLAKY where they do not.

    The same way means the same kind of crash in the same innermost telling frame: a race that crashes here and there is flaky.
    Where a stack ran out the frame does not count, for that is wherever the recursion happened to be.
    Runs that say nothing (FAILED, NO_RUN) disagree with those that do.
    """
    ways = Counter(map(_way, runs))
    (outcome, _, _), times = ways.most_common(1)[0]
    # Silence is shown by every run or by none: what fires now and then is flaky, however seldom.
    if not outcome.is_effect and any(run.outcome.is_effect for run in runs):
        return Outcome.FLAKY
    return outcome if times >= share_min * len(runs) else Outcome.FLAKY


def is_settled(runs: Sequence[Observation]) -> bool:
    """Whether all runs showed the same: if not, more of them tell how often."""
    return len(set(map(_way, runs))) == 1


def ran_out_of_stack(seen: Observation) -> bool:
    """Whether it is a recursion without end, whose innermost frames differ from run to run."""
    return seen.outcome is Outcome.CRASH_SANITIZER and crash_kind(seen.kind) == "stack overflow"


def _way(run: Observation) -> tuple[Outcome, str, tuple[str, ...]]:
    if not run.outcome.is_effect:
        return run.outcome, "", ()
    return run.outcome, run.kind, () if ran_out_of_stack(run) else run.frames[:1]
