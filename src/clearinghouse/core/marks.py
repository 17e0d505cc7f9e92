"""Handling marks: what may be done with an object, travelling with it (TLP 2.0 and what TLP does not say)."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.tlp import Tlp


@dataclass(frozen=True, slots=True)
class Marks:
    """What a party may do with an object it may read."""

    tlp: Tlp = Tlp.AMBER_STRICT
    no_training: bool = True
    """No model may be trained on it."""
    no_regulatory_use: bool = False
    """It may not be used for regulation or enforcement against whoever shared it."""
    legal_basis: str = ""
    """The protection it was shared under, in the words of who shared it (a statute, an agreement)."""
    legal_basis_until: datetime | None = None
    """When that protection lapses; None where it does not, or no basis is named."""
    expires_at: datetime | None = None
    """From this instant on it may be neither shown nor exported."""


def narrowest(one: Marks, other: Marks) -> Marks:
    """The marks of what holds both: each restriction of either stands."""
    order = list(Tlp)
    ends = [at for at in (one.expires_at, other.expires_at) if at is not None]
    lapses = [at for at in (one.legal_basis_until, other.legal_basis_until) if at is not None]
    return Marks(
        max(one.tlp, other.tlp, key=order.index), one.no_training or other.no_training,
        one.no_regulatory_use or other.no_regulatory_use,
        "; ".join(dict.fromkeys(basis for basis in (one.legal_basis, other.legal_basis) if basis)),
        min(lapses) if lapses else None, min(ends) if ends else None,
    )
