"""Who may lift what whom put to rest, and which signatures count for which round, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.review import actions
from clearinghouse.evaluation.review.documents import parse_model, version_key
from clearinghouse.evaluation.review.records import DocumentKind, Part, PartnerState, ReviewState, Sameness, Vote
from clearinghouse.gateway import actions as gateway
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from review_support import AGREEMENT, PLAN_DIGEST, Table


@pytest.fixture
def table(instance: Instance, clock: FixedClock) -> Table:
    return Table(instance, clock)


def access(table: Table, review_id: str, purpose: str = "sealed_run", name: str = "edda") -> Access:
    window = table.windows(review_id)[-1]
    with table.instance.database.write() as tx:
        return gateway.grant_access(
            tx, table.see(review_id, "edda").id, table.id(name), purpose, "model", window.starts_at, window.ends_at, tokens_max=1000, calls_max=10,
            actor=table.id("edda"), now=table.clock.now(),
        )[0]


def kept(table: Table, one: Access) -> Access:
    with table.instance.database.read() as tx:
        found = gateway_store.system_find(tx, one.id)
    assert found is not None
    return found


def third_authority(table: Table, name: str = "abel") -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from clearinghouse.evaluation.review.actions.agreeing import proof_of_key
    from clearinghouse.ledger.dsse import sign_payload

    now = table.clock.now()
    key = table.keys[name] = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)
    with table.instance.database.write() as tx:
        table.people[name] = parties.add_party(
            tx, PartyKind.PERSON, name, frozenset({Role.AUTHORITY}), organisation=table.houses["desk"].id, actor=table.instance.actor.id, now=now
        )
        proof = sign_payload(proof_of_key(table.id(name)), key)
        actions.register_key(tx, key.public_key().public_bytes_raw(), proof, actor=table.id(name), now=now)


def partner_of(table: Table, review_id: str) -> str:
    ends_at = table.windows(review_id)[-1].ends_at
    partner = table.act(
        actions.propose_partner, review_id, by="dora", name="Valley Hospital", sector="health", tier="defender", terms="Own systems only.",
        why="Small.", tokens_max=1000, ends_at=ends_at, party=table.id("olga"),
    )
    table.act(actions.vote, review_id, partner.id, Vote.YES, "Ours.", by="dora")
    assert table.act(actions.vote, review_id, partner.id, Vote.YES, "Needed.", by="anna") is PartnerState.CHOSEN
    return partner.id


def test_determination_of_an_earlier_round_sets_nothing_in_a_later_one(table: Table) -> None:
    third_authority(table)
    review_id = table.shared()
    first = table.documents(review_id, DocumentKind.DETERMINATION)[-1]
    table.act(actions.correct, review_id, "A family was counted twice.", by="edda")
    table.act(actions.keep_analysis, review_id, b'{"record": 2}', PLAN_DIGEST, by="edda")
    table.act(actions.draw_up_assessment, review_id, {"domains": []}, by="edda")
    with pytest.raises(Conflict, match="of round 1; round 2 has none"):
        table.sign(review_id, first, "abel")
    assert table.state(review_id) is ReviewState.PREVIEWED


def test_signature_more_than_enough_is_kept_and_moves_nothing(table: Table) -> None:
    third_authority(table)
    review_id, document = table.drawn_up()
    assert table.sign(review_id, document, "anna", "axel", "abel")
    assert table.state(review_id) is ReviewState.DETERMINED


def test_signature_of_somebody_recused_since_completes_nothing(table: Table) -> None:
    third_authority(table)
    review_id, document = table.drawn_up()
    table.sign(review_id, document, "anna")
    table.wait(minutes=1)
    table.act(actions.declare_conflict, review_id, "Lab", "I hold shares in it.", recuse=True, by="anna")
    table.wait(minutes=1)
    assert not table.sign(review_id, document, "axel")
    assert table.state(review_id) is ReviewState.PREVIEWED
    assert table.sign(review_id, document, "abel")
    table.wait(minutes=1)
    # What was complete stays so, whoever steps back later.
    table.act(actions.declare_conflict, review_id, "Lab", "Since yesterday.", recuse=True, by="axel")
    table.act(actions.share, review_id, by="abel")


def test_no_policy_lets_one_person_determine(table: Table) -> None:
    from dataclasses import replace

    review_id, document = table.drawn_up()
    lax = replace(table.instance.policy.review, signers_min=1)
    from clearinghouse.ledger.dsse import sign_payload

    table_policy = {"policy": lax}
    with table.instance.database.write() as tx:
        assert not actions.sign(
            tx, review_id, document.id, sign_payload(document.payload, table.keys["anna"]), envelope=table.instance.envelope, actor=table.id("anna"),
            now=table.clock.now(), **table_policy,
        )
    assert table.state(review_id) is ReviewState.PREVIEWED


@pytest.mark.parametrize(("pauser", "other"), [("dora", "edda"), ("edda", "dora"), ("anna", "dora")])
def test_pause_is_lifted_by_the_side_that_paused_even_where_nobody_has_access_yet(table: Table, pauser: str, other: str) -> None:
    review_id, _ = table.opened()
    table.act(actions.pause, review_id, "A question.", by=pauser)
    with pytest.raises(NotPermitted, match="side that paused"):
        table.act(actions.resume, review_id, by=other)
    table.act(actions.resume, review_id, by="dora" if pauser == "dora" else "edda")
    assert table.state(review_id) is ReviewState.WINDOW_OPEN


def test_change_seen_during_a_pause_is_the_developers_to_answer_for(table: Table) -> None:
    review_id, _ = table.opened()
    work, machine = access(table, review_id), table.instance.system
    table.act(actions.pause, review_id, "A question.", by="edda")
    table.wait(minutes=1)
    engagement = table.see(review_id, "edda")
    with table.instance.database.write() as tx:
        actions.note_look(tx, engagement, "sha256:" + "1" * 64, Sameness.CHANGED, "probe", machine=machine, actor=table.id("edda"), now=table.clock.now())
    assert kept(table, work).ended_at == table.clock.now()
    with pytest.raises(NotPermitted, match="change of the model"):
        table.act(actions.resume, review_id, by="edda")
    table.act(actions.resume, review_id, by="dora")


def test_pause_that_ends_brings_back_what_it_put_to_rest_and_no_suspended_partner(table: Table) -> None:
    review_id, _ = table.opened()
    partner = partner_of(table, review_id)
    work, theirs, other = access(table, review_id), access(table, review_id, "partner", "olga"), access(table, review_id, "practice")
    table.act(actions.suspend_partner, review_id, partner, "Out of scope.", by="anna")
    with table.instance.database.write() as tx:
        gateway.suspend_access(tx, other, "incident", actor=table.id("anna"), now=table.clock.now())
    table.wait(minutes=1)
    table.act(actions.pause, review_id, "A question.", by="edda")
    table.act(actions.resume, review_id, by="edda")
    assert [kept(table, one).suspended_at is None for one in (work, theirs, other)] == [True, False, False]
    table.act(actions.restore_partner, review_id, partner, by="anna")
    assert kept(table, theirs).suspended_at is None
    table.act(actions.withdraw, review_id, by="dora")
    with pytest.raises(Conflict, match="withdrawn"):
        table.act(actions.give_access, review_id, partner, by="dora")


@pytest.mark.parametrize("how", ["recused", "ended"])
def test_person_who_steps_back_asks_the_model_nothing_more(table: Table, how: str) -> None:
    review_id, _ = table.opened()
    work, theirs = access(table, review_id), access(table, review_id, "practice", "anna")
    if how == "recused":
        table.act(actions.declare_conflict, review_id, "Lab", "A former colleague.", recuse=True, by="edda")
    else:
        table.act(actions.end_part, review_id, table.id("edda"), Part.EVALUATOR, by="anna")
    assert kept(table, work).ended_at == table.clock.now()
    assert kept(table, theirs).ended_at is None


def test_nobody_of_the_developers_house_audits(table: Table) -> None:
    review_id, _ = table.opened()
    with table.instance.database.write() as tx:
        table.people["oscar"] = parties.add_party(
            tx, PartyKind.PERSON, "oscar", frozenset({Role.OVERSEER}), organisation=table.houses["lab"].id, actor=table.instance.actor.id,
            now=table.clock.now(),
        )
    with pytest.raises(NotPermitted, match="developer's organisation"):
        table.join(review_id, "oscar", Part.AUDITOR)


def test_no_window_opens_over_materials_that_were_destroyed(table: Table) -> None:
    review_id = table.closed()
    table.act(actions.certify_destruction, review_id, "Disks were wiped.", by="edda")
    grant = table.act(actions.grant_window, review_id, 10, by="dora")
    table.sign(review_id, grant, "dora")
    with pytest.raises(Conflict, match="materials of this review were destroyed"):
        table.act(actions.open_window, review_id, by="edda")


def test_release_at_the_end_of_the_calendar_is_refused_and_nothing_is_planned_in_what_ended(table: Table) -> None:
    review_id, _ = table.opened()
    for year in (1, 1999, 3000, 9999):
        with pytest.raises(Invalid, match="years 2000"):
            table.act(actions.plan_partner_release, review_id, datetime(year, 1, 2, tzinfo=UTC), by="dora")
    table.act(actions.withdraw, review_id, by="dora")
    with pytest.raises(Conflict, match="withdrawn"):
        table.act(actions.plan_partner_release, review_id, table.clock.now() + timedelta(days=90), by="dora")


@pytest.mark.parametrize(("agreement", "complaint"), [
    (AGREEMENT.replace('["Edda Evaluator"]', "[" * 50_000), "nests deeper"), (AGREEMENT.replace('upstream = "model"', 'upstream = "My Model"'), "upstream is the name"),
])
def test_agreement_that_nobody_could_keep_is_refused(table: Table, agreement: str, complaint: str) -> None:
    review_id = table.open()
    table.act(actions.submit, review_id, by="dora")
    with pytest.raises(Invalid, match=complaint):
        table.act(actions.draft_agreement, review_id, agreement, by="anna")


def test_one_version_has_one_name_whatever_width_it_is_typed_in() -> None:
    keys = {version_key(parse_model("Lab", name, version, "full", "", False), PartyId("pty")) for name, version in (("Model", "1.0"), ("ＭＯＤＥＬ", "１.０"))}
    assert len(keys) == 1
