"""People who enrol and sign in, for tests."""

from dataclasses import dataclass
from datetime import timedelta

import pyotp

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.parties.identity.credentials import passwords, rules
from clearinghouse.parties.identity.enrolment import actions as enrolment
from clearinghouse.parties.identity.sessions.records import SignedIn

PASSWORD = "seven green lamps at noon"


@dataclass
class Person:
    """Somebody with a password, and what the telephone and the drawer hold."""

    party: PartyId
    login: str
    totp_secret: str
    recovery_codes: tuple[str, ...]
    enrolled: SignedIn

    def code(self, instance: Instance, steps: int = 0) -> str:
        """What the telephone shows now, or steps later."""
        return pyotp.TOTP(self.totp_secret).at(instance.clock.now() + timedelta(seconds=30 * steps))


def invited(instance: Instance, *roles: Role, address: str = "", name: str = "Ada") -> SignedIn:
    """Somebody who accepted an invitation, mailed where there is an address."""
    with instance.database.write() as tx:
        invitation, text = enrolment.invite(
            tx, frozenset(roles or (Role.REPORTER,)), address=address, envelope=instance.envelope, policy=instance.policy.identity,
            actor=instance.actor.id, now=instance.clock.now(),
        )
        if address:
            _, text = enrolment.renew_invitation(
                tx, invitation.id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
            )
    with instance.database.write() as tx:
        return enrolment.accept_invitation(
            tx, text, name=name, project=f"{name}'s parser", user_agent="Test/1.0", envelope=instance.envelope,
            policy=instance.policy.identity, now=instance.clock.now(),
        )


def with_password(instance: Instance, *roles: Role, address: str = "ada@example.org", password: str = PASSWORD) -> Person:
    """Somebody who set a password up."""
    enrolled = invited(instance, *roles, address=address)
    policy = instance.policy.identity
    hashed = rules.hash_password(rules.parse_password(password, policy), policy)
    with instance.database.write() as tx:
        setup = passwords.begin_password(
            tx, hashed, session=enrolled.session, issuer="Example CERT", envelope=instance.envelope, policy=policy,
            now=instance.clock.now(),
        )
    with instance.database.write() as tx:
        codes = passwords.finish_password(
            tx, setup.id, pyotp.TOTP(setup.totp_secret).at(instance.clock.now()), session=enrolled.session,
            envelope=instance.envelope, policy=policy, now=instance.clock.now(),
        )
    return Person(enrolled.party.id, address or enrolled.party.id, setup.totp_secret, codes, enrolled)


def sign_in(
    instance: Instance, login: str, password: str, code: str, *, source: str = "192.0.2.1", replaces: str = ""
) -> SignedIn | None:
    """An attempt to sign in."""
    return passwords.sign_in(
        instance.database, login, password, code, source=source, user_agent="Test/1.0", replaces=replaces,
        envelope=instance.envelope, policy=instance.policy.identity, clock=instance.clock,
    )
