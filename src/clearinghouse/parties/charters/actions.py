"""What charters does: open and prove claims of ownership, put a charter in force, find the one that binds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape, new_id
from clearinghouse.core.policy import CharterLimits
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as party_store
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.charters import rules, store
from clearinghouse.parties.charters.document import Read, read_document
from clearinghouse.parties.charters.matching import parse_scope
from clearinghouse.parties.charters.records import Adopted, CharterId, Claim, ClaimBasis, ClaimId, Kind, ScopeKey
from clearinghouse.parties.rules import may
from clearinghouse.storage import Envelope, Transaction


@dataclass(frozen=True, slots=True)
class Fetched:
    """A charter as a repository served it."""

    repository: str
    """Address of the repository it was fetched for."""
    url: str
    """Where in it the document was found."""
    body: bytes
    etag: str = ""


def speaks_for(tx: Transaction, actor: PartyId, party: PartyId, now: datetime) -> bool:
    """Whether an actor is a party, or belongs to that organisation or team at `now`."""
    return party_store.acts_as(tx, actor, party, now)


def open_claim(tx: Transaction, party: PartyId, untrusted_scope: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Claim:
    """A claim on a repository, to be proven by finding its number in the charter there; an open one is given again.

    Raises:
        NotPermitted: the actor neither belongs to the party nor coordinates.
        Invalid: it is no repository.
    """
    get_party(tx, party)
    _check_speaks_or_coordinates(tx, actor, party, now)
    key = parse_scope(untrusted_scope)
    if key is None or key.kind is not Kind.REPOSITORY:
        raise Invalid("a claim is proven in a repository: give its https address; for a package alone ask a coordinator to vouch")
    earlier = next((claim for claim in store.claims_of(tx, party) if claim.key == key), None)
    if earlier is not None:
        return earlier
    claim = Claim(ClaimId(new_id("clm")), party, key, ClaimBasis.PENDING, now)
    store.add_claim(tx, claim, "", envelope)
    ledger.record(tx, Event("OwnershipClaimed", (claim.id, party), {"kind": str(key.kind)}), actor=actor, now=now)
    return claim


def vouch(
    tx: Transaction, party: PartyId, untrusted_scope: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> Claim:
    """A package or repository as a party's own on a coordinator's word; one that holds already is given again.

    Raises:
        NotPermitted: the actor does not coordinate.
        Invalid: it is neither a package URL nor a repository, or no reason is given.
        Conflict: another party holds it.
    """
    get_party(tx, party)
    _check_coordinates(tx, actor)
    key = parse_scope(untrusted_scope)
    if key is None:
        raise Invalid("neither a package URL (pkg:TYPE/NAME) nor a repository's https address")
    reason = rules.parse_reason(untrusted_reason, "vouching for an owner")
    claim = _vouch(tx, party, key, reason, actor, envelope, now)
    _rescope(tx, party, envelope)
    return claim


def end_claim(tx: Transaction, claim_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """A claim stands no more, and the party's charters cover its object no more.

    Raises:
        NotFound: there is no such claim, or it has ended.
        NotPermitted: the actor neither belongs to its party nor coordinates.
        Invalid: no reason is given.
    """
    claim = store.find_claim(tx, claim_id) if has_shape(claim_id) else None
    if claim is None or claim.ended_at is not None:
        raise NotFound(f"no claim {claim_id[:40]!r} stands")
    _check_speaks_or_coordinates(tx, actor, claim.party, now)
    reason = rules.parse_reason(untrusted_reason, "ending a claim")
    store.end_claim(tx, claim.id, reason, envelope, now)
    ledger.record(tx, Event("OwnershipEnded", (claim.id, claim.party)), actor=actor, now=now)
    _rescope(tx, claim.party, envelope)


def adopt_charter(
    tx: Transaction, party: PartyId, untrusted_bytes: bytes, *, untrusted_reason: str = "", source_url: str = "",
    actor: PartyId, envelope: Envelope, limits: CharterLimits, now: datetime,
) -> tuple[Adopted, Read]:
    """A charter put in force for a party's project, and what was noticed in reading it.

    The party itself binds what it has proven. A coordinator acting on its behalf gives a reason and vouches for all
    that the charter names.
    Raises:
        Invalid: the charter has errors, or a coordinator gives no reason.
        NotPermitted: the actor neither belongs to the party nor coordinates, or nothing it names is proven.
        Conflict: it is in force already, or another party holds something it names.
    """
    get_party(tx, party)
    read = read_document(untrusted_bytes, limits, now)
    charter = rules.check_readable(read)
    own = _may_speak(tx, actor, party, now)
    reason = ""
    if own:
        if not rules.covered(charter, store.claims_of(tx, party)):
            raise NotPermitted(
                "nothing that this charter names is proven to be this party's: claim the repository and put the claim's number "
                "into the charter there, or ask a coordinator to vouch"
            )
    else:
        _check_coordinates(tx, actor)
        reason = rules.parse_reason(untrusted_reason, "a charter on behalf of a vendor")
        for key in sorted(rules.named(charter)):
            _vouch(tx, party, key, reason, actor, envelope, now)
    return _put_in_force(tx, party, read, untrusted_bytes, reason, source_url, not own, actor, envelope, now), read


def adopt_fetched(
    tx: Transaction, claim_id: str, fetched: Fetched, *, actor: PartyId, envelope: Envelope, limits: CharterLimits, now: datetime
) -> tuple[Adopted, Read]:
    """A charter found in a claimed repository put in force; the claim's number in it proves the claim.

    It is the project's own word: whoever asked for the fetch vouches for nothing, and it binds what is proven.
    Raises:
        NotFound: there is no such claim.
        NotPermitted: the actor neither belongs to the claim's party nor coordinates, nor is it this instance renewing a proven one.
        Invalid: the charter has errors, is of another repository, or does not hold the claim's number.
        Conflict: it is in force already, or another party holds the repository.
    """
    claim = store.find_claim(tx, claim_id) if has_shape(claim_id) else None
    if claim is None or claim.ended_at is not None:
        raise NotFound(f"no claim {claim_id[:40]!r} stands")
    if not (claim.holds and Role.SYSTEM in get_party(tx, actor).roles):
        _check_speaks_or_coordinates(tx, actor, claim.party, now)
    read = read_document(fetched.body, limits, now)
    charter = rules.check_readable(read)
    if parse_scope(fetched.repository) != claim.key:
        raise Invalid("the charter was fetched from another repository than the one claimed")
    if claim.key not in rules.named(charter):
        raise Invalid("the charter does not name the repository it was fetched from; add it to repositories of its [project]")
    if not claim.holds:
        if claim.id not in charter.claims:
            raise Invalid(f'the charter in this repository does not hold the claim\'s number: add claims = ["{claim.id}"] to its [project]')
        store.prove_claim(tx, claim, ClaimBasis.FETCHED, now)
        ledger.record(tx, Event("OwnershipProven", (claim.id, claim.party), {"basis": "fetched"}), actor=actor, now=now)
        _rescope(tx, claim.party, envelope)
    adopted = _put_in_force(tx, claim.party, read, fetched.body, "", fetched.url, False, actor, envelope, now)
    if fetched.etag:
        store.keep_etag(tx, fetched.url, fetched.etag, now)
    return adopted, read


def charters_for(tx: Transaction, keys: Collection[ScopeKey], *, envelope: Envelope) -> list[Adopted]:
    """The charters in force that bind whoever writes about any of these packages and repositories."""
    return store.find_charters(tx, keys, envelope)


def read_charter(tx: Transaction, charter_id: str, *, envelope: Envelope) -> Adopted:
    """A charter in force.

    Raises:
        NotFound: there is none.
    """
    found = store.find_charter(tx, charter_id, envelope) if has_shape(charter_id) else None
    if found is None:
        raise NotFound(f"nothing found under {charter_id[:40]!r}")
    return found


def find_project(tx: Transaction, untrusted_project: str, *, envelope: Envelope) -> list[Adopted]:
    """The charters in force of a project given by id, package URL, repository or name.

    Raises:
        NotFound: there is none.
    """
    if has_shape(untrusted_project):
        return [read_charter(tx, untrusted_project, envelope=envelope)]
    key = parse_scope(untrusted_project)
    found = store.find_charters(tx, [key], envelope) if key is not None else []
    found = found or store.charters_named(tx, untrusted_project[:200], envelope)
    if not found:
        raise NotFound(f"no charter covers {untrusted_project[:80]!r}; give a package URL, a repository, or the project's name")
    return found


def _put_in_force(
    tx: Transaction, party: PartyId, read: Read, original: bytes, reason: str, source_url: str, on_behalf: bool,
    actor: PartyId, envelope: Envelope, now: datetime,
) -> Adopted:
    charter = rules.check_readable(read)
    project = store.project_key(charter.name)
    current = store.find_current(tx, party, project)
    rules.check_newer(read.digest, current[2] if current else None)
    charter_id, number = (current[0], current[1] + 1) if current else (CharterId(new_id("chr")), 1)
    version = store.Version(charter_id, number, party, project, read.digest, read.document, original, reason, source_url, on_behalf)
    store.add_version(tx, version, envelope, actor=actor, now=now)
    covers = rules.covered(charter, store.claims_of(tx, party))
    store.set_scopes(tx, charter_id, covers)
    details: dict[str, Detail] = {
        "digest": read.digest, "version": number, "on_behalf": on_behalf, "covers": len(covers),
        "opt_out_contact": charter.opt_out.contact, "opt_out_scanning": charter.opt_out.scanning,
    }
    ledger.record(tx, Event("CharterAdopted", (charter_id, party), details), actor=actor, now=now)
    found = store.find_charter(tx, charter_id, envelope)
    assert found is not None, "the charter was kept a moment ago"
    return found


def _vouch(
    tx: Transaction, party: PartyId, key: ScopeKey, reason: str, actor: PartyId, envelope: Envelope, now: datetime
) -> Claim:
    holder = store.holders(tx, [key]).get(key)
    if holder is not None and holder != party:
        raise Conflict(f"{key.value} is held by another party already; end that claim with a reason first")
    mine = next((claim for claim in store.claims_of(tx, party) if claim.key == key), None)
    if mine is not None and mine.holds:
        return mine
    claim = Claim(ClaimId(new_id("clm")), party, key, ClaimBasis.VOUCHED, now, now)
    store.add_claim(tx, claim, reason, envelope)
    ledger.record(tx, Event("OwnershipProven", (claim.id, party), {"basis": "vouched", "kind": str(key.kind)}), actor=actor, now=now)
    return claim


def _rescope(tx: Transaction, party: PartyId, envelope: Envelope) -> None:
    """What a party's charters cover, after its claims changed."""
    claims = store.claims_of(tx, party)
    for adopted in store.charters_of(tx, party, envelope):
        store.set_scopes(tx, adopted.id, rules.covered(adopted.charter, claims))


def _check_coordinates(tx: Transaction, actor: PartyId) -> None:
    if not may(get_party(tx, actor), Scope.CASES_DECIDE):
        raise NotPermitted("only somebody of the vendor itself or a coordinator may do this")


def _check_speaks_or_coordinates(tx: Transaction, actor: PartyId, party: PartyId, now: datetime) -> None:
    if not _may_speak(tx, actor, party, now):
        _check_coordinates(tx, actor)


def _may_speak(tx: Transaction, actor: PartyId, party: PartyId, now: datetime) -> bool:
    """Of a vendor's people, those who hold the role speak for it; the vendor itself acts by its own signed link."""
    return speaks_for(tx, actor, party, now) and (actor == party or may(get_party(tx, actor), Scope.CHARTERS_WRITE))
