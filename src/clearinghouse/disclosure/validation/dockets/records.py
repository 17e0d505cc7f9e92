"""What is kept of a case for the bench."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import CaseId, MaterialId, PartyId, ReportId
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.parties.records import Tier


class MaterialKind(StrEnum):
    """What a material is for."""

    RECIPE = "recipe"
    REPRODUCER = "reproducer"
    SOURCE = "source"
    HARNESS = "harness"
    PATCH = "patch"
    BENIGN = "benign"
    """An input that must do nothing."""
    TEST = "test"
    """A regression test, or an input of one."""


@dataclass(frozen=True, slots=True)
class Docket:
    """A case as the bench knows it, opened for one viewer or for the machine. Made from an opened room only."""

    case_id: CaseId
    key: bytes = field(repr=False)
    """Of the case: what is sealed under it ends with it."""
    tier: Tier
    """How much of the room the viewer is shown."""
    reports: frozenset[ReportId] | None = None
    """Only what is about these is shown, to a party that is here for its own reports; None: all."""
    parties: frozenset[PartyId] = frozenset()
    """Whom the viewer acts for."""


@dataclass(frozen=True, slots=True)
class Material:
    """Bytes the bench may use in one case."""

    id: MaterialId
    kind: MaterialKind
    digest: str
    """`sha256:HEX`."""
    size_bytes: int
    added_at: datetime
    added_by: PartyId
    supplier: Supplier
    name: str
    """As given by who added it: display text."""
    origin: str = ""
    """The address we fetched it from ourselves; empty where somebody handed it in."""
