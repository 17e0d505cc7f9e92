"""Sending what is due: claimed under a lease, checked against what the party may read now, handed over, noted.

A worker that dies between handing over and noting leaves the notice claimed; when its lease ends it is
sent again under the same Message-ID or delivery id. So a notice arrives at least once, and whoever
gets it twice can tell.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from clearinghouse.app.channels import webhook
from clearinghouse.app.channels.base import LinkMaker, MailCarrier, Recipient, Refused, Unreachable
from clearinghouse.app.channels.directory import certificates, is_personal, recipient
from clearinghouse.app.channels.letters import compose
from clearinghouse.app.channels.mailbox import Mailbox
from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.channels.smtp import SmtpCarrier
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError
from clearinghouse.core.marks import Marks
from clearinghouse.parties import store as parties
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.records import ChannelName, Notice, NoticeKind, ToSend
from clearinghouse.parties.notices.store import hooks, notices
from clearinghouse.storage import Transaction

_PORTION = 20  # claimed at a time; so few that a lease outlasts them

StillTold = Callable[[Transaction, Notice, datetime], bool]
"""Whether the party of a notice may still be told of it."""
TextOf = Callable[[Transaction, Notice, datetime], tuple[Marks, str] | None]
"""What a notice may tell in so many words, with its marks, read with the rights of its party."""


@dataclass(frozen=True)
class Sender:
    """Everything sending needs."""

    instance: Instance
    carrier: MailCarrier
    outward: Outward
    make_link: LinkMaker
    still_told: StillTold
    text_of: TextOf = field(default=lambda tx, notice, now: None)

    def send_due(self, lease: str, limit: int = _PORTION) -> int:
        """Send what is due, a portion of it; gives how many notices were dealt with."""
        instance, policy = self.instance, self.instance.policy.notices
        now = instance.clock.now()
        until = now + timedelta(seconds=policy.lease_seconds)
        with instance.database.read() as tx:
            if not notices.any_due(tx, until=until, now=now):
                return 0
        with instance.database.write() as tx:
            claimed = notices.claim(tx, lease, instance.envelope, limit=limit, until=until, now=now)
        for each in claimed:
            self._send(each)
        return len(claimed)

    def _send(self, claimed: ToSend) -> None:
        instance = self.instance
        try:
            with instance.database.read() as tx:
                told = self.still_told(tx, claimed.notice, instance.clock.now())
            if not told:
                self._note(lambda tx, now: actions.note_withdrawn(tx, claimed, "not_readable", actor=instance.system, now=now))
                return
            sent = self._mail(claimed) if claimed.notice.channel is ChannelName.MAIL else self._post(claimed)
        except webhook.ReceiverGone:
            self._failed(claimed, "receiver_gone", final=True)
        except _NobodyThere as error:
            self._failed(claimed, str(error), final=True)
        except Refused:
            # A webhook's name may lead elsewhere tomorrow; a mail server's word about a recipient stands.
            self._failed(claimed, "refused", final=claimed.notice.channel is ChannelName.MAIL)
        except Unreachable:
            self._failed(claimed, "unreachable", final=False)
        except ClearinghouseError as error:
            self._failed(claimed, type(error).__name__, final=False)
        else:
            digest = "sha256:" + hashlib.sha256(sent).hexdigest()
            self._note(lambda tx, now: actions.note_sent(tx, claimed, digest, actor=instance.system, now=now))

    def _mail(self, claimed: ToSend) -> bytes:
        instance = self.instance
        now = instance.clock.now()
        with instance.database.read() as tx:
            to = self._recipient(tx, claimed)
            founder = parties.founding_organisation(tx)
            # Of several, the mail says how many there are and the room says what.
            if not claimed.text and claimed.more == 0 and (found := self.text_of(tx, claimed.notice, now)) is not None:
                claimed = replace(claimed, marks=found[0], text=found[1])
        # What a link opens is for who reads the mailbox: for an address given on the spot none is made, but for the
        # invitation that was made out to it.
        link = ""
        if not claimed.address or claimed.notice.kind is NoticeKind.ACCOUNT_INVITED:
            with instance.database.write() as tx:
                link = self.make_link(tx, claimed.notice.party, claimed.notice.about, now=now)
        mail = compose(
            claimed, to, sender=instance.settings.mail_sender, organisation=founder, link=link, thread_key=instance.envelope.index_key(),
            signing_key=instance.openpgp_keys[0] if instance.openpgp_keys else None, now=now,
        )
        self.carrier.carry(mail)
        return mail.message

    def _recipient(self, tx: Transaction, claimed: ToSend) -> Recipient:
        party, envelope = claimed.notice.party, self.instance.envelope
        if claimed.address:
            return Recipient(party, claimed.address, False, is_personal(tx, party), certificates(tx, party, envelope))
        if claimed.notice.kind is NoticeKind.CONTACT_ADDED:
            # To this address and no other of the party: who reads it is what is asked.
            added = contacts.system_contact(tx, claimed.notice.about, envelope)
            if added is None:
                raise _NobodyThere("no_address")
            return Recipient(party, added.address, False, is_personal(tx, party), ())
        found = recipient(tx, party, envelope)
        if found is None:
            raise _NobodyThere("no_address")
        return found

    def _post(self, claimed: ToSend) -> bytes:
        with self.instance.database.read() as tx:
            hook = hooks.system_hook(tx, claimed.notice.target, self.instance.envelope)
        if hook is None or not hook.active or hook.party != claimed.notice.party:
            raise _NobodyThere("no_subscription")
        return webhook.deliver(self.outward, hook, claimed.notice, now=self.instance.clock.now())

    def _failed(self, claimed: ToSend, trouble: str, *, final: bool) -> None:
        instance = self.instance
        self._note(lambda tx, now: actions.note_failed(
            tx, claimed, trouble, final=final, policy=instance.policy.notices, envelope=instance.envelope, actor=instance.system, now=now
        ))

    def _note(self, step: Callable[[Transaction, datetime], None]) -> None:
        with self.instance.database.write() as tx:
            step(tx, self.instance.clock.now())


class _NobodyThere(ClearinghouseError):
    """There is no address and no subscription to send to; trying again changes nothing."""


def carrier_of(instance: Instance) -> MailCarrier:
    """How an instance's mail leaves: by its server, or into the folder where it names none or makes no outgoing connection."""
    settings = instance.settings
    if not settings.mail.host or not settings.outward.enabled:
        return Mailbox(settings.mail_folder / "out")
    domain = settings.mail_sender.rpartition("@")[2]
    return SmtpCarrier(settings.mail, domain, instance.policy.outward.total_seconds_max)


def outward_of(instance: Instance) -> Outward:
    """The guard for an instance's outgoing calls."""
    return Outward(instance.settings.outward, instance.policy.outward)
