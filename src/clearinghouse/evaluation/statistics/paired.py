"""The model beside a reference model on the same items: differences, family by family, say more than two intervals side by side."""

from dataclasses import dataclass

import numpy as np

from clearinghouse.evaluation.statistics.grid import Frame
from clearinghouse.evaluation.statistics.intervals import t_interval
from clearinghouse.evaluation.statistics.records import View


@dataclass(frozen=True, slots=True)
class Paired:
    """Model minus reference, as means over families; two-sided 95 %."""

    families: int
    mean_low: float
    """What is unresolved speaks against the model: 0 for it, 1 for the reference."""
    mean_high: float
    lower: float
    upper: float
    correlation: float | None
    """Of both models' family means where all is resolved: how much pairing gains. None where one of them does not vary."""


def compare(model: Frame, reference: Frame, view: View, families: int) -> Paired:
    """The difference over the first so many families; errors clustered by family (Miller, arXiv 2411.00640, section 4)."""
    (low, high), (other_low, other_high) = (tuple(each[:families] for each in frame.means(view)) for frame in (model, reference))
    worst, best = low - other_high, high - other_low
    errors = [float(each.std(ddof=1)) / families**0.5 if families > 1 else 0.0 for each in (worst, best)]
    middle, other = (low + high) / 2, (other_low + other_high) / 2
    varies = families > 1 and middle.std() > 0 and other.std() > 0
    return Paired(
        families, float(worst.mean()), float(best.mean()), t_interval(float(worst.mean()), errors[0], families).lower,
        t_interval(float(best.mean()), errors[1], families).upper, float(np.corrcoef(middle, other)[0, 1]) if varies else None,
    )
