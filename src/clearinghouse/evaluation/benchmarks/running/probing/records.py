"""One look at a model, and two held against each other."""

from dataclasses import dataclass
from enum import StrEnum


class Sameness(StrEnum):
    """What two looks say."""

    SAME = "same"
    """Nothing was seen to differ."""
    CHANGED = "changed"
    """It names another build, or answers differ by more than they did from each other on the first day."""
    UNDECIDED = "undecided"
    """It answers so differently each time that these questions cannot tell."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a model answered, by digest."""

    set_digest: str
    """Of the questions and how they were asked: looks with other questions are not comparable."""
    answers: tuple[tuple[str, ...], ...]
    """For each question, the digests of the answers to its repetitions."""
    builds: tuple[str, ...]
    """Digests of what answers named as model and build, sorted."""
    digest: str
    """Of all of this."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A later look against the first."""

    sameness: Sameness
    agreeing: int
    """Answers that the first look had, too."""
    asked: int
    expected_share: float
    """Of answers that agree when nothing changed, as the first look's own repetitions do."""
    chance: float
    """Of so few agreeing answers, were it the same model."""
    build_changed: bool
