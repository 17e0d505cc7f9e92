"""What enrolment does: invite, accept, enrol a project of one's own, begin anew after losing one's credentials."""

from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import ContactId, InvitationId, PartyId, has_shape, new_id
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import Role, Scope
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as parties
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.contacts import rules as contact_rules
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.contacts.records import Contact
from clearinghouse.parties.identity import secrets
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.credentials.rules import attempt_key
from clearinghouse.parties.identity.enrolment import rules, store
from clearinghouse.parties.identity.enrolment.records import Invitation
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import Link, LinkPurpose
from clearinghouse.parties.identity.sessions import actions as sessions
from clearinghouse.parties.identity.sessions import store as session_store
from clearinghouse.parties.identity.sessions.records import SignedIn, SignInMethod
from clearinghouse.parties.identity.sessions.rules import TooManyAttempts, parse_source
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Envelope, Transaction

_KIND = "chi"
_DAY = timedelta(days=1)


def invite(
    tx: Transaction, roles: frozenset[Role], *, organisation: PartyId | None = None, address: str = "",
    expires_at: datetime | None = None, envelope: Envelope, policy: IdentityPolicy, actor: PartyId, now: datetime,
) -> tuple[Invitation, str]:
    """An invitation and its text `chi.inv_....SECRET`, which nobody can read again; `renew_invitation` makes another.

    Args:
        organisation: where the person will belong; None: to a project of their own.
        address: where it is mailed to, if it is.
        expires_at: UTC; as many days from now as policy says where it is None.
    Raises:
        NotPermitted: the actor may not invite somebody as that.
        NotFound: there is no such organisation.
        Invalid: no role, a party that is no organisation, no address, or an end in the past.
    """
    home = None if organisation is None else get_party(tx, organisation)
    rules.check_may_invite(get_party(tx, actor), roles, home)
    if home is not None and home.kind is not PartyKind.ORGANISATION:
        raise Invalid(f"people belong to organisations; {home.name} is of kind {home.kind}")
    until = now + timedelta(days=policy.invitation_days) if expires_at is None else expires_at
    if until <= now:
        raise Invalid(f"an invitation must expire in the future; {until.isoformat()} is past")
    to = contact_rules.parse_address(address) if address else ""
    invitation = Invitation(InvitationId(new_id("inv")), roles, None if home is None else home.id, to, actor, now, until)
    secret = secrets.new_secret()
    store.add_invitation(tx, invitation, secrets.hash_secret(secret), envelope)
    details: dict[str, Detail] = {
        "roles": [str(role) for role in sorted(roles)], "expires_at": render_instant(until), "mail": bool(to),
    }
    ledger.record(tx, Event("InvitationMade", (invitation.id,), details), actor=actor, now=now)
    return invitation, secrets.render(_KIND, invitation.id, secret)


