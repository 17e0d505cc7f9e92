"""What custody decides: how long an ask and a release last, who may release, and whether what was released opens anything."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.custody.records import Purpose, Release, ReleaseAsk
from clearinghouse.evaluation.benchmarks.packs.boxes import KEY_BYTES
from clearinghouse.evaluation.benchmarks.packs.records import Pack
from clearinghouse.parties.records import Party, PartyKind

_RESEALED_BYTES = KEY_BYTES + 32 + 16  # a key, a share and its tag


def parse_purpose(untrusted_purpose: str) -> Purpose:
    """A purpose by its name.

    Raises:
        Invalid: there is none of this name.
    """
    if untrusted_purpose not in set(Purpose):
        raise Invalid(f"a pack is opened for one of: {', '.join(Purpose)}")
    return Purpose(untrusted_purpose)


def parse_public_key(untrusted_key: bytes) -> bytes:
    """A public key of X25519 in its raw form.

    Raises:
        Invalid: it has another length.
    """
    if len(untrusted_key) != KEY_BYTES:
        raise Invalid(f"a public key of X25519 has {KEY_BYTES} bytes; {len(untrusted_key)} were given")
    return untrusted_key


def check_may_hold(party: Party) -> None:
    """Raise NotPermitted unless a party may be a custodian: a person with the role, who acts for no developer of models."""
    if party.kind is not PartyKind.PERSON or Role.CUSTODIAN not in party.roles:
        raise NotPermitted("only a person with the role custodian registers a key and releases a share")
    if Role.DEVELOPER in party.roles:
        raise NotPermitted("who acts for a developer of models holds no share")


def check_ask(ask: ReleaseAsk, pack: Pack, policy: BenchmarkPolicy, now: datetime) -> None:
    """Raise unless custodians may be asked for this.

    Raises:
        Conflict: the pack is retired.
        Invalid: the ask ends in the past or later than policy allows, or a run is not named where items meet a model.
    """
    if pack.retired_at is not None:
        raise Conflict(f"pack {pack.id} is retired; nothing of it is opened any more")
    if not now < ask.until <= now + timedelta(hours=policy.release_hours_max):
        raise Invalid(f"an ask ends in the future and within {policy.release_hours_max} hours; {ask.until.isoformat()} was asked for")
    if ask.purpose is Purpose.SEALED_RUN and (ask.run_id is None or ask.review_id is None or ask.developer is None):
        raise Invalid("for a sealed run say which run, which review and whose model: exposures are counted by them, and conflicts told by the last")


def check_may_release(
    ask: ReleaseAsk, custodian: Party, house: PartyId | None, developer_house: PartyId | None, until: datetime, box: bytes, now: datetime
) -> None:
    """Raise unless a custodian may release for an ask.

    Args:
        house: the custodian's organisation.
        developer_house: the developer's, where there is a developer.
    Raises:
        NotPermitted: it is no custodian, asked itself, or is the developer or of its house.
        Conflict: the ask is over.
        Invalid: the release would outlast the ask, or holds no share.
    """
    check_may_hold(custodian)
    if custodian.id == ask.asked_by:
        raise NotPermitted("who asks does not release: at least two other persons do")
    if ask.developer is not None and (custodian.id == ask.developer or (house is not None and house in (ask.developer, developer_house))):
        raise NotPermitted("nobody of the developer whose model is reviewed releases anything for that review")
    check_open(ask, now)
    if not now < until <= ask.until:
        raise Invalid(f"a release ends in the future and no later than the ask, at {ask.until.isoformat()}")
    if len(box) != _RESEALED_BYTES:
        raise Invalid("what was handed in is no share in a box for the run's key")


def check_open(ask: ReleaseAsk, now: datetime) -> None:
    """Raise Conflict unless an ask still stands."""
    if ask.ended_at is not None or now >= ask.until:
        raise Conflict(f"ask {ask.id} is over; ask anew")


def live(releases: Sequence[Release], now: datetime) -> list[Release]:
    """The releases that hold at `now`."""
    return [release for release in releases if release.ended_at is None and release.released_at <= now < release.until]


def check_released(ask: ReleaseAsk, pack: Pack, releases: Sequence[Release], now: datetime) -> list[Release]:
    """The releases that a pack is opened with: so many as it needs, by different persons, none of whom asked.

    Raises:
        Conflict: the ask is over, or there are too few.
    """
    check_open(ask, now)
    found = [release for release in live(releases, now) if release.party != ask.asked_by]
    persons = {release.party for release in found}
    if len(persons) < max(2, pack.threshold):
        raise Conflict(f"{len(persons)} of {max(2, pack.threshold)} custodians have released for {ask.id}; nothing opens before")
    return found
