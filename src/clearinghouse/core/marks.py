"""Handling marks: what may be done with an object, travelling with it (TLP 2.0 and what TLP does not say)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.errors import Conflict, NotPermitted
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


class Reach(StrEnum):
    """How a reader stands to those the object was shared with, nearest first."""

    NAMED = "named"
    """A person named as a recipient."""
    ORGANISATION = "organisation"
    """Somebody of an organisation or team that is a recipient."""
    CLIENT = "client"
    """A client of such an organisation, who needs it to protect itself."""
    COMMUNITY = "community"
    """A peer or partner organisation within the community."""
    PUBLIC = "public"
    """Anybody."""


class Purpose(StrEnum):
    """What an export is for."""

    COORDINATION = "coordination"
    TRAINING = "training"
    """Teaching a model, whoever's."""
    REGULATION = "regulation"
    """Regulation or enforcement."""


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom an object goes, and for what."""

    reach: Reach
    purpose: Purpose = Purpose.COORDINATION


WIDEST: dict[Tlp, Reach] = {
    Tlp.RED: Reach.NAMED, Tlp.AMBER_STRICT: Reach.ORGANISATION, Tlp.AMBER: Reach.CLIENT,
    Tlp.GREEN: Reach.COMMUNITY, Tlp.CLEAR: Reach.PUBLIC,
}
"""The widest reach each label allows (FIRST, TLP 2.0, section 3)."""

_TOLD = {
    Tlp.RED: "the persons named as recipients, and no organisation as such",
    Tlp.AMBER_STRICT: "the recipients' own organisations",
    Tlp.AMBER: "the recipients' organisations and their clients",
    Tlp.GREEN: "the community, and not in public",
    Tlp.CLEAR: "everybody",
}
_ORDER = list(Reach)


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


def is_expired(marks: Marks, now: datetime) -> bool:
    """Whether what carries the marks may be shown to nobody any more."""
    return marks.expires_at is not None and now >= marks.expires_at


def may_show(marks: Marks, reach: Reach, now: datetime) -> bool:
    """Whether a reader of this reach may be shown what carries the marks."""
    return not is_expired(marks, now) and _ORDER.index(reach) <= _ORDER.index(WIDEST[marks.tlp])


def check_may_show(marks: Marks, reach: Reach, now: datetime) -> None:
    """Raise unless a reader of this reach may be shown what carries the marks.

    Raises:
        Conflict: the marks have expired.
        NotPermitted: the label does not reach as far as the reader stands.
    Source: FIRST, TLP 2.0, section 3.
    """
    if is_expired(marks, now):
        raise Conflict(f"its handling marks expired at {marks.expires_at:%Y-%m-%d %H:%M} UTC; ask who shared it to share it anew")
    if not may_show(marks, reach, now):
        raise NotPermitted(f"TLP:{marks.tlp} is for {_TOLD[marks.tlp]}; ask who shared it to name you, or for a wider label")


def check_may_export(marks: Marks, audience: Audience, now: datetime) -> None:
    """Raise unless what carries the marks may leave this instance for an audience.

    Raises:
        Conflict: the marks, or the protection it was shared under, have expired.
        NotPermitted: the label does not reach the audience, or the marks forbid the purpose.
    """
    check_may_show(marks, audience.reach, now)
    if marks.no_training and audience.purpose is Purpose.TRAINING:
        raise NotPermitted("it is marked against training; no model may learn from it unless who shared it lifts the mark")
    if marks.no_regulatory_use and audience.purpose is Purpose.REGULATION:
        raise NotPermitted("it is marked against regulatory use; only who shared it can lift the mark")
    if marks.legal_basis_until is not None and now >= marks.legal_basis_until:
        lapsed = f"{marks.legal_basis_until:%Y-%m-%d %H:%M}"
        raise Conflict(f"the protection it was shared under lapsed at {lapsed} UTC; it may be read here, but to pass it on ask who shared it")
