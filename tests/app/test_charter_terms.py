"""A vendor's charter in the cases it takes part in, by the worker alone: dates, duties, later versions; on both databases."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from clearinghouse.app.views.case_room import NOT_NAMED
from clearinghouse.app.views.embargo_clock import EmbargoClock, read_embargo
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId
from clearinghouse.core.product import normalise_package
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.embargo.records import DutyState
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding, Producer
from clearinghouse.ledger import outbox
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.charters import Adopted
from clearinghouse.parties.charters.actions import adopt_charter
from room_cast import Cast

DAY = timedelta(days=1)
LIB = Finding(title="Flaw in lib", packages=(normalise_package("pypi", "lib"),))


@pytest.fixture
def cast(instance: Instance) -> Cast:
    """People around an instance on either database."""
    return Cast(instance)


def charter(cast: Cast, embargo: str, *, name: str = "lib", more: str = "", party: str = "vendor's") -> Adopted:
    text = f'charter = 1\n[project]\nname = "{name}"\npackages = ["pkg:pypi/{name}"]\n[embargo]\n{embargo}\n{more}'
    adopted: Adopted = cast.write(
        adopt_charter, cast.id(party), text.encode(), untrusted_reason="they wrote it", limits=cast.instance.policy.charters
    )[0]
    return adopted


def work(cast: Cast) -> None:
    worker_of(cast.instance, matching=False).run_once()


def seen(cast: Cast, case_id: str, name: str = "lead") -> EmbargoClock:
    party = cast.instance.actor if name == "lead" else cast.party(name)
    return read_embargo(cast.instance.acting_as(party), case_id)


def bound(cast: Cast, case_id: str) -> tuple[str, datetime | None]:
    found = seen(cast, case_id)
    return found.bound_by, found.ends_at


def applied(cast: Cast, case_id: str) -> list[dict[str, Any]]:
    with cast.instance.database.read() as tx:
        return [json.loads(one.details or "{}") for one in ledger.events_about(tx, case_id) if one.kind == "TermsApplied"]


@pytest.mark.parametrize("joins_as", ["vendor's", "vendor"])
def test_charter_of_who_joins_binds_by_itself_and_once(cast: Cast, clock: FixedClock, joins_as: str) -> None:
    adopted = charter(cast, "days = 21\ndays_ai_found = 3")
    case_id = cast.open(cast.report(LIB))
    work(cast)
    assert bound(cast, case_id)[0] == "This instance"
    clock.at += DAY
    cast.join(case_id, joins_as)
    work(cast)
    assert bound(cast, case_id) == ("lib", clock.now() + 21 * DAY)
    [line] = [one for one in seen(cast, case_id).clocks if one.rank is Rank.CHARTER]
    assert (line.id, line.binds) == (adopted.id, True)
    said = {"charter": adopted.id, "version": 1, "digest": adopted.digest, "rank": "b", "policy": 1}
    assert applied(cast, case_id) == [said]
    cast.write(rooms.leave, case_id, "", actor="vendor")
    cast.join(case_id, joins_as)
    work(cast)
    with cast.instance.database.write() as tx:
        outbox.retry_failed(tx, now=clock.now())
    work(cast)
    assert applied(cast, case_id) == [said]


def test_charter_for_ai_findings_speaks_where_no_human_found_it(cast: Cast, clock: FixedClock) -> None:
    charter(cast, "days = 21\ndays_ai_found = 3")
    made = Finding(title="Found by a model", packages=LIB.packages, producer=Producer(model="m-1"))
    case_id, mixed = cast.open(cast.report(made)), cast.open(cast.report(made, "second"), cast.report(LIB, "third"))
    for one in (case_id, mixed):
        cast.join(one, "vendor's")
    work(cast)
    assert bound(cast, case_id) == ("lib", clock.now() + 3 * DAY)
    assert bound(cast, mixed) == ("lib", clock.now() + 21 * DAY)


def test_charter_binds_its_own_code_and_no_other(cast: Cast, clock: FixedClock) -> None:
    charter(cast, "days = 21")
    charter(cast, "days = 9", name="tool")
    other = cast.open(cast.report(Finding(title="In another", packages=(normalise_package("pypi", "else"),))))
    own, unnamed = cast.open(cast.report(LIB)), cast.open(cast.report(Finding(title="Nobody named a package"), "second"))
    for one in (other, own, unnamed):
        cast.join(one, "vendor's")
    work(cast)
    assert [bound(cast, one)[0] for one in (other, own, unnamed)] == ["This instance", "lib", "tool"]
    assert [len(applied(cast, one)) for one in (other, own, unnamed)] == [0, 1, 1]


def test_nobody_but_a_vendor_brings_a_charter(cast: Cast) -> None:
    charter(cast, "days = 1")
    case_id = cast.open(cast.report(LIB))
    cast.join(case_id, "vendor's", CaseRole.DEPLOYER)
    cast.write(rooms.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "asked, and has not answered")
    work(cast)
    assert applied(cast, case_id) == []


def test_later_version_shortens_what_is_bound_and_lengthens_nothing(cast: Cast, clock: FixedClock) -> None:
    first = charter(cast, "days = 21")
    case_id = cast.open(cast.report(LIB))
    cast.join(case_id, "vendor's")
    work(cast)
    joined = clock.now()
    clock.at += DAY
    charter(cast, "days = 60")
    work(cast)
    assert bound(cast, case_id) == ("lib", joined + 21 * DAY)
    third = charter(cast, "days = 10")
    work(cast)
    assert bound(cast, case_id) == ("lib", joined + 10 * DAY)
    assert [(one["version"], "replaces" in one) for one in applied(cast, case_id)] == [(first.version, False), (third.version, True)]
    assert len([one for one in seen(cast, case_id).clocks if one.rank is Rank.CHARTER]) == 1


@pytest.mark.parametrize(("days", "binds"), [(20, True), (90, False)])
def test_first_charter_after_joining_binds_only_where_it_is_sooner(cast: Cast, clock: FixedClock, days: int, binds: bool) -> None:
    case_id = cast.open(cast.report(LIB))
    cast.join(case_id, "vendor's")
    work(cast)
    charter(cast, f"days = {days}")
    work(cast)
    assert bound(cast, case_id) == (("lib", clock.now() + 20 * DAY) if binds else ("This instance", clock.now() + 30 * DAY))


def test_what_was_stated_for_the_vendor_stands_against_its_charter(cast: Cast, clock: FixedClock) -> None:
    case_id = cast.open(cast.report(LIB))
    cast.join(case_id, "vendor's")
    stated = Terms("own", "The project", "", Rank.CHARTER, Milestone.VENDOR_CONTACTED, 25, party=cast.id("vendor's"))
    cast.write(embargo.apply_terms, case_id, stated)
    charter(cast, "days = 5")
    work(cast)
    assert bound(cast, case_id) == ("The project", clock.now() + 25 * DAY)


def test_charter_of_a_closed_case_or_an_ended_embargo_changes_nothing(cast: Cast, clock: FixedClock) -> None:
    case_id = cast.open(cast.report(LIB))
    cast.join(case_id, "vendor's")
    cast.write(embargo.exit_embargo, case_id, "it is known everywhere")
    charter(cast, "days = 5")
    work(cast)
    assert applied(cast, case_id) == []


def test_vendor_that_asked_not_to_be_named_is_not_named_by_its_charter(cast: Cast, clock: FixedClock) -> None:
    charter(cast, "days = 21", name="secretlib", more='[obligations]\nregimes = ["eu-cra"]\n')
    case_id = cast.open(cast.report(Finding(title="Nobody named a package")))
    cast.join(case_id, "vendor's")
    cast.join(case_id, "other vendor")
    _hide(cast, case_id, cast.id("vendor's"))
    work(cast)
    found = seen(cast, case_id, "other vendor")
    text = str(found)
    assert (found.ends_at, found.bound_by) == (clock.now() + 21 * DAY, NOT_NAMED)
    assert "secretlib" not in text
    assert cast.id("vendor's") not in text
    assert "vendor's," not in text
    assert [line for line in found.duties if line.regime] == []
    assert len([line for line in seen(cast, case_id, "vendor").duties if line.regime]) == 3


def test_duties_of_a_law_bind_the_vendor_that_says_so_and_name_it(cast: Cast, clock: FixedClock) -> None:
    charter(cast, "days = 21", more='[obligations]\nregimes = ["eu-cra"]\n')
    case_id = cast.open(cast.report(LIB))
    work(cast)
    assert not any(line.regime for line in seen(cast, case_id).duties)
    cast.join(case_id, "vendor's")
    cast.join(case_id, "other vendor")
    work(cast)
    lines = [line for line in seen(cast, case_id).duties if line.regime]
    assert {(line.holder.partition(",")[0], line.state, line.at) for line in lines} == {("vendor's", DutyState.NOT_TRIGGERED, None)}
    cast.write(embargo.record_fact, case_id, Milestone.EXPLOITED_KNOWN, clock.now())
    due = {line.id: (line.holder.partition(",")[0], line.at) for line in seen(cast, case_id).duties if line.regime}
    assert due == {
        "cra-early-warning": ("vendor's", clock.now() + DAY), "cra-notification": ("vendor's", clock.now() + 3 * DAY),
        "cra-final-report": ("vendor's", None),
    }


def test_vendor_that_comes_after_exploitation_is_known_owes_its_duties(cast: Cast, clock: FixedClock) -> None:
    charter(cast, "", more='[obligations]\nregimes = ["eu-cra"]\n')
    case_id = cast.open(cast.report(LIB))
    cast.write(embargo.record_fact, case_id, Milestone.EXPLOITED_KNOWN, clock.now())
    cast.join(case_id, "vendor's")
    work(cast)
    assert [line.at for line in seen(cast, case_id).duties if line.id == "cra-early-warning"] == [clock.now() + DAY]


def _hide(cast: Cast, case_id: str, party: PartyId) -> None:
    from sqlalchemy import update

    from clearinghouse.core.events import Event
    from clearinghouse.disclosure.coordination.rooms.store.tables import case_participants
    from clearinghouse.ledger import actions as ledger_actions

    with cast.instance.database.write() as tx:
        tx.write(update(case_participants).where(
            case_participants.c.case_id == case_id, case_participants.c.party_id == party
        ).values(unnamed=True))
        ledger_actions.record(tx, Event("Tested", (case_id,)), actor=cast.instance.actor.id, now=cast.instance.clock.now())
