"""What rooms decide: who is shown what, what a text from outside is kept as, when a case ends by withdrawal."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.marks import Marks, Reach, is_expired, may_show, narrowest
from clearinghouse.core.tlp import Tlp, parse_tlp
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.disclosure.coordination.rooms.records import (
    AttachedReport,
    CaseRole,
    CaseState,
    DocumentKind,
    Participant,
    Participation,
    Room,
    Standing,
    VendorStatus,
)
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.records import Basis, Tier
from clearinghouse.parties.rules import parse_tier

# Widths of form fields, not policies.
_TITLE_CHARACTERS_MAX = 300
_PARAGRAPH_CHARACTERS_MAX = 4000
_NAME_CHARACTERS_MAX = 200
_IDENTIFIER_CHARACTERS_MAX = 64
_IDENTIFIERS_MAX = 50
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")


NOTHING_FOUND = Finding()
"""What stands for the finding of an imported report that was withdrawn before."""


@dataclass(frozen=True, slots=True)
class Held:
    """One grant on a case that counts as the viewer's, and the participation it stands on."""

    party: PartyId
    basis: Basis
    role: CaseRole | None
    """None where no participation stands behind it."""
    tier: Tier | None
    """As granted; None is all of it."""
    by_coordinator: bool = False
    """Whether a coordinator of this case gave it."""


def standing_of(viewer: PartyId, held: Sequence[Held], marks: Marks, now: datetime) -> Standing | None:
    """How a viewer with these grants stands in a case with these marks; None where it may not know of the case.

    A case whose marks have expired shows its dates and no text, so that a coordinator can still close it.
    """
    named = any(grant.party == viewer for grant in held)
    reach = Reach.NAMED if named else Reach.ORGANISATION
    if not held or not may_show(replace(marks, expires_at=None), reach, now):
        return None
    acting = min(held, key=lambda grant: (grant.role is None, grant.party != viewer, grant.role is not CaseRole.COORDINATOR, grant.party))
    tier = max(_tier_of(grant) for grant in held)
    return Standing(
        viewer, viewer if acting.role is None else acting.party, frozenset({viewer, *(grant.party for grant in held)}),
        frozenset(grant.role for grant in held if grant.role is not None),
        Tier.EXISTENCE if is_expired(marks, now) else tier, named,
    )


def _tier_of(grant: Held) -> Tier:
    granted = Tier.DOCUMENTS if grant.tier is None else grant.tier
    # Without a participation behind it, a grant shows the room only where two persons broke the glass or a coordinator
    # of the case gave it: a reporter must not show somebody else more of the room than it is shown itself.
    if grant.role is not None or grant.basis is Basis.BREAK_GLASS or grant.by_coordinator:
        return granted
    return Tier.EXISTENCE


def is_told_of(one: Participant, standing: Standing) -> bool:
    """Whether a viewer is told that a party takes part.

    A mere reporter is not told of other reporters: two that found one flaw learn of a duplicate, not of each other.
    """
    if one.party in standing.parties:
        return True
    if standing.tier < Tier.SUMMARY:
        return False
    return not (standing.only_reports and one.role is CaseRole.REPORTER)


def hidden_parties(everybody: Iterable[Participant], standing: Standing) -> frozenset[PartyId]:
    """The participants whose names and ids a viewer must not be shown, wherever they occur in the room."""
    if standing.coordinates:
        return frozenset()
    return frozenset(
        one.party for one in everybody
        if one.party not in standing.parties and (one.unnamed or not is_told_of(one, standing))
    )


def check_takes_part(standing: Standing) -> None:
    """Raise NotPermitted unless the viewer is a participant and not only somebody who may look."""
    if not standing.roles:
        raise NotPermitted("you may read this case but take no part in it; ask its lead to invite you")


def check_coordinates(standing: Standing) -> None:
    """Raise NotPermitted unless the viewer is a coordinator of this case."""
    if not standing.coordinates:
        held = ", ".join(sorted(standing.roles)) or "no part"
        raise NotPermitted(f"this is for the coordinators of the case; you hold {held} in it")


def check_open(room: Room) -> None:
    """Raise Conflict unless the case is open."""
    if room.case.state is not CaseState.OPEN:
        raise Conflict(f"the case is {room.case.state}; a coordinator can reopen it")


def check_tier(standing: Standing, tier: Tier, what: str) -> None:
    """Raise NotPermitted unless the viewer is read in to at least this tier."""
    if standing.tier < tier:
        raise NotPermitted(f"{what} needs tier {int(tier)}; you are read in to tier {int(standing.tier)}; ask the case's lead")


def check_may_name(marks: Marks, *, person: bool) -> None:
    """Raise Conflict where the marks reach named persons only and what is to be named is an organisation or team."""
    if marks.tlp is Tlp.RED and not person:
        raise Conflict("TLP:RED is for named persons only; name the people, or widen the marks of the case first")


def check_own(attached: AttachedReport, standing: Standing) -> None:
    """Raise NotPermitted unless the viewer, its organisation or a team of it sent the report."""
    if attached.reporter not in standing.parties:
        raise NotPermitted("only who sent a report takes it back or reinstates it; a coordinator can detach it")


def check_may_read_back(marks: Marks, standing: Standing) -> None:
    """Raise NotPermitted where the author could not read what it writes: TLP:RED is shared by named persons only."""
    if marks.tlp is Tlp.RED and not standing.named:
        raise NotPermitted("TLP:RED is for named persons; you are here for your organisation: ask the lead to name you")


