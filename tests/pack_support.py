"""Who takes part in sealing and opening, and a small pack, for tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PackId, PartyId, ReviewCaseId, RunId, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.custody import Purpose, ReleaseAsk, RunKey
from clearinghouse.evaluation.benchmarks.custody import actions as custody
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import store
from clearinghouse.evaluation.benchmarks.packs.records import Made
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.suites import SUITES
from clearinghouse.parties.records import Party
from party_factories import add


@dataclass
class Vault:
    """An instance with an evaluator, a developer, three custodians with their keys at home, and a sealed pack."""

    instance: Instance
    evaluator: Party
    developer: Party
    custodians: list[Party]
    keys: dict[PartyId, X25519PrivateKey]
    items: list[Item]
    made: Made

    @property
    def pack(self) -> PackId:
        return self.made.pack.id

    @property
    def ids(self) -> list[str]:
        """Ids in the pack, in the order of `items`."""
        return [self.made.ids[item.id] for item in self.items]

    def ask(self, run: RunKey, purpose: Purpose = Purpose.SEALED_RUN, *, review: str | None = None, hours: float = 4) -> ReleaseAsk:
        with self.instance.database.write() as tx:
            sealed = purpose is Purpose.SEALED_RUN
            return custody.ask_release(
                tx, self.pack, purpose, run.public, self.now + timedelta(hours=hours), actor=self.evaluator.id, policy=self.policy, now=self.now,
                run_id=RunId(new_id("run")) if sealed else None, review_id=ReviewCaseId(review or new_id("rev")) if sealed else None,
                developer=self.developer.id if sealed else None,
            )

    def release(self, ask: ReleaseAsk, *which: int, hours: float = 2) -> None:
        for number in which:
            party = self.custodians[number]
            with self.instance.database.write() as tx:
                share = store.find_share(tx, self.pack, viewer=party.id, now=self.now)
                assert share is not None
                box = custody.reseal(share, ask, self.keys[party.id])
                custody.release_share(tx, ask.id, box, self.now + timedelta(hours=hours), actor=party.id, now=self.now)

    @property
    def now(self) -> datetime:
        return self.instance.clock.now()

    @property
    def policy(self) -> BenchmarkPolicy:
        return self.instance.policy.benchmarks


def small_items(number: int = 4) -> list[Item]:
    """Some items of different families."""
    return [suite.generate(900 + at, at) for at, suite in enumerate(SUITES[:number])]


def opened_vault(instance: Instance, items: list[Item] | None = None, threshold: int = 2) -> Vault:
    """An instance with a pack."""
    evaluator, developer = add(instance, "Desk", Role.EVALUATOR), add(instance, "Lab", Role.DEVELOPER)
    custodians = [add(instance, f"Vault {number}", Role.CUSTODIAN) for number in range(3)]
    keys: dict[PartyId, X25519PrivateKey] = {}
    registered = []
    now = instance.clock.now()
    for party in custodians:
        keys[party.id] = X25519PrivateKey.generate()
        with instance.database.write() as tx:
            registered.append(custody.register_key(tx, keys[party.id].public_key().public_bytes_raw(), actor=party.id, now=now))
    kept = small_items() if items is None else items
    with instance.database.write() as tx:
        made = packs.seal_pack(tx, kept, "winter", registered, threshold, actor=evaluator.id, policy=instance.policy.benchmarks, now=now)
    return Vault(instance, evaluator, developer, custodians, keys, kept, made)
