"""What links does: make one, check it, use it, revoke it; let an anonymous reporter in and back in."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import LinkId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as parties
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.identity import secrets
from clearinghouse.parties.identity.credentials.rules import attempt_key
from clearinghouse.parties.identity.links import rules, store
from clearinghouse.parties.identity.links.records import Link, LinkPurpose, Receipt
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import rules as session_rules
from clearinghouse.parties.identity.sessions import store as session_store
from clearinghouse.parties.identity.sessions.records import SignedIn, SignInMethod
from clearinghouse.parties.records import Party, PartyKind, Tier
from clearinghouse.storage import Envelope, Transaction

_KIND = "clh"
_ANONYMOUS = "Anonymous reporter"


def make_link(
    tx: Transaction, party: PartyId, object_id: str, purpose: LinkPurpose, *, once: bool, expires_at: datetime | None = None,
    policy: IdentityPolicy, actor: PartyId, now: datetime,
) -> tuple[Link, str]:
    """A link and its text `clh.lnk_....SECRET`, which nobody can read again.

    Following it is acting as the party, so it shows no more than the party was granted, and nothing once that ended.
    Args:
        expires_at: UTC; as many days from now as policy says where it is None.
    Raises:
        NotFound: there is no such party, or the actor may not read the object.
        NotPermitted: the actor may not make such a link for somebody else.
        Invalid: it would expire in the past, or the object is no id.
    """
    owner, maker = get_party(tx, party), get_party(tx, actor)
    if not has_shape(object_id):
        raise Invalid(f"{object_id[:40]!r} is no id")
    _check_may_make(tx, maker, owner, object_id, purpose, now)
    until = now + timedelta(days=policy.link_days) if expires_at is None else expires_at
    if until <= now:
        raise Invalid(f"a link must expire in the future; {until.isoformat()} is past")
    link = Link(LinkId(new_id("lnk")), owner.id, object_id, purpose, once, actor, now, until)
    secret = secrets.new_secret()
    store.add_link(tx, link, secrets.hash_secret(secret))
    details: dict[str, Detail] = {"purpose": str(purpose), "once": once, "expires_at": render_instant(until)}
    ledger.record(tx, Event("LinkMade", (link.id, owner.id, object_id), details), actor=actor, now=now)
    return link, secrets.render(_KIND, link.id, secret)


def check_link(tx: Transaction, untrusted_text: str, purpose: LinkPurpose, *, now: datetime) -> Link:
    """The link of a text, not used up by being looked at: mail scanners follow links too.

    Raises:
        LinkRefused: there is none, or none that is good for this; one message for every reason.
    """
    parsed = secrets.parse(_KIND, untrusted_text)
    found = None if parsed is None else store.find_link(tx, parsed[0])
    if parsed is None or found is None or not (secrets.is_secret(parsed[1], found[1]) and rules.is_good(found[0], purpose, now)):
        raise rules.LinkRefused
    return found[0]


def use_link(tx: Transaction, untrusted_text: str, purpose: LinkPurpose, *, now: datetime) -> Link:
    """The same, and the use is noted: a link for one use is used up. For what the reader sends, never for opening a page.

    Raises:
        LinkRefused: as for `check_link`.
    """
    link = check_link(tx, untrusted_text, purpose, now=now)
    if not store.use_link(tx, link, now):
        raise rules.LinkRefused
    ledger.record(tx, Event("LinkUsed", (link.id, link.party, link.object_id)), actor=link.party, now=now)
    return link


def revoke_link(tx: Transaction, link_id: str, *, actor: PartyId, now: datetime) -> None:
    """End a link at once.

    Raises:
        NotFound: there is none of that id that the actor made, holds or may end by managing parties.
    """
    found = store.find_link(tx, link_id) if has_shape(link_id) else None
    manages = party_rules.may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    if found is None or not (manages or actor in (found[0].party, found[0].made_by)):
        raise NotFound(f"no link {link_id[:40]!r}")
    store.revoke_link(tx, found[0].id, now)
    ledger.record(tx, Event("LinkRevoked", (found[0].id, found[0].party, found[0].object_id)), actor=actor, now=now)


def make_receipt(tx: Transaction, *, policy: IdentityPolicy, actor: PartyId, now: datetime) -> tuple[Party, str]:
    """A party for somebody who stays unknown, and the code that leads back, shown this once.

    The party belongs to no organisation, so that nothing granted to one is granted to it.
    """
    party = Party(PartyId(new_id("pty")), PartyKind.PERSON, _ANONYMOUS, None, now, frozenset({Role.REPORTER}))
    parties.add_party(tx, party)
    code = rules.new_receipt_code()
    store.add_receipt(tx, Receipt(party.id, now, now + timedelta(days=policy.receipt_days)), rules.hash_receipt_code(code))
    details: dict[str, Detail] = {"kind": str(party.kind), "roles": [str(role) for role in sorted(party.roles)], "anonymous": True}
    ledger.record(tx, Event("PartyAdded", (party.id,), details), actor=actor, now=now)
    return party, code


def sign_in_with_receipt(
    tx: Transaction, untrusted_code: str, *, source: str, user_agent: str, replaces: str = "",
    envelope: Envelope, policy: IdentityPolicy, now: datetime,
) -> SignedIn | None:
    """A session that reaches what became of an anonymous reporter's reports; None where the code is none.

    A code is not to be guessed; the count keeps a source from filling the log of the server with trying.
    Raises:
        TooManyAttempts: the source has to wait.
    """
    key = attempt_key("source", session_rules.parse_source(source), envelope)
    session_rules.check_may_try(session_store.read_attempts(tx, [key]), policy, now)
    found = store.find_receipt(tx, rules.hash_receipt_code(untrusted_code), now)
    if found is None:
        forgotten = now - timedelta(hours=policy.failures_forgotten_hours)
        session_store.count_attempt(tx, [key], now, forgotten_before=forgotten)
        return None
    party = get_party(tx, found.party)
    return sessions.start_session(tx, party, SignInMethod.RECEIPT, user_agent=user_agent, replaces=replaces, policy=policy, now=now)


def sign_in_with_link(
    tx: Transaction, untrusted_text: str, *, user_agent: str, replaces: str = "", policy: IdentityPolicy, now: datetime
) -> SignedIn:
    """A session of the party that made the link; the link is used up.

    Raises:
        LinkRefused: there is none, or none that is good for this.
    """
    link = use_link(tx, untrusted_text, LinkPurpose.SIGN_IN, now=now)
    return sessions.start_session(
        tx, get_party(tx, link.party), SignInMethod.LINK, user_agent=user_agent, replaces=replaces, policy=policy, now=now
    )


def _check_may_make(tx: Transaction, maker: Party, owner: Party, object_id: str, purpose: LinkPurpose, now: datetime) -> None:
    if purpose is LinkPurpose.RESET_CREDENTIALS:
        party_rules.check_may(maker, Scope.PARTIES_MANAGE)
        if object_id != owner.id or owner.kind is not PartyKind.PERSON:
            raise Invalid("credentials are reset for a person, and the link is about that person")
        return
    if purpose is LinkPurpose.SIGN_IN:
        # Whoever could make one for somebody else would read what that one may.
        if not maker.id == owner.id == object_id:
            raise NotPermitted("a link to sign in is made by the party itself")
        return
    if maker.id == owner.id or Role.SYSTEM in maker.roles:
        return
    if purpose is LinkPurpose.VERIFY_CONTACT:
        party_rules.check_may(maker, Scope.PARTIES_MANAGE)
        return
    if not party_rules.may(maker, Scope.CASES_DECIDE):
        raise NotPermitted("only a coordinator makes links for somebody else")
    if purpose is not LinkPurpose.EDIT_CHARTER and not parties.may_read(tx, object_id, maker.id, now, tier_min=Tier.ROOM):
        raise NotFound(f"nothing found under {object_id[:40]!r}")
