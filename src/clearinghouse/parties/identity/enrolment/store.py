"""Where invitations are kept, with a hash of their secret and their address sealed."""

from datetime import datetime

from sqlalchemy import Boolean, Column, ForeignKey, Table, insert, select, update

from clearinghouse.core.ids import InvitationId, PartyId
from clearinghouse.core.roles import Role
from clearinghouse.parties.identity.enrolment.records import Invitation
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Body, Digest, Id, Instant, Prose, metadata

invitations = Table(
    "invitations", metadata,
    Column("invitation_id", Id, primary_key=True),
    Column("secret_hash", Digest, nullable=False),
    Column("roles", Prose, nullable=False),
    Column("organisation_id", Id, ForeignKey("parties.party_id")),
    Column("mailed", Boolean, nullable=False),
    Column("wrapped_key", Body, nullable=False),
    Column("sealed_address", Body, nullable=False),
    Column("made_by", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("used_by", Id, ForeignKey("parties.party_id")),
    Column("revoked_at", Instant),
)


def add_invitation(tx: Transaction, invitation: Invitation, secret_hash: str, envelope: Envelope) -> None:
    """Keep an invitation; its secret is stored nowhere."""
    sealed = envelope.seal(invitation.address.encode(), invitation.id)
    tx.write(insert(invitations), {
        "invitation_id": invitation.id, "secret_hash": secret_hash, "roles": " ".join(sorted(invitation.roles)),
        "organisation_id": invitation.organisation, "mailed": False, "wrapped_key": sealed.wrapped_key,
        "sealed_address": sealed.body, "made_by": invitation.made_by, "made_at": invitation.made_at,
        "expires_at": invitation.expires_at, "used_at": None, "used_by": None, "revoked_at": None,
    })


def find_invitation(tx: Transaction, invitation_id: str, envelope: Envelope) -> tuple[Invitation, str, bool] | None:
    """An invitation, the hash of its secret, and whether that secret went to the address and nowhere else."""
    row = tx.row(select(invitations).where(invitations.c.invitation_id == invitation_id))
    if row is None:
        return None
    address = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed_address)), row.invitation_id).decode()
    organisation = None if row.organisation_id is None else PartyId(row.organisation_id)
    invitation = Invitation(
        InvitationId(row.invitation_id), frozenset(Role(role) for role in row.roles.split()), organisation, address,
        PartyId(row.made_by), row.made_at, row.expires_at, row.used_at, row.revoked_at,
    )
    return invitation, row.secret_hash, row.mailed


def replace_secret(tx: Transaction, invitation_id: InvitationId, secret_hash: str) -> None:
    """Give an invitation another secret, which goes to its address only; the one before opens nothing."""
    tx.write(update(invitations).where(invitations.c.invitation_id == invitation_id).values(secret_hash=secret_hash, mailed=True))


def use_invitation(tx: Transaction, invitation_id: InvitationId, at: datetime) -> bool:
    """Use an invitation up; False where somebody did before."""
    unused = (invitations.c.invitation_id == invitation_id, invitations.c.used_at.is_(None), invitations.c.revoked_at.is_(None))
    return tx.write(update(invitations).where(*unused).values(used_at=at)) == 1


def note_guest(tx: Transaction, invitation_id: InvitationId, party: PartyId) -> None:
    """Note who came by an invitation."""
    tx.write(update(invitations).where(invitations.c.invitation_id == invitation_id).values(used_by=party))


def revoke_invitation(tx: Transaction, invitation_id: InvitationId, at: datetime) -> bool:
    """End an invitation that nobody used; False where there is none."""
    unused = (invitations.c.invitation_id == invitation_id, invitations.c.used_at.is_(None), invitations.c.revoked_at.is_(None))
    return tx.write(update(invitations).where(*unused).values(revoked_at=at)) == 1
