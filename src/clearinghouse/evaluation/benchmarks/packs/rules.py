"""What packs decide: who may seal, for whom, and what may still be opened."""

from collections.abc import Sequence

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.core.roles import Role
from clearinghouse.core.untrusted import clean_line
from clearinghouse.evaluation.benchmarks.packs.records import CustodianKey, Pack, PackedItem, RetiredFor
from clearinghouse.evaluation.benchmarks.packs.sharing import SHARES_MAX
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.parties.records import Party, PartyKind

_NAME_CHARACTERS_MAX = 60  # the width of the column, not a policy
ITEMS_MAX = 100_000  # a bound on memory, not a policy


def check_may_seal(party: Party) -> None:
    """Raise NotPermitted unless a party may seal, retire and prove packs: an evaluator, and nobody who develops models."""
    if Role.EVALUATOR not in party.roles:
        raise NotPermitted("packs are sealed and retired by evaluators")
    if Role.DEVELOPER in party.roles:
        raise NotPermitted("who acts for a developer of models neither seals nor opens a pack")


def parse_pack_name(untrusted_name: str) -> str:
    """The name of a pack on one line.

    Raises:
        Invalid: nothing readable is left of it.
    """
    name = clean_line(untrusted_name, _NAME_CHARACTERS_MAX)
    if not name:
        raise Invalid("a pack needs a name; what was given is empty once unreadable characters are dropped")
    return name


def check_custodians(keys: Sequence[CustodianKey], parties: Sequence[Party], threshold: int, policy: BenchmarkPolicy) -> None:
    """Raise unless a pack's key may be split among these.

    Raises:
        Invalid: too few or too many, one of them twice, or a threshold below policy or above their number.
        NotPermitted: one is no person who holds the role of a custodian, or acts for a developer of models.
    """
    if len({key.party for key in keys}) != len(keys):
        raise Invalid("every custodian holds one share; one was named twice")
    if not policy.custodians_min <= threshold <= len(keys) <= SHARES_MAX:
        raise Invalid(
            f"the key is split among at most {SHARES_MAX} custodians, at least {policy.custodians_min} of whom must release; "
            f"{threshold} of {len(keys)} was asked for"
        )
    for party in parties:
        if party.kind is not PartyKind.PERSON or Role.CUSTODIAN not in party.roles:
            raise NotPermitted(f"{party.id} is no person who holds the role custodian")
        if Role.DEVELOPER in party.roles:
            raise NotPermitted(f"{party.id} acts for a developer of models and can hold no share")


def check_items(items: Sequence[Item]) -> None:
    """Raise Invalid unless items can make a pack: there are some, and no two share an id or a canary."""
    if not 0 < len(items) <= ITEMS_MAX:
        raise Invalid(f"a pack holds 1 to {ITEMS_MAX} items; {len(items)} were handed in")
    if len({item.id for item in items}) != len(items) or len({item.canary for item in items}) != len(items):
        raise Invalid("two items of the pack share an id or a canary")


def check_may_open(pack: Pack, item: PackedItem, *, seen_before: bool, policy: BenchmarkPolicy) -> None:
    """Raise Conflict unless an item may be opened for an engagement.

    Args:
        seen_before: this engagement opened it before; it counts once, and goes on although others used the item up.
    """
    if pack.retired_at is not None:
        raise Conflict(f"pack {pack.id} is retired ({pack.retired_for}); no item of it opens any more")
    if item.retired_at is not None and item.retired_for is not RetiredFor.EXPOSURE:
        raise Conflict(f"item {item.id} is retired ({item.retired_for})")
    if not seen_before and item.exposures >= policy.exposures_max:
        raise Conflict(f"item {item.id} was opened for {item.exposures} engagements, as many as policy allows; it is retired")
