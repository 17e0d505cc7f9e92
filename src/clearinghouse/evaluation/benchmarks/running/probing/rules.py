"""Two looks held against each other: the first look's own repetitions say how much a model differs from itself."""

from scipy.stats import binom

from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.benchmarks.running.probing.records import Compared, ProbeResult, Sameness

_CHANCE = 0.001  # a daily look for 30 days raises a false alarm in about 3 engagements of 100
_SHARE_MIN = 0.3  # below, a model that agrees with itself so seldom cannot be told from another by this


def compare(first: ProbeResult, later: ProbeResult) -> Compared:
    """Whether a later look shows another model than the first.

    The first look asks each question several times. How often one of its answers is among the others to the same question is how often a later answer
    should be, were it the same model; so few that chance would not bring it about say that it is not.
    Raises:
        Invalid: the looks asked different questions.
    """
    if first.set_digest != later.set_digest or len(first.answers) != len(later.answers):
        raise Invalid("these two looks asked different questions; only looks with the same ones can be held against each other")
    own = again = 0
    for answers in first.answers:
        own += len(answers)
        again += sum(answer in answers[:place] + answers[place + 1 :] for place, answer in enumerate(answers))
    # One more of each kind: a model that never differed in a few tries may differ once in many.
    expected = (again + 1) / (own + 2)
    asked = sum(len(answers) for answers in later.answers)
    agreeing = sum(answer in known for known, answers in zip(first.answers, later.answers, strict=True) for answer in answers)
    chance = float(binom.cdf(agreeing, asked, expected))
    build_changed = first.builds != later.builds
    if build_changed or chance < _CHANCE:
        sameness = Sameness.CHANGED
    else:
        sameness = Sameness.UNDECIDED if again < _SHARE_MIN * own else Sameness.SAME
    return Compared(sameness, agreeing, asked, expected, chance, build_changed)
