"""Links in mail: whoever can sign in is sent to the door, everybody else gets a link of their own to the one thing it is about."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.links.actions import make_link
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.storage import Transaction

PATH = "/act/"
"""Where a signed link leads; what follows is its text."""


@dataclass(frozen=True)
class PersonalLinks:
    """Makes the links of an instance's mail."""

    instance: Instance

    def __call__(self, tx: Transaction, party: PartyId, about: str, *, now: datetime) -> str:
        """The address for a party; empty where the settings name no public address."""
        url = self.instance.settings.public_url
        if not url:
            return ""
        if party == self.instance.system or not about.startswith("case_") or _can_sign_in(tx, party):
            return f"{url}/"
        _, text = make_link(
            tx, party, about, LinkPurpose.ACT_ON_CASE, once=False, policy=self.instance.policy.identity, actor=self.instance.system, now=now
        )
        return f"{url}{PATH}{text}"


def _can_sign_in(tx: Transaction, party: PartyId) -> bool:
    return bool(credentials.has_password(tx, party) or credentials.list_passkeys(tx, party) or credentials.list_accounts(tx, party))
