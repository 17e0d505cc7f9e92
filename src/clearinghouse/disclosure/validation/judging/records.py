"""Verdicts, controls and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.recipes.records import BuildName
from clearinghouse.disclosure.validation.workshop.records import Build
from clearinghouse.sandbox.base import Level


class Verdict(StrEnum):
    """What running a recipe showed. None of them says that a report is false: a bench can only fail to see."""

    VALIDATED = "validated"
    """It does what is claimed on the vulnerable build, nothing on the fixed one, and every control holds."""
    REPRODUCED = "reproduced"
    """It does what is claimed, and the controls that need no fixed build hold; there is no fixed build to compare with."""
    STILL_FIRES = "still_fires"
    """The fixed build does it, too."""
    OTHER_EFFECT = "other_effect"
    """Something happens, and it is not what is claimed."""
    FLAKY = "flaky"
    """It happens in some runs."""
    NOT_REPRODUCED = "not_reproduced"
    """Nothing happened within these limits, with these tools."""
    UNPROVEN = "unproven"
    """It happens, and a control failed: the evidence shows less than it seems to."""
    NO_RUN = "no_run"
    """It could not be built or started."""

    @property
    def confirms(self) -> bool:
        """Whether a maintainer may be told that the reproducer was validated."""
        return self in (Verdict.VALIDATED, Verdict.REPRODUCED)


class TrustTier(StrEnum):
    """Whose word the evidence rests on."""

    T0 = "T0"
    """Sources or program as the reporter sent them: whoever makes the program makes the report it prints."""
    T1 = "T1"
    """Upstream sources that we fetched or the desk brought, a harness of the reporter's, the desk's or a model's."""
    T2 = "T2"
    """Upstream sources and the project's own harness."""
    T3 = "T3"
    """T2, reproduced by a second validator on another host."""


class ControlState(StrEnum):
    """How a control went."""

    HELD = "held"
    FAILED = "failed"
    NOT_MADE = "not made"
    """Nothing to make it with; `wording` says what is missing."""


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that would show the evidence to be worth less."""

    name: str
    """`instrumented`, `canary`, `canary fixed`, `benign`, `benign fixed`, `coverage`, `parent quiet`, `introducing fires`, `head fires`."""
    state: ControlState
    wording: str
    """In our own words, with the numbers."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that was seen for one recipe, before anybody judges it."""

    builds: Mapping[BuildName, Build]
    reproducer: Mapping[BuildName, Cell]
    """The reproducer on each build that worked."""
    canaries: Mapping[BuildName, Cell]
    benign: Mapping[BuildName, tuple[Cell, ...]]
    edges: Mapping[BuildName, int | None]
    """What the benign inputs reach, for the vulnerable and the fixed build."""
    level: Level


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a recipe showed, and what that rests on."""

    verdict: Verdict
    tier: TrustTier
    reasons: tuple[str, ...]
    """Why it is no better verdict; our own words."""
    controls: tuple[Control, ...]
    observed: Observed
    recipe: str
    """Digest of the recipe."""

    @property
    def level(self) -> Level:
        """How far the runs were kept apart."""
        return self.observed.level