def renew_invitation(
    tx: Transaction, invitation_id: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> tuple[Invitation, str]:
    """A fresh text for an invitation that is mailed: whoever mails it calls this, so that no text waits in an outbox.

    Accepting by this text proves that its reader reads the address.
    Raises:
        NotFound: there is no such invitation, or none that is good and has an address.
        NotPermitted: the actor is neither its maker nor the instance itself.
    """
    found = store.find_invitation(tx, invitation_id, envelope) if has_shape(invitation_id) else None
    if found is None or not rules.is_good(found[0], now) or not found[0].address:
        raise NotFound(f"no invitation {invitation_id[:40]!r} that could be mailed")
    if actor != found[0].made_by and Role.SYSTEM not in get_party(tx, actor).roles:
        raise NotPermitted("only who made an invitation, or the instance itself, mails it")
    secret = secrets.new_secret()
    store.replace_secret(tx, found[0].id, secrets.hash_secret(secret))
    ledger.record(tx, Event("InvitationRenewed", (found[0].id,)), actor=actor, now=now)
    return found[0], secrets.render(_KIND, found[0].id, secret)


def check_invitation(tx: Transaction, untrusted_text: str, *, envelope: Envelope, now: datetime) -> Invitation:
    """The invitation of a text, for the page that asks for a name.

    Raises:
        InvitationRefused: there is none that is good; one message for every reason.
    """
    return _find(tx, untrusted_text, envelope, now)[0]


def accept_invitation(
    tx: Transaction, untrusted_text: str, *, name: str, project: str = "", user_agent: str, replaces: str = "",
    envelope: Envelope, policy: IdentityPolicy, now: datetime,
) -> SignedIn:
    """A new person, in a session that reaches its own credentials: set one, then sign in.

    Args:
        project: name of the person's own project, where the invitation names no organisation.
    Raises:
        InvitationRefused: as for `check_invitation`.
        Invalid: a name is missing.
    """
    invitation, mailed = _find(tx, untrusted_text, envelope, now)
    if not store.use_invitation(tx, invitation.id, now):
        raise rules.InvitationRefused
    organisation = invitation.organisation
    if organisation is None:
        organisation = _add(tx, PartyKind.ORGANISATION, project, frozenset(), None, invitation.made_by, now).id
    person = _add(tx, PartyKind.PERSON, name, invitation.roles, organisation, invitation.made_by, now)
    store.note_guest(tx, invitation.id, person.id)
    ledger.record(tx, Event("InvitationAccepted", (invitation.id, person.id)), actor=person.id, now=now)
    if invitation.address:
        lookup = contact_rules.lookup_of(invitation.address, envelope)
        # Read by whoever followed the mailed text; but an address somebody else proved before stays theirs.
        proved = mailed and contacts.system_party_of(tx, lookup) is None
        contact = Contact(ContactId(new_id("con")), person.id, invitation.address, now, now if proved else None)
        contacts.add_contact(tx, contact, lookup, envelope)
        ledger.record(tx, Event("ContactAdded", (contact.id, person.id), {"verified": proved}), actor=person.id, now=now)
    return sessions.start_session(
        tx, person, SignInMethod.INVITATION, user_agent=user_agent, replaces=replaces, policy=policy, now=now
    )


def revoke_invitation(tx: Transaction, invitation_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End an invitation that nobody accepted.

    Raises:
        NotFound: there is none of that id that the actor made or may end by managing parties, or it was accepted.
    """
    found = store.find_invitation(tx, invitation_id, envelope) if has_shape(invitation_id) else None
    manages = party_rules.may(get_party(tx, actor), Scope.PARTIES_MANAGE)
    mine = found is not None and (manages or found[0].made_by == actor)
    if found is None or not mine or not store.revoke_invitation(tx, found[0].id, now):
        raise NotFound(f"no open invitation {invitation_id[:40]!r}")
    ledger.record(tx, Event("InvitationRevoked", (found[0].id,)), actor=actor, now=now)


def enrol_project(
    tx: Transaction, *, project: str, name: str, source: str, user_agent: str, replaces: str = "",
    envelope: Envelope, policy: IdentityPolicy, now: datetime,
) -> SignedIn:
    """A one-person project and its person, in a session that reaches its own credentials.

    The person reports, and speaks as a vendor for this one project: it writes the charter and answers what is delivered.
    That proves nothing yet: a charter binds what is proven to be the project's, and nothing is sent to it before.

    Raises:
        NotPermitted: policy does not allow it.
        TooManyAttempts: this source, or everybody, enrolled as many projects today as policy allows.
        Invalid: a name is missing.
    """
    if not policy.self_enrolment:
        raise NotPermitted("this instance enrols by invitation only; write to it to be invited")
    day = f"{now:%Y-%m-%d}"
    caps = {
        attempt_key("enrolment", day, envelope): policy.self_enrolments_per_day_max,
        attempt_key("enrolment", f"{day}\0{parse_source(source)}", envelope): policy.self_enrolments_per_source_max,
    }
    counted = {each.key: each.failures for each in session_store.read_attempts(tx, list(caps))}
    if any(counted.get(key, 0) >= cap for key, cap in caps.items()):
        raise TooManyAttempts(now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY, now)
    forgotten = now - max(_DAY, timedelta(hours=policy.failures_forgotten_hours))
    session_store.count_attempt(tx, list(caps), now, forgotten_before=forgotten)
    home = _add(tx, PartyKind.ORGANISATION, project, frozenset(), None, None, now)
    person = _add(tx, PartyKind.PERSON, name, frozenset({Role.REPORTER, Role.VENDOR}), home.id, None, now)
    return sessions.start_session(
        tx, person, SignInMethod.INVITATION, user_agent=user_agent, replaces=replaces, policy=policy, now=now
    )


def offer_reset(
    tx: Transaction, party: PartyId, *, policy: IdentityPolicy, actor: PartyId, now: datetime
) -> tuple[Link, str]:
    """A link by which somebody who lost every credential sets new ones, good for a day and one use.

    It is as strong as the person's account, so it names both on the record (`LinkMade`), and the person is to be told.
    Raises:
        NotFound: there is no such party.
        NotPermitted: the actor may not manage parties, or means itself: a second administrator helps the first.
        Invalid: the party is no person.
    """
    if party == actor:
        raise NotPermitted("somebody else resets your credentials: ask another administrator")
    return links.make_link(
        tx, party, party, LinkPurpose.RESET_CREDENTIALS, once=True, expires_at=now + _DAY, policy=policy, actor=actor, now=now
    )


def begin_reset(
    tx: Transaction, untrusted_text: str, *, user_agent: str, replaces: str = "", policy: IdentityPolicy, now: datetime
) -> SignedIn:
    """Forget every credential and session of whoever follows a reset link; a session that sets new ones.

    Raises:
        LinkRefused: as for `links.actions.check_link`.
    """
    link = links.use_link(tx, untrusted_text, LinkPurpose.RESET_CREDENTIALS, now=now)
    sessions.revoke_sessions(tx, link.party, actor=link.party, now=now)
    credentials.remove_all(tx, link.party)
    ledger.record(tx, Event("CredentialsReset", (link.party,)), actor=link.party, now=now)
    party = get_party(tx, link.party)
    return sessions.start_session(
        tx, party, SignInMethod.RESET_LINK, user_agent=user_agent, replaces=replaces, policy=policy, now=now
    )


def _add(
    tx: Transaction, kind: PartyKind, name: str, roles: frozenset[Role], organisation: PartyId | None,
    actor: PartyId | None, now: datetime,
) -> Party:
    """A party that nobody with a role adds: the invitation, or policy, allowed it. Without an actor it acts for itself."""
    party = Party(PartyId(new_id("pty")), kind, party_rules.parse_name(name), organisation, now, roles)
    parties.add_party(tx, party)
    details: dict[str, Detail] = {"kind": str(kind), "roles": [str(role) for role in sorted(roles)], "enrolled": True}
    ledger.record(tx, Event("PartyAdded", (party.id,), details), actor=actor or party.id, now=now)
    return party


def _find(tx: Transaction, untrusted_text: str, envelope: Envelope, now: datetime) -> tuple[Invitation, bool]:
    parsed = secrets.parse(_KIND, untrusted_text)
    found = None if parsed is None else store.find_invitation(tx, parsed[0], envelope)
    if parsed is None or found is None or not (secrets.is_secret(parsed[1], found[1]) and rules.is_good(found[0], now)):
        raise rules.InvitationRefused
    return found[0], found[2]
