"""Shapes that several routes of case rooms share."""

from datetime import datetime
from typing import Annotated

import msgspec

from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp


class Done(msgspec.Struct, frozen=True):
    """It was done; `state` where the deed leads to one."""

    state: str = ""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; others must be able to follow it."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class MarksShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Handling marks as they may be given."""

    tlp: Tlp = Tlp.AMBER_STRICT
    no_training: bool = True
    no_regulatory_use: bool = False
    legal_basis: Annotated[str, msgspec.Meta(max_length=500)] = ""
    legal_basis_until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


def marks_of(shape: MarksShape | None) -> Marks | None:
    """The marks of a body; None where it names none."""
    if shape is None:
        return None
    return Marks(shape.tlp, shape.no_training, shape.no_regulatory_use, shape.legal_basis, shape.legal_basis_until, shape.expires_at)
