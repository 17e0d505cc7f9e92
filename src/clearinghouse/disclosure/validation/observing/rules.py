"""From several runs of one kind to one cell."""

from collections import Counter
from collections.abc import Sequence

from clearinghouse.disclosure.validation.observing.records import Observation, Outcome


def agree(runs: Sequence[Observation], share_min: float) -> Outcome:
    """The outcome that enough runs show in the same way; FLAKY where they do not.

    The same way means the same kind of crash in the same innermost telling frame: a race that crashes here and there is flaky.
    Runs that say nothing (FAILED, NO_RUN) disagree with those that do.
    """
    ways = Counter((run.outcome, run.kind if run.outcome.is_effect else "", run.frames[:1] if run.outcome.is_effect else ()) for run in runs)
    (outcome, _, _), times = ways.most_common(1)[0]
    return outcome if times >= share_min * len(runs) else Outcome.FLAKY


def is_settled(runs: Sequence[Observation]) -> bool:
    """Whether all runs showed the same: if not, more of them tell how often."""
    return len({(run.outcome, run.kind if run.outcome.is_effect else "", run.frames[:1] if run.outcome.is_effect else ()) for run in runs}) == 1
