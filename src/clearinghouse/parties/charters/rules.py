"""What charters decides: what a charter answers to an approach, what it covers, and whose word puts it in force.

The order of the rules is the order of the file: opt-out, then what a report must be, then where it goes. Nothing
here closes a report; the strictest answer is "the project does not want it".
"""

from collections.abc import Iterable
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.core.severity import Band
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.core.untrusted import clean_text
from clearinghouse.parties.charters.document import Read
from clearinghouse.parties.charters.matching import package_key, repository_key
from clearinghouse.parties.charters.records import (
    Adopted,
    Allowed,
    Answer,
    Approach,
    Channel,
    Charter,
    Claim,
    Contact,
    Exclusion,
    Held,
    OptOut,
    Purpose,
    Reason,
    Refused,
    Reproducer,
    ScopeKey,
    Take,
    Want,
)

_BANDS = list(Band)
_REASON_CHARACTERS_MAX = 2_000
_THROUGH_US = (Contact(Channel.CLEARINGHOUSE),)
DEFAULT = Charter("")
"""What holds for a project without a charter: private, confirmed reproducers only, the instance's cap."""


def answer(charter: Charter | None, approach: Approach, now: datetime) -> Answer:
    """What a project's charter answers: allowed, held until something is supplied, or refused.

    Without a charter, or with one whose time is over, the defaults of the format answer.
    Source: ISO/IEC 29147:2018, clause 7.
    """
    terms = in_force(charter, now)
    refusal = _opted_out(terms, approach, now)
    if refusal is not None:
        return refusal
    if approach.purpose is Purpose.SCAN:
        return Allowed(_of(terms.own_scanning, "scan.own", "the project scans itself; read how before you plan"), contacts=terms.contacts)
    pointed = point_at(terms, approach)
    reasons, asks = _lacking(terms, approach)
    if reasons:
        return Held(tuple(reasons), tuple(dict.fromkeys(asks)), pointed)
    noted: list[Reason] = []
    if approach.exploited:
        noted.append(Reason("exploited", "exploitation is confirmed: it passes the cap, the severity floor and the list of required parts"))
    if approach.exploited and is_opted_out(terms.opt_out, now):
        noted.append(Reason("opt_out.overridden", "the project opted out; two persons agreed to tell it of an exploited flaw all the same"))
    if pointed:
        noted.append(Reason("scope.pointed", "may be what the project says is no vulnerability; a person judges, nothing closes by itself"))
    if terms.severity_floor is not Band.NONE and approach.severity is None:
        noted.append(Reason("severity.unclaimed", "nobody claims a severity, so the project's floor cannot be applied"))
    return Allowed(
        tuple(noted), approach.ai_found and terms.ai_public, terms.contacts or _THROUGH_US, approach.exploited, pointed
    )


def in_force(charter: Charter | None, now: datetime) -> Charter:
    """The terms that hold at `now`: the charter's, or the defaults once its time is over.

    An opt-out outlives the charter's own time: silence does not invite anybody back.
    """
    if charter is None:
        return DEFAULT
    if charter.valid_until is not None and charter.valid_until <= now:
        return Charter(charter.name, contacts=charter.contacts, opt_out=charter.opt_out, openpgp=charter.openpgp)
    return charter


def is_opted_out(opt_out: OptOut, now: datetime, purpose: Purpose = Purpose.CONTACT) -> bool:
    """Whether an opt-out stands at `now`."""
    wanted = opt_out.contact if purpose is Purpose.CONTACT else opt_out.scanning
    return wanted and (opt_out.until is None or now < opt_out.until)


def point_at(charter: Charter, approach: Approach) -> tuple[Exclusion, ...]:
    """What the charter says is no vulnerability and the approach may be, by weakness or by path."""
    if not approach.weaknesses and not approach.paths:
        return ()
    return tuple(
        entry for entry in charter.exclusions
        if set(entry.weaknesses) & set(approach.weaknesses)
        or any(_begins(path, start) for path in approach.paths for start in entry.paths)
    )


def covered(charter: Charter, claims: Iterable[Claim]) -> tuple[ScopeKey, ...]:
    """Of what a charter names, what its party has proven or was vouched for: it binds nothing else.

    A charter in a repository proves that repository; that it names another project's package proves nothing.
    """
    proven = {claim.key for claim in claims if claim.holds}
    return tuple(sorted(key for key in named(charter) if key in proven))


def named(charter: Charter) -> frozenset[ScopeKey]:
    """The packages and repositories a charter names."""
    # A Go module's repository is not added here: finding it is enough, for a look-up asks under both keys.
    found = [package_key(package) for package in charter.packages]
    found += [repository_key(address) for address in charter.repositories]
    return frozenset(key for key in found if key is not None)