def tier_of_role(role: CaseRole, tier: int | None) -> Tier:
    """The tier a party is invited to: everything, unless it only observes or another one is named.

    Raises:
        Invalid: there is no such tier.
    """
    if tier is None:
        return Tier.SUMMARY if role is CaseRole.OBSERVER else Tier.DOCUMENTS
    named = parse_tier(tier)
    if role is CaseRole.COORDINATOR and named < Tier.DOCUMENTS:
        raise Invalid("a coordinator is shown everything; invite as an observer whoever is to see less")
    return named


def is_read_in(role: CaseRole, tier: Tier) -> bool:
    """Whether the right to read stands on being read in and not on working on the case."""
    return role is CaseRole.OBSERVER or tier < Tier.DOCUMENTS


def marks_of_finding(finding: Finding, of_case: Marks) -> Marks:
    """The marks of a report in a case: what its sender asked for, and never wider than the case's own."""
    asked = parse_tlp(finding.tlp) or of_case.tlp
    return narrowest(of_case, Marks(asked, no_training=finding.consents.train_models is not True))


def packet_for(finding: Finding, attached: AttachedReport, standing: Standing) -> Finding:
    """What a viewer is shown of a finding: all of it as received, less what the sender or the viewer's tier keeps back."""
    if attached.reporter in standing.parties or standing.coordinates:
        return finding
    shown = finding
    if not attached.share_name:
        shown = without_names(shown)
    if standing.tier < Tier.DOCUMENTS:
        shown = replace(shown, reproduction="", attachments=())
    return shown


def without_names(finding: Finding) -> Finding:
    """A finding without the names of who found, sent or reviewed it."""
    return replace(finding, reporter="", credits=(), producer=replace(finding.producer, reviewer=""))


def closes_by_withdrawal(live_reports: int, statuses: Iterable[VendorStatus]) -> bool:
    """Whether a case ends with the withdrawal of a report: no other is left, and no vendor holds the flaw for its own.

    A vendor that said `known_affected` or `fixed` knows the flaw from its own code by now; taking back the report does
    not take back that knowledge, and those at risk still need the coordination.
    """
    return live_reports == 0 and not set(statuses) & {VendorStatus.KNOWN_AFFECTED, VendorStatus.FIXED}


def check_may_go(standing_state: Participation, *, leads: bool, coordinators_left: int, role: CaseRole) -> None:
    """Raise Conflict where a participant cannot leave or be removed: it is gone already, leads, or is the last coordinator."""
    if standing_state not in (Participation.JOINED, Participation.INVITED):
        raise Conflict(f"this participant has {standing_state} before")
    if leads:
        raise Conflict("this participant leads the case; hand it over first")
    if role is CaseRole.COORDINATOR and standing_state is Participation.JOINED and coordinators_left == 0:
        raise Conflict("this is the last coordinator of the case; invite another one first")


def parse_title(untrusted_title: str) -> str:
    """A title on one line.

    Raises:
        Invalid: nothing readable is left of it.
    """
    title = clean_line(untrusted_title, _TITLE_CHARACTERS_MAX)
    if not title:
        raise Invalid("a title is needed; what was given is empty once unreadable characters are dropped")
    return title


def parse_paragraph(untrusted_text: str) -> str:
    """A summary or statement: cleaned, bounded, possibly empty."""
    return clean_text(untrusted_text, _PARAGRAPH_CHARACTERS_MAX).strip()


def parse_reason(untrusted_reason: str) -> str:
    """A reason.

    Raises:
        Invalid: none is given.
    """
    reason = parse_paragraph(untrusted_reason)
    if not reason:
        raise Invalid("give a reason: others must be able to follow it, and it stands in the record of the case")
    return reason


def parse_body(untrusted_body: str, characters_max: int) -> str:
    """A message's text exactly as it came.

    Raises:
        Invalid: it is empty, too long, or no text.
    """
    if not untrusted_body.strip():
        raise Invalid("the message is empty")
    if len(untrusted_body) > characters_max:
        raise Invalid(f"the message has {len(untrusted_body)} characters; {characters_max} are taken: attach a document instead")
    if any("\ud800" <= sign <= "\udfff" for sign in untrusted_body):
        raise Invalid("the message is no Unicode text; send it as UTF-8")
    return untrusted_body


def parse_identifiers(untrusted_identifiers: Sequence[str]) -> tuple[str, ...]:
    """Public names of a vulnerability, upper case as registries write them, each once.

    Raises:
        Invalid: there are too many.
    """
    found = [clean_line(name, _IDENTIFIER_CHARACTERS_MAX).replace(" ", "") for name in untrusted_identifiers[: _IDENTIFIERS_MAX + 1]]
    if len(found) > _IDENTIFIERS_MAX:
        raise Invalid(f"one vulnerability takes at most {_IDENTIFIERS_MAX} identifiers")
    return tuple(dict.fromkeys(name if name.startswith("GHSA-") else name.upper() for name in found if name))


def parse_file_name(untrusted_name: str) -> str:
    """A file's name for display: the last part of a path, on one line."""
    name = clean_line(untrusted_name.replace("\\", "/").rsplit("/", 1)[-1], _NAME_CHARACTERS_MAX)
    return name if name.strip(".") else "document"


def parse_media_type(untrusted_type: str) -> str:
    """A declared media type where it has the form of one; it is never believed."""
    declared = untrusted_type.split(";", 1)[0].strip().lower()
    return declared if _MEDIA_TYPE.fullmatch(declared) else "application/octet-stream"


def needs_everything(kind: DocumentKind) -> bool:
    """Whether a document is kept from those read in below tier 3."""
    return kind is DocumentKind.REPRODUCER
