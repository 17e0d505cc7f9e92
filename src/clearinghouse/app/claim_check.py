"""`POST /claim-check` for the users of Scrutineer: whether a finding with their salted hash is held here.

Off unless the settings name a salt. Weaker than the blind check by design, and said to be in docs/reference/blind-check.md: we see
what is asked, and any member with the salt can try every file and weakness.
"""

import hashlib
import hmac

from clearinghouse.app.wiring import Instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.deconfliction.blind import store
from clearinghouse.disclosure.deconfliction.blind.claim_hash import claim_hashes
from clearinghouse.disclosure.intake import rates
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.ledger import actions as ledger

_PORTION = 500


def hash_held(instance: Instance) -> int:
    """Hash every finding held and not public that was not yet; gives how many reports. Cut off, it goes on where it was."""
    salt = instance.settings.claim_check.salt
    if not salt:
        return 0
    salt_id, done = _keyed(instance, b"salt", salt), 0
    with instance.database.read() as tx:
        through = store.system_claims_through(tx, salt_id)
    while True:
        with instance.database.read() as tx:
            portion = intake.system_private_findings(tx, through, _PORTION, instance.envelope)
            gone = withdrawals.system_withdrawn(tx, [number for number, _ in portion])
        if not portion:
            return done
        hashes = [_keyed(instance, b"hash", each) for number, finding in portion if number not in gone for each in claim_hashes(salt, finding)]
        through = portion[-1][0]
        with instance.database.write() as tx:
            store.system_add_claims(tx, salt_id, hashes, through)
        done += len(portion)


def is_claimed(instance: Instance, asked: bytes, source: str) -> bool:
    """Whether a finding with this hash is held; a match is on the record, and every question counts against its address.

    Raises:
        TooManySubmissions: strangers at this address asked as much as they may.
    """
    settings, now = instance.settings.claim_check, instance.clock.now()
    with instance.database.write() as tx:
        rates.count_anonymous(tx, "claim-check " + source, 0, envelope=instance.envelope, policy=instance.policy.rates, now=now)
        found = store.system_has_claim(tx, _keyed(instance, b"salt", settings.salt), _keyed(instance, b"hash", asked))
        if found:
            ledger.record(tx, Event("ClaimMatched", (new_id("clq"),)), actor=instance.system, now=now)
    return found


def _keyed(instance: Instance, what: bytes, value: bytes) -> bytes:
    # The database alone shall not be the list that the salt opens.
    return hmac.digest(instance.envelope.index_key(), b"clearinghouse/claim-" + what + b"/v1\0" + value, hashlib.sha256)