def embargo_terms(adopted: Adopted, *, ai_found: bool, now: datetime, party: PartyId | None = None) -> Terms | None:
    """What a charter says of dates for a finding in its project's own code, for the embargo calculator; None where it says nothing.

    Args:
        party: who holds the terms where that is not the charter's own party, but a person of it.
    """
    charter = in_force(adopted.charter, now)
    said = charter.embargo
    days = said.days_ai_found if ai_found and said.days_ai_found is not None else said.days
    if days is None:
        return None
    return Terms(
        adopted.id, charter.name, adopted.source_url or charter.policy_url, Rank.CHARTER, Milestone.VENDOR_CONTACTED, days,
        days_max=said.days_max, details_days=said.details_later_days or None, public_ai_none=said.days_ai_found == 0,
        party=party or adopted.party, why=f"the charter of {charter.name}, version {adopted.version}, {adopted.digest}",
    )


def check_readable(read: Read) -> Charter:
    """The charter of a reading without errors.

    Raises:
        Invalid: it has errors; each is named with its place.
    """
    if read.charter is None:
        raise Invalid("this charter cannot be put in force:\n" + "\n".join(f"  {problem}" for problem in read.errors))
    return read.charter


def check_newer(digest: str, current_digest: str | None) -> None:
    """Raise Conflict where the very same charter is in force already."""
    if digest == current_digest:
        raise Conflict("this charter is in force already; nothing was changed")


def parse_reason(untrusted_reason: str, what: str) -> str:
    """A reason for the record.

    Raises:
        Invalid: none is given.
    """
    reason = clean_text(untrusted_reason, _REASON_CHARACTERS_MAX).strip()
    if not reason:
        raise Invalid(f"{what} needs a reason, which goes on the record; none was given")
    return reason


def _opted_out(terms: Charter, approach: Approach, now: datetime) -> Refused | None:
    if not is_opted_out(terms.opt_out, now, approach.purpose):
        return None
    # An exploited flaw alone does not reopen a closed door: two persons decide, and say why (ADR 0021).
    if approach.purpose is Purpose.CONTACT and approach.exploited and approach.override:
        return None
    until = "" if terms.opt_out.until is None else f" until {terms.opt_out.until:%Y-%m-%d %H:%M} UTC"
    if approach.purpose is Purpose.SCAN:
        return Refused((Reason("opt_out.scanning", f"the project does not want to be scanned{until}"),))
    way = "" if not approach.exploited else "; exploitation is confirmed, so two coordinators may agree on an override, with a reason"
    return Refused((Reason("opt_out.contact", f"the project does not want to be contacted{until}{way}"),))


def _lacking(terms: Charter, approach: Approach) -> tuple[list[Reason], list[Want]]:
    """Why an approach is held, and what would release it."""
    reasons: list[Reason] = []
    asks: list[Want] = []
    take = terms.ai_take if approach.ai_found else terms.take
    # Observed exploitation stands in for a reproducer: that the flaw is real is known.
    if take is Take.CONFIRMED and approach.reproducer is not Reproducer.CONFIRMED and not approach.exploited:
        if approach.reproducer is Reproducer.NONE:
            reasons.append(Reason("reproducer.missing", "nothing reaches a maintainer without a reproducer that somebody other than the finder confirmed; none was sent"))
            asks.append(Want.REPRODUCER)
        else:
            reasons.append(Reason("reproducer.unconfirmed", "nothing reaches a maintainer without a reproducer that somebody other than the finder confirmed; this one was not run yet"))
    if approach.ai_found and terms.ai_accountable_human and not approach.accountable_human:
        reasons.append(Reason("human.missing", "found by an AI system, and no named person stands for it"))
        asks.append(Want.HUMAN_REVIEW)
    if approach.exploited:
        return reasons, asks
    if approach.severity is not None and _BANDS.index(approach.severity) < _BANDS.index(terms.severity_floor):
        words = f"the highest claim is {approach.severity}, and the project takes {terms.severity_floor} and above"
        reasons.append(Reason("severity.below_floor", words))
    missing = [want for want in terms.required if want not in approach.holds]
    if missing:
        reasons.append(Reason("required.missing", f"the project requires {', '.join(missing)}"))
        asks += missing
    for given, taken, what in (
        (approach.reproducer_language, terms.reproducer_languages, "language"), (approach.reproducer_form, terms.reproducer_forms, "form"),
    ):
        if given and taken and given.lower() not in {name.lower() for name in taken}:
            reasons.append(Reason(f"reproducer.{what}", f"the project takes reproducers in the {what} {' or '.join(taken)}"))
            asks.append(Want.REPRODUCER)
    if terms.policy_acknowledge and not approach.policy_acknowledged:
        reasons.append(Reason("policy.unread", f"the sender has not said that they read {terms.policy_url}"))
    return reasons, asks


def _of(text: str, code: str, words: str) -> tuple[Reason, ...]:
    return (Reason(code, words),) if text else ()


def _begins(path: str, start: str) -> bool:
    """Whether a path lies at or below another, by whole names."""
    wanted = start.strip("/").lower()
    return bool(wanted) and (path.lstrip("/").lower() + "/").startswith(wanted + "/")
