"""Links in mail: whoever can sign in is sent to the door, everybody else gets a link of their own to the one thing it is about."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.enrolment.actions import renew_invitation
from clearinghouse.parties.identity.links.actions import make_link
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.storage import Transaction

PATH = "/act/"
"""Where a signed link leads; what follows is its text."""
PACKET_PATH, CHARTER_PATH, CONTACT_PATH = "/packet/", "/charter/", "/contact/"
"""The same, for a link to one delivery, to a project's charter, and to an address that is to be confirmed."""


@dataclass(frozen=True)
class PersonalLinks:
    """Makes the links of an instance's mail."""

    instance: Instance

    def __call__(self, tx: Transaction, party: PartyId, about: str, *, now: datetime) -> str:
        """The address for a party; empty where the settings name no public address."""
        url = self.instance.settings.public_url
        if not url:
            return ""
        kind = about.partition("_")[0]
        if kind == "inv":
            # Made anew as the mail is: the text of an invitation waits in no outbox.
            _, text = renew_invitation(tx, about, envelope=self.instance.envelope, actor=self.instance.system, now=now)
            return f"{url}/enrol?invitation={quote(text)}"
        if party == self.instance.system or kind not in _LEADS:
            return f"{url}/"
        path, purpose, once = _LEADS[kind]
        # Whoever can sign in does; an address is confirmed by who reads it and by nobody else.
        if purpose is not LinkPurpose.VERIFY_CONTACT and _can_sign_in(tx, party):
            return f"{url}/"
        _, text = make_link(
            tx, party, about, purpose, once=once, policy=self.instance.policy.identity, actor=self.instance.system, now=now
        )
        return f"{url}{path}{text}"


_LEADS: dict[str, tuple[str, LinkPurpose, bool]] = {
    "case": (PATH, LinkPurpose.ACT_ON_CASE, False), "dlv": (PACKET_PATH, LinkPurpose.ANSWER_DELIVERY, True),
    "con": (CONTACT_PATH, LinkPurpose.VERIFY_CONTACT, True),
}
"""Kind of object to where its link leads, what it is for, and whether one use uses it up."""


def _can_sign_in(tx: Transaction, party: PartyId) -> bool:
    return bool(credentials.has_password(tx, party) or credentials.list_passkeys(tx, party) or credentials.list_accounts(tx, party))
