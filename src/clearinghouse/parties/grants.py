"""What parties does with grants that people give each other: read somebody in, end it, show who may read."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules, store
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.records import Basis, Grant, Tier
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.sealing import open_with, seal_with


def grant_read(
    tx: Transaction, object_id: str, party: PartyId, *, tier: Tier, reason: str, until: datetime | None = None,
    within: Sequence[str] = (), envelope: Envelope, policy: IdentityPolicy, actor: PartyId, now: datetime,
) -> Grant:
    """A read-in: the party may read the object as far as the tier goes, for the reason given, until it ends.

    Args:
        until: UTC; as many days from now as policy says where it is None.
        within: ids of objects that hold this one (a report's submission): who may read one of them may read it.
    Raises:
        NotFound: the actor may not read the object so far itself, or there is no such party.
        NotPermitted: the actor may not decide on cases.
        Invalid: no reason is given, or it would end in the past or too late.
    """
    rules.check_may(get_party(tx, actor), Scope.CASES_DECIDE)
    if not (has_shape(object_id) and store.may_read_any(tx, (object_id, *within), actor, now, tier_min=max(tier, Tier.ROOM))):
        raise NotFound(f"nothing found under {object_id[:40]!r}")
    reader = get_party(tx, party)
    why = rules.parse_reason(reason)
    grant = Grant(object_id, reader.id, Basis.READ_IN, rules.end_of_read_in(until, now, policy), tier, actor, now, None, why)
    store.put_grant(tx, grant, seal_reason(grant, envelope))
    assert grant.until is not None, "a read-in ends"
    details: dict[str, Detail] = {"basis": str(grant.basis), "tier": int(tier), "until": render_instant(grant.until)}
    ledger.record(tx, Event("ReadGranted", (object_id, reader.id), details), actor=actor, now=now)
    return grant


def revoke_read(
    tx: Transaction, object_id: str, party: PartyId, basis: Basis, *, reason: str, within: Sequence[str] = (),
    envelope: Envelope, actor: PartyId, now: datetime,
) -> None:
    """End a grant at once.

    Args:
        within: as for `grant_read`.
    Raises:
        NotFound: there is no such live grant, or the actor neither gave it, nor may read the object, nor manages parties.
        NotPermitted: the actor reads the object but may not decide on cases.
        Invalid: no reason is given.
    """
    why = rules.parse_reason(reason)
    who = get_party(tx, actor)
    found = store.find_grant(tx, object_id, party, basis, now)
    reads = store.may_read_any(tx, (object_id, *within), actor, now)
    # Whoever manages parties may take away what it cannot see: that shows nothing to anybody.
    near = rules.may(who, Scope.PARTIES_MANAGE) or (found is not None and actor in (found.grant.given_by, party))
    if found is None or not (near or reads):
        raise NotFound(f"no such grant of {object_id[:40]!r}; `clearinghouse grant list` shows who may read what you may read")
    if not (near or rules.may(who, Scope.CASES_DECIDE)):
        raise NotPermitted("only who gave a grant, who holds it, a coordinator who reads the object, or an administrator ends it")
    about = _about(found.grant)
    key = envelope.unwrap(found.wrapped_key, about) if found.wrapped_key else secrets.token_bytes(32)
    store.end_grant(
        tx, object_id, party, basis, at=now, wrapped_key=found.wrapped_key or envelope.wrap(key, about),
        sealed_revocation=seal_with(key, why.encode(), about + "/revocation"),
    )
    ledger.record(tx, Event("ReadRevoked", (object_id, party), {"basis": str(basis)}), actor=actor, now=now)


def list_grants(
    tx: Transaction, object_id: str, *, within: Sequence[str] = (), envelope: Envelope, viewer: PartyId, now: datetime
) -> list[Grant]:
    """Who may read an object, or what holds it, why and until when, ended grants included; for somebody who may read it.

    Args:
        within: as for `grant_read`.
    Raises:
        NotFound: the viewer may not.
    """
    # Grants of others stand behind the wall; the query asks whether the viewer may read the object itself.
    with tx.beyond_wall():
        kept = store.list_grants(tx, (object_id, *within), viewer=viewer, now=now)
    if not kept:
        raise NotFound(f"nothing found under {object_id[:40]!r}")
    return [_opened(each, envelope) for each in kept]


def seal_reason(grant: Grant, envelope: Envelope) -> SealedBody:
    """A grant's reason as `store.put_grant` wants it."""
    return envelope.seal(grant.reason.encode(), _about(grant))


def _opened(kept: store.KeptGrant, envelope: Envelope) -> Grant:
    grant = kept.grant
    if not kept.sealed_reason:
        return grant
    key = envelope.unwrap(kept.wrapped_key, _about(grant))
    why = open_with(key, kept.sealed_reason, _about(grant)).decode()
    return Grant(
        grant.object_id, grant.party, grant.basis, grant.until, grant.tier, grant.given_by, grant.given_at, grant.revoked_at, why
    )


def _about(grant: Grant) -> str:
    return f"grant/{grant.object_id}/{grant.party}/{grant.basis}"
