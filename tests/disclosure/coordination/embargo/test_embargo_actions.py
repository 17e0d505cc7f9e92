"""Proposing, answering, facts, terms and leaks of a stored case, on both databases: states, events, deadlines, and who may."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from clearinghouse.app.settings import default_policy_document
from clearinghouse.app.timers import refresh_embargo
from clearinghouse.app.wiring import policy_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo import actions
from clearinghouse.disclosure.coordination.embargo.gathering import Situation
from clearinghouse.disclosure.coordination.embargo.records import (
    Consent,
    DeadlineKind,
    Embargo,
    EmbargoState,
    ExitReason,
    ProposalState,
    Timetable,
    TimetableState,
)
from clearinghouse.disclosure.coordination.embargo.rules import compute_timetable
from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.actions import enter
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from docs.embargo_examples import SHIPPED
from room_cast import Cast

DAY = timedelta(days=1)


def situation(cast: Cast, case_id: CaseId) -> tuple[Embargo, Situation, Timetable]:
    """What is kept, and what it comes to."""
    now = cast.instance.clock.now()
    with cast.instance.database.write() as tx:
        room = enter(tx, case_id, envelope=cast.instance.envelope, viewer=cast.id("lead"), now=now)
        embargo = embargoes.begin(tx, case_id)
        found = actions.read_situation(tx, room, embargo, policy_of, now)
        return embargo, found, compute_timetable(found.facts, found.terms, now, found.duties)


def waiting(cast: Cast, object_id: str) -> set[tuple[DeadlineKind, str, datetime]]:
    with cast.instance.database.read() as tx:
        return {(one.kind, one.name, one.due_at) for one in deadlines.system_waiting(tx, object_id)}


def events(cast: Cast, case_id: CaseId, *kinds: str) -> list[ledger.LoggedEvent]:
    with cast.instance.database.read() as tx:
        return [one for one in ledger.events_about(tx, case_id) if not kinds or one.kind in kinds]


def agree(cast: Cast, case_id: CaseId, ends_at: datetime, *others: str) -> str:
    proposal = cast.write(actions.propose_embargo, case_id, ends_at)
    for name in others:
        cast.write(actions.accept_embargo, case_id, proposal.id, actor=name)
    return proposal.id


def test_default_binds_from_the_report_once_the_case_is_refreshed(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    refresh_embargo(cast.instance, case_id)
    embargo, _, timetable = situation(cast, case_id)
    assert (embargo.state, embargo.ends_at, embargo.rank, embargo.term_id) == (
        EmbargoState.NONE, clock.now() + 30 * DAY, Rank.DEFAULT, "fallback-30",
    )
    assert timetable.ends_at == embargo.ends_at
    assert len(events(cast, case_id, "TimetableChanged")) == 1
    ends = clock.now() + 30 * DAY
    assert {one for one in waiting(cast, case_id) if one[0] is not DeadlineKind.DUTY} == {
        (DeadlineKind.EMBARGO_ENDS, "", ends), (DeadlineKind.EMBARGO_WARNING, "", ends - 7 * DAY), (DeadlineKind.EMBARGO_WARNING, "", ends - DAY),
    }


def test_what_all_accept_binds_and_everybody_is_a_signatory(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    ends = clock.now() + 60 * DAY
    proposal = cast.write(actions.propose_embargo, case_id, ends, actor="vendor")
    assert situation(cast, case_id)[0].state is EmbargoState.PROPOSED
    cast.write(actions.accept_embargo, case_id, proposal.id)
    assert situation(cast, case_id)[2].rank is Rank.DEFAULT
    cast.write(actions.accept_embargo, case_id, proposal.id, actor="finder")
    embargo, found, timetable = situation(cast, case_id)
    assert (embargo.state, timetable.ends_at, timetable.rank, timetable.term_id) == (EmbargoState.ACTIVE, ends, Rank.AGREED, proposal.id)
    assert found.consents == {cast.id(name): Consent.SIGNATORY for name in ("lead", "finder", "vendor")}
    assert [one.kind for one in events(cast, case_id, "EmbargoProposed", "EmbargoAccepted", "EmbargoAgreed")] == [
        "EmbargoProposed", "EmbargoAccepted", "EmbargoAccepted", "EmbargoAgreed",
    ]
    assert timetable.conflicts == ()


def test_declined_proposal_leaves_what_was_agreed_before(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    first = agree(cast, case_id, clock.now() + 40 * DAY, "finder", "vendor")
    longer = cast.write(actions.propose_embargo, case_id, clock.now() + 90 * DAY, actor="vendor")
    assert situation(cast, case_id)[0].state is EmbargoState.REVISE
    cast.write(actions.decline_embargo, case_id, longer.id, "too long", actor="finder")
    embargo, found, timetable = situation(cast, case_id)
    assert (embargo.state, timetable.term_id, timetable.ends_at) == (EmbargoState.ACTIVE, first, clock.now() + 40 * DAY)
    assert found.consents[cast.id("finder")] is Consent.SIGNATORY
    assert {one.id: one.state for one in found.proposals} == {first: ProposalState.ACCEPTED, longer.id: ProposalState.DECLINED}


def test_sole_proposal_declined_leads_back_to_none(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    proposal = cast.write(actions.propose_embargo, case_id, clock.now() + 40 * DAY)
    cast.write(actions.decline_embargo, case_id, proposal.id, "no", actor="vendor")
    embargo, found, _ = situation(cast, case_id)
    assert (embargo.state, found.consents[cast.id("vendor")]) == (EmbargoState.NONE, Consent.DECLINED)


def test_revision_replaces_what_was_agreed(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    first = agree(cast, case_id, clock.now() + 40 * DAY, "finder", "vendor")
    second = agree(cast, case_id, clock.now() + 90 * DAY, "finder", "vendor")
    embargo, found, timetable = situation(cast, case_id)
    assert (embargo.state, timetable.term_id, timetable.ends_at) == (EmbargoState.ACTIVE, second, clock.now() + 90 * DAY)
    assert {one.id: one.state for one in found.proposals} == {first: ProposalState.SUPERSEDED, second: ProposalState.ACCEPTED}
    assert waiting(cast, case_id) >= {(DeadlineKind.EMBARGO_ENDS, "", clock.now() + 90 * DAY)}
    assert not any(one[2] == clock.now() + 40 * DAY for one in waiting(cast, case_id))


def test_shortest_of_several_proposals_wins(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    long = cast.write(actions.propose_embargo, case_id, clock.now() + 90 * DAY, actor="vendor")
    short = cast.write(actions.propose_embargo, case_id, clock.now() + 20 * DAY, actor="finder")
    cast.write(actions.accept_embargo, case_id, long.id)
    assert situation(cast, case_id)[0].state is EmbargoState.PROPOSED, "the vendor has not accepted the short one, the finder not the long one"
    cast.write(actions.accept_embargo, case_id, short.id, actor="vendor")
    embargo, _, timetable = situation(cast, case_id)
    assert (timetable.term_id, embargo.state) == (short.id, EmbargoState.REVISE), "the longer one still waits, as a revision"


def test_who_leaves_is_not_waited_for(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    proposal = cast.write(actions.propose_embargo, case_id, clock.now() + 40 * DAY)
    cast.write(actions.accept_embargo, case_id, proposal.id, actor="finder")
    cast.write(rooms.leave, case_id, "gone fishing", actor="vendor")
    refresh_embargo(cast.instance, case_id)
    assert situation(cast, case_id)[2].term_id == proposal.id


def test_who_withdraws_is_named_and_the_rest_stay_bound(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    proposal_id = agree(cast, case_id, clock.now() + 40 * DAY, "finder", "vendor")
    cast.write(actions.withdraw_consent, case_id, "we cannot wait", actor="finder")
    _, found, timetable = situation(cast, case_id)
    assert (timetable.term_id, found.consents[cast.id("finder")]) == (proposal_id, Consent.DECLINED)
    assert [one.between for one in timetable.conflicts] == [(cast.id("finder"), proposal_id)]
    with pytest.raises(Conflict, match="cannot withdraw"):
        cast.write(actions.withdraw_consent, case_id, "again", actor="finder")
    cast.write(actions.accept_embargo, case_id, proposal_id, actor="finder")
    assert situation(cast, case_id)[2].conflicts == ()


def test_who_joins_later_is_named_until_it_accepts(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    proposal_id = agree(cast, case_id, clock.now() + 40 * DAY, "finder", "vendor")
    cast.join(case_id, "second vendor")
    refresh_embargo(cast.instance, case_id)
    assert [one.between for one in situation(cast, case_id)[2].conflicts] == [(cast.id("second vendor"), proposal_id)]
    cast.write(actions.accept_embargo, case_id, proposal_id, actor="second vendor")
    assert situation(cast, case_id)[2].conflicts == ()


def test_publication_ends_it_for_all_and_names_whom_to_tell(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    agree(cast, case_id, clock.now() + 40 * DAY, "finder", "vendor")
    later = cast.write(actions.propose_embargo, case_id, clock.now() + 50 * DAY)
    clock.at += 3 * DAY
    cast.write(actions.record_fact, case_id, Milestone.PUBLIC, clock.now() - timedelta(hours=2), note="seen at https://example.org/post")
    embargo, found, timetable = situation(cast, case_id)
    assert (embargo.state, embargo.exit_reason, embargo.exited_at) == (EmbargoState.EXITED, ExitReason.PUBLIC, clock.now() - timedelta(hours=2))
    assert (timetable.state, timetable.rank, timetable.ended_by) == (TimetableState.ENDED, Rank.OVER, Milestone.PUBLIC)
    assert set(found.consents.values()) == {Consent.NONE}
    assert {one.id: one.state for one in found.proposals}[later.id] is ProposalState.SUPERSEDED
    [ended] = events(cast, case_id, "EmbargoEnded")
    assert ended.details is not None
    assert sorted(cast.id(name) for name in ("lead", "finder", "vendor")) == sorted(json.loads(ended.details)["tell"])
    assert not any(kind in (DeadlineKind.EMBARGO_ENDS, DeadlineKind.EMBARGO_WARNING) for kind, _, _ in waiting(cast, case_id))
    assert "example.org" not in ended.details
    with pytest.raises(Conflict, match="does not come back"):
        cast.write(actions.accept_embargo, case_id, later.id, actor="finder")
    with pytest.raises(Conflict, match="does not come back"):
        cast.write(actions.propose_embargo, case_id, clock.now() + 9 * DAY)


def test_known_exploitation_starts_the_clocks_of_who_is_under_the_law(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.write(actions.record_fact, case_id, Milestone.EXPLOITED_KNOWN, clock.now())
    assert _owed(cast, case_id) == {}
    cast.write(actions.record_regime, case_id, "eu-cra", applies=True, actor="vendor")
    assert _owed(cast, case_id) == {"cra-early-warning": clock.now() + DAY, "cra-notification": clock.now() + 3 * DAY}
    cast.write(actions.record_duty_met, case_id, "cra-early-warning", clock.now(), actor="vendor")
    assert set(_owed(cast, case_id)) == {"cra-notification"}
    with pytest.raises(Conflict, match="before"):
        cast.write(actions.record_duty_met, case_id, "cra-early-warning", clock.now())
    cast.write(actions.record_regime, case_id, "eu-cra", applies=False, party=cast.id("vendor"))
    assert _owed(cast, case_id) == {}
    assert [(json.loads(one.details or "{}")["party"], json.loads(one.details or "{}")["applies"])
            for one in events(cast, case_id, "RegimeStated")] == [(cast.id("vendor"), True), (cast.id("vendor"), False)]


def test_law_is_said_by_the_vendor_itself_or_a_coordinator(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.join(case_id, "other")
    for actor, party in (("finder", ""), ("finder", cast.id("vendor")), ("other", cast.id("vendor"))):
        with pytest.raises(NotPermitted, match="of itself"):
            cast.write(actions.record_regime, case_id, "eu-cra", applies=True, party=party, actor=actor)
    with pytest.raises(NotFound):
        cast.write(actions.record_regime, case_id, "eu-cra", applies=True, party=cast.id("finder"))
    with pytest.raises(Invalid, match="there are: eu-cra"):
        cast.write(actions.record_regime, case_id, "another-law", applies=True, actor="vendor")
    cast.write(actions.record_regime, case_id, "eu-cra", applies=True, party=cast.id("vendor"))
    with pytest.raises(Conflict, match="known already"):
        cast.write(actions.record_regime, case_id, "eu-cra", applies=True, actor="vendor")
    with pytest.raises(NotFound):
        cast.write(actions.record_duty_met, case_id, "cra-notification", clock.now(), actor="other")
    with pytest.raises(NotPermitted, match="its own"):
        cast.write(actions.record_duty_met, case_id, "cra-notification", clock.now(), party=cast.id("vendor"), actor="other")
    cast.write(actions.record_regime, case_id, "eu-cra", applies=True, actor="other")
    with pytest.raises(Invalid, match="binds 2 vendors"):
        cast.write(actions.record_duty_met, case_id, "cra-notification", clock.now())


def _owed(cast: Cast, case_id: CaseId) -> dict[str, datetime]:
    return {name: at for kind, name, at in waiting(cast, case_id) if kind is DeadlineKind.DUTY and name.startswith("cra-")}


def test_exploit_that_is_public_cannot_be_published_twice(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.write(actions.record_fact, case_id, Milestone.EXPLOIT_PUBLIC, clock.now())
    with pytest.raises(Conflict, match="cannot publish what is PXa"):
        cast.write(actions.record_fact, case_id, Milestone.PUBLIC, clock.now())


def test_terms_of_a_list_move_the_timetable_and_it_says_from_where_to_where(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    refresh_embargo(cast.instance, case_id)
    cast.write(actions.record_fact, case_id, Milestone.POSTED_TO_LIST, clock.now())
    applied, timetable = cast.write(actions.apply_terms, case_id, SHIPPED["linux-distros"])
    assert (timetable.ends_at, timetable.rank) == (clock.now() + 14 * DAY, Rank.BODY)
    changed = json.loads(events(cast, case_id, "TimetableChanged")[-1].details or "{}")
    assert (changed["old"], changed["new"]) == ("2026-12-21T08:00:00.000000Z", "2026-12-05T08:00:00.000000Z")
    assert cast.write(actions.remove_terms, case_id, applied.id).rank is Rank.DEFAULT


def test_vendor_states_its_own_charter_and_nothing_else(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    charter = Terms("charter", "The project", "https://example.org/policy", Rank.CHARTER, Milestone.VENDOR_CONTACTED, 20, party=cast.id("vendor"))
    _, timetable = cast.write(actions.apply_terms, case_id, charter, actor="vendor")
    assert (timetable.ends_at, timetable.rank) == (clock.now() + 20 * DAY, Rank.CHARTER)
    for wrong in (replace(charter, party=cast.id("finder"), id="b"), replace(charter, rank=Rank.BODY, id="c")):
        with pytest.raises(NotPermitted):
            cast.write(actions.apply_terms, case_id, wrong, actor="vendor")
    with pytest.raises(Conflict, match="already"):
        cast.write(actions.apply_terms, case_id, charter)


@pytest.mark.parametrize(("wrong", "word"), [
    ({"days": None}, "exactly one"), ({"rank": Rank.AGREED}, "proposed"), ({"holder": "\u202e"}, "who holds"), ({"source": "javascript:x"}, "address"),
])
def test_terms_that_make_no_sense_are_refused(sqlite_cast: Cast, sqlite_case: CaseId, wrong: dict[str, object], word: str) -> None:
    stated = replace(Terms("x", "Somebody", "https://example.org", Rank.BODY, Milestone.REPORTED, 5), **wrong)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match=word):
        sqlite_cast.write(actions.apply_terms, sqlite_case, stated)


def test_charter_counts_from_its_own_vendors_fix(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.join(case_id, "second vendor")
    kernel = replace(SHIPPED["kernel"], party=cast.id("vendor"))
    cast.write(actions.apply_terms, case_id, kernel)
    cast.write(actions.record_fact, case_id, Milestone.FIX_READY, clock.now(), actor="second vendor")
    assert situation(cast, case_id)[2].rank is Rank.DEFAULT
    clock.at += DAY
    cast.write(actions.record_fact, case_id, Milestone.FIX_READY, clock.now(), actor="vendor")
    assert situation(cast, case_id)[2].ends_at == clock.now() + 7 * DAY


def test_fix_is_not_deployed_before_it_is_ready(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    with pytest.raises(Conflict, match="cannot fix deployed what is Vfd"):
        cast.write(actions.record_fact, case_id, Milestone.FIX_DEPLOYED, clock.now(), actor="vendor")


def test_fact_ahead_is_refused_but_an_expected_fix(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    with pytest.raises(Invalid, match="what-if"):
        cast.write(actions.record_fact, case_id, Milestone.PUBLIC, clock.now() + DAY)
    cast.write(actions.record_fact, case_id, Milestone.FIX_EXPECTED, clock.now() + 70 * DAY, actor="vendor")
    clock.at += timedelta(minutes=1)
    cast.write(actions.record_fact, case_id, Milestone.FIX_EXPECTED, clock.now() + 60 * DAY, actor="vendor")
    assert situation(cast, case_id)[1].facts.at[Milestone.FIX_EXPECTED] == clock.now() + 60 * DAY


def test_withdrawn_fact_moves_the_timetable_back(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    fact, _ = cast.write(actions.record_fact, case_id, Milestone.POSTED_TO_LIST, clock.now())
    cast.write(actions.apply_terms, case_id, SHIPPED["linux-distros"])
    assert cast.write(actions.withdraw_fact, case_id, fact.id).rank is Rank.DEFAULT
    with pytest.raises(NotFound):
        cast.write(actions.withdraw_fact, case_id, fact.id)


@pytest.mark.parametrize(("name", "milestone", "permitted"), [
    ("finder", Milestone.PUBLIC, False), ("vendor", Milestone.EXPLOITED_KNOWN, False), ("finder", Milestone.FIX_READY, False),
    ("finder", Milestone.EXPLOITATION_SUSPECTED, True), ("vendor", Milestone.PATCH_RELEASED, True), ("vendor", Milestone.POSTED_TO_LIST, False),
])
def test_who_may_record_what(sqlite_cast: Cast, sqlite_case: CaseId, name: str, milestone: Milestone, permitted: bool) -> None:
    at = sqlite_cast.instance.clock.now()
    if permitted:
        assert sqlite_cast.write(actions.record_fact, sqlite_case, milestone, at, actor=name)[0].milestone is milestone
        return
    with pytest.raises(NotPermitted):
        sqlite_cast.write(actions.record_fact, sqlite_case, milestone, at, actor=name)


def test_suspected_leak_waits_for_a_coordinator_and_a_confirmed_one_ends_it(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    leak = cast.write(actions.record_leak, case_id, "a screenshot at https://example.org/1", clock.now(), actor="vendor")
    assert waiting(cast, leak.id) == {(DeadlineKind.LEAK_CHECK, "", clock.now() + DAY)}
    assert situation(cast, case_id)[0].state is EmbargoState.NONE
    clock.at += timedelta(hours=1)
    with pytest.raises(NotPermitted):
        cast.write(actions.confirm_leak, case_id, leak.id, public=True, actor="vendor")
    cast.write(actions.confirm_leak, case_id, leak.id, public=True)
    embargo, _, _ = situation(cast, case_id)
    assert (embargo.state, embargo.exit_reason, embargo.exited_at) == (EmbargoState.EXITED, ExitReason.LEAKED, leak.seen_at)
    assert waiting(cast, leak.id) == set()
    with pytest.raises(Conflict, match="confirmed already"):
        cast.write(actions.dismiss_leak, case_id, leak.id)


def test_leak_that_is_not_public_and_one_that_is_none_end_nothing(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    first = cast.write(actions.record_leak, case_id, "mail to a wrong address", clock.now())
    second = cast.write(actions.record_leak, case_id, "a rumour", clock.now())
    cast.write(actions.confirm_leak, case_id, first.id, public=False)
    cast.write(actions.dismiss_leak, case_id, second.id)
    assert situation(cast, case_id)[0].state is EmbargoState.NONE
    assert [one.kind for one in events(cast, case_id) if one.kind.startswith("Leak")] == [
        "LeakSuspected", "LeakSuspected", "LeakConfirmed", "LeakDismissed",
    ]


def test_nobody_else_learns_that_there_is_an_embargo(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.party("stranger")
    for act, arguments in (
        (actions.propose_embargo, (clock.now() + DAY,)), (actions.accept_embargo, ("trm_x",)), (actions.exit_embargo, ("why",)),
        (actions.record_leak, ("here", clock.now())), (actions.record_fact, (Milestone.PUBLIC, clock.now())),
    ):
        with pytest.raises(NotFound) as unseen:
            cast.write(act, case_id, *arguments, actor="stranger")
        with pytest.raises(NotFound) as missing:
            cast.write(act, "case_" + "a" * 26, *arguments, actor="stranger")
        assert str(unseen.value).replace(case_id, "") == str(missing.value).replace("case_" + "a" * 26, "")


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_instant_that_is_past_or_too_far_is_refused(sqlite_cast: Cast, sqlite_case: CaseId, days: int) -> None:
    with pytest.raises(Invalid, match="365"):
        sqlite_cast.write(actions.propose_embargo, sqlite_case, sqlite_cast.instance.clock.now() + days * DAY)


def test_coordinator_ends_it_with_a_reason(cast: Cast, case_id: CaseId) -> None:
    with pytest.raises(NotPermitted):
        cast.write(actions.exit_embargo, case_id, "all patched", actor="vendor")
    cast.write(actions.exit_embargo, case_id, "all patched")
    assert situation(cast, case_id)[0].exit_reason is ExitReason.DECIDED
    with pytest.raises(Conflict, match="before"):
        cast.write(actions.exit_embargo, case_id, "again")


def test_after_a_merge_the_earliest_agreement_stands_and_others_lapse(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    agree(cast, case_id, clock.now() + 60 * DAY, "finder", "vendor")
    other = cast.open(cast.report(Finding(title="The same, found again"), "second finder"))
    agree(cast, other, clock.now() + 25 * DAY, "second finder")
    cast.write(actions.record_fact, other, Milestone.FIX_READY, clock.now())
    timetable = cast.write(actions.merge_embargo, case_id, other)
    _, found, _ = situation(cast, case_id)
    assert (timetable.rank, timetable.ends_at) == (Rank.AGREED, clock.now() + 25 * DAY)
    assert found.consents[cast.id("vendor")] is Consent.LAPSED
    assert found.consents[cast.id("lead")] is Consent.SIGNATORY
    assert Milestone.FIX_READY in found.facts.at
    before = [fact.id for fact in found.recorded]
    cast.write(actions.merge_embargo, case_id, other)
    assert [fact.id for fact in situation(cast, case_id)[1].recorded] == before


def test_origin_decides_whether_there_is_one(cast: Cast, case_id: CaseId) -> None:
    assert cast.write(actions.record_origin, case_id, found_with_public_ai=True).state is TimetableState.NO_EMBARGO
    assert not any(kind is DeadlineKind.EMBARGO_ENDS for kind, _, _ in waiting(cast, case_id))
    assert cast.write(actions.record_origin, case_id, found_with_public_ai=False).state is TimetableState.RUNNING


def test_case_keeps_the_policy_it_began_under(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    shorter = default_policy_document().replace("days = 30\npublic_ai_none", "days = 5\npublic_ai_none")
    assert shorter != default_policy_document()
    cast.write(parties.put_policy, 2, shorter)
    refresh_embargo(cast.instance, case_id)
    assert situation(cast, case_id)[0].ends_at == clock.now() + 30 * DAY


def test_observer_who_reads_dates_alone_may_not_coordinate(sqlite_cast: Cast, sqlite_case: CaseId) -> None:
    sqlite_cast.join(sqlite_case, "watcher", CaseRole.OBSERVER)
    with pytest.raises(NotPermitted):
        sqlite_cast.write(actions.record_origin, sqlite_case, found_with_public_ai=True, actor="watcher")
