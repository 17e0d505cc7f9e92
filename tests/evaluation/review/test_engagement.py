"""A review from its draft to its end, on both databases: who may do what when, and what is left of it."""

import json
from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.evaluation.review import actions, store
from clearinghouse.evaluation.review.actions.assessing import frozen_plan
from clearinghouse.evaluation.review.records import (
    DocumentKind,
    EntryKind,
    Part,
    PartnerState,
    ReviewKind,
    ReviewState,
    Sameness,
    Vote,
)
from clearinghouse.gateway import actions as gateway
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.ledger.dsse import check_envelope, render_envelope, sign_payload
from clearinghouse.storage.sealing import open_with
from review_support import AGREEMENT, ASSESSMENT, ITEM_ROOT, PLAN, PLAN_DIGEST, Table


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


def found(table: Table, one: Access) -> Access:
    with table.instance.database.read() as tx:
        kept = gateway_store.system_find(tx, one.id)
    assert kept is not None
    return kept


def test_whole_engagement_ends_closed_and_its_determination_verifies_without_us(table: Table) -> None:
    review_id = table.shared()
    document = table.documents(review_id, DocumentKind.DETERMINATION)[-1]
    signatures = table.read(store.documents.signatures, review_id)[document.id]
    envelope = render_envelope(document.payload, {one.public_key: one.signature for one in signatures})
    keys = [table.keys[name].public_key().public_bytes_raw() for name in ("anna", "axel")]
    signed = check_envelope(envelope, keys)
    assert len(signed.keys) == 2
    predicate = signed.statement["predicate"]
    assert (predicate["determination"], predicate["plan"], predicate["item_root"]) == ("undetermined", PLAN_DIGEST, ITEM_ROOT)
    assert sorted(one["body"] for one in predicate["consulted"]) == ["Agency one", "Agency two"]
    assert "confers no right" in predicate["confers"]
    assert signed.digest == document.digest
    table.act(actions.close, review_id, by="anna")
    assert table.state(review_id) is ReviewState.CLOSED


def test_determination_needs_two_people_with_two_keys(table: Table) -> None:
    review_id, document = table.drawn_up()
    assert not table.sign(review_id, document, "anna")
    assert table.state(review_id) is ReviewState.PREVIEWED
    with pytest.raises(Conflict, match="one person signs once"):
        table.sign(review_id, document, "anna")
    with pytest.raises(Conflict, match="cannot share"):
        table.act(actions.share, review_id, by="anna")
    # A colleague with the same key, or with a signature somebody else made, is no second person.
    with pytest.raises(Invalid, match="no signature of your registered key"):
        table.act(actions.sign, review_id, document.id, sign_payload(document.payload, table.keys["anna"]), by="axel")
    with pytest.raises(Conflict, match="another person registered this key"):
        key = table.keys["anna"]
        from clearinghouse.evaluation.review.actions.agreeing import proof_of_key

        table.act(actions.register_key, key.public_key().public_bytes_raw(), sign_payload(proof_of_key(table.id("axel")), key), by="axel")
    for stranger in ("edda", "dora"):
        with pytest.raises((NotPermitted, NotFound)):
            table.sign(review_id, document, stranger)
    assert table.sign(review_id, document, "axel")
    assert table.state(review_id) is ReviewState.DETERMINED


def test_determination_waits_for_consultations_and_for_the_developer(table: Table) -> None:
    review_id = table.previewed()
    with pytest.raises(Conflict, match="2 bodies are consulted"):
        table.act(actions.draw_up_determination, review_id, "covered", "because", by="anna")
    for body in ("Agency", "  agency "):
        table.act(actions.consult, review_id, body, "said something", by="anna")
    with pytest.raises(Conflict, match="1 answers"):
        table.act(actions.draw_up_determination, review_id, "covered", "because", by="anna")
    table.act(actions.consult, review_id, "Another", "said something else", by="axel")
    with pytest.raises(Conflict, match="may reply until"):
        table.act(actions.draw_up_determination, review_id, "covered", "because", by="anna")
    table.wait(days=14)
    with pytest.raises(Invalid, match="one of covered, not_covered, undetermined"):
        table.act(actions.draw_up_determination, review_id, "approved", "because", by="anna")
    document = table.act(actions.draw_up_determination, review_id, "covered", "because", by="anna")
    assert json.loads(document.payload)["predicate"]["determination"] == "covered"


def test_analysis_by_another_plan_is_refused(table: Table) -> None:
    review_id = table.closed()
    with pytest.raises(Conflict, match="follows the plan"):
        table.act(actions.keep_analysis, review_id, b"{}", "sha256:" + "0" * 64, by="edda")
    assert table.state(review_id) is ReviewState.WINDOW_CLOSED
    assert table.read(frozen_plan, review_id)["plan"] == PLAN


def test_draft_is_the_developers_own_and_rivals_never_see_a_review(table: Table) -> None:
    review_id = table.open()
    for name in ("edda", "anna", "doug", "mallory", "olga", "carl"):
        with pytest.raises(NotFound):
            table.see(review_id, name)
    table.act(actions.submit, review_id, by="dora")
    for name in ("edda", "anna", "axel"):
        assert table.see(review_id, name).review.id == review_id
    for name in ("doug", "mallory", "olga", "carl"):
        with pytest.raises(NotFound):
            table.see(review_id, name)
    table.act(actions.name_participant, review_id, table.id("doug"), Part.DEVELOPER, by="dora")
    assert table.see(review_id, "doug").parts == {Part.DEVELOPER}
    table.act(actions.end_part, review_id, table.id("doug"), Part.DEVELOPER, by="dora")
    with pytest.raises(NotFound):
        table.see(review_id, "doug")
    with pytest.raises(NotPermitted, match="each side names its own"):
        table.act(actions.name_participant, review_id, table.id("doug"), Part.DEVELOPER, by="anna")


@pytest.mark.parametrize("reached", ["agreed", "frozen", "closed", "previewed"])
def test_developer_withdraws_at_any_minute_and_nothing_marks_it(table: Table, reached: str) -> None:
    review_id = getattr(table, reached)()
    with pytest.raises(NotPermitted):
        table.act(actions.withdraw, review_id, by="anna")
    table.act(actions.withdraw, review_id, by="dora")
    assert table.state(review_id) is ReviewState.WITHDRAWN
    assert [one for one in table.read(store.entries.list_of, review_id) if one.kind is EntryKind.REASON] == []


def test_withdrawing_ends_window_and_access_in_one_moment(table: Table) -> None:
    review_id, _ = table.opened()
    given = access(table, review_id)
    at = table.wait(hours=3)
    table.act(actions.withdraw, review_id, by="dora")
    assert found(table, given).ended_at == at
    assert (table.windows(review_id)[0].ended_at, table.windows(review_id)[0].ended_by) == (at, "developer")
    with pytest.raises(Conflict):
        table.act(actions.open_window, review_id, by="edda")


def test_case_of_kind_withdrawal_ends_the_engagement_when_submitted(table: Table) -> None:
    review_id, _ = table.opened()
    last = table.open(ReviewKind.WITHDRAWAL, concerns=review_id)
    assert table.state(review_id) is ReviewState.WINDOW_OPEN
    table.act(actions.submit, last, by="dora")
    assert table.state(review_id) is ReviewState.WITHDRAWN
    table.act(actions.close, last, by="anna")
    assert table.state(last) is ReviewState.CLOSED


def test_pause_rests_access_without_stopping_the_clock(table: Table) -> None:
    review_id, window = table.opened()
    given = access(table, review_id)
    table.act(actions.pause, review_id, "A question on the endpoint.", by="dora")
    assert found(table, given).suspended_at is not None
    with pytest.raises(NotPermitted):
        table.act(actions.resume, review_id, by="edda")  # who pauses resumes
    table.wait(hours=5)
    table.act(actions.resume, review_id, by="dora")
    assert found(table, given).suspended_at is None
    assert table.windows(review_id)[0].ends_at == window.ends_at
    table.act(actions.pause, review_id, "Again.", by="dora")
    table.clock.at = window.ends_at
    with pytest.raises(Conflict, match="run out"):
        table.act(actions.resume, review_id, by="dora")


def test_model_that_changed_pauses_and_only_the_developer_goes_on(table: Table) -> None:
    review_id, _ = table.opened()
    given = access(table, review_id)
    machine = table.instance.system

    def look(outcome: Sameness) -> None:
        engagement = table.see(review_id, "edda")
        with table.instance.database.write() as tx:
            actions.note_look(tx, engagement, "sha256:" + "1" * 64, outcome, "probe", machine=machine, actor=table.id("edda"), now=table.wait(hours=1))

    look(Sameness.FIRST)
    look(Sameness.SAME)
    assert table.state(review_id) is ReviewState.WINDOW_OPEN
    look(Sameness.CHANGED)
    assert table.state(review_id) is ReviewState.PAUSED
    assert found(table, given).suspended_at is not None
    with pytest.raises(NotPermitted):
        table.act(actions.resume, review_id, by="edda")
    table.act(actions.resume, review_id, by="dora")
    assert found(table, given).suspended_at is None
    # What the desk pauses later for reasons of its own, the desk lifts.
    table.wait(hours=1)
    table.act(actions.pause, review_id, "A question.", by="edda")
    table.act(actions.resume, review_id, by="edda")


def test_recused_person_decides_nothing_more(table: Table) -> None:
    review_id, document = table.drawn_up()
    table.act(actions.declare_conflict, review_id, "Lab", "I hold shares in it.", recuse=True, by="axel")
    with pytest.raises(NotPermitted, match="recused"):
        table.sign(review_id, document, "axel")
    with pytest.raises(Conflict, match="recused"):
        table.join(review_id, "axel", Part.AUTHORITY)
    kinds = {one.kind for one in table.read(store.entries.list_of, review_id)}
    assert EntryKind.CONFLICT in kinds


def test_correction_supersedes_and_edits_nothing(table: Table) -> None:
    review_id = table.shared()
    first = table.documents(review_id, DocumentKind.DETERMINATION)[-1]
    assert table.act(actions.correct, review_id, "A family was counted twice.", by="edda") == 2
    table.act(actions.keep_analysis, review_id, b'{"record": 2}', PLAN_DIGEST, by="edda")
    table.act(actions.draw_up_assessment, review_id, ASSESSMENT, by="edda")
    with pytest.raises(Conflict, match="0 answers"):
        table.act(actions.draw_up_determination, review_id, "covered", "because", by="anna")  # people are asked anew
    for body in ("One", "Two"):
        table.act(actions.consult, review_id, body, "words", by="anna")
    table.act(actions.reply, review_id, "Agreed.", by="dora")
    second = table.act(actions.draw_up_determination, review_id, "not_covered", "because", by="anna")
    assert json.loads(second.payload)["predicate"]["supersedes"] == first.digest
    assert table.documents(review_id, DocumentKind.DETERMINATION)[0] == first
    assert table.sign(review_id, second, "anna", "axel")
    with pytest.raises(Conflict, match="newer draft"):
        table.sign(review_id, first, "anna")


def test_developer_sees_no_determination_before_it_is_shared_and_cannot_sign_one(table: Table) -> None:
    review_id, document = table.drawn_up()
    with pytest.raises(NotFound):
        table.act(actions.sign, review_id, document.id, sign_payload(document.payload, table.keys["dora"]), by="dora")


def test_destroyed_materials_cannot_be_opened_and_the_record_stays(table: Table) -> None:
    review_id = table.shared()
    key = table.see(review_id, "edda").materials_key
    assert open_with(key, _analysis_body(table, review_id), f"{review_id}/analysis/1") == b'{"record": 1}'
    table.wait(days=100)
    document = table.act(actions.certify_destruction, review_id, "Disks of the runner were wiped.", by="edda")
    assert table.see(review_id, "edda").materials_key == b""
    with pytest.raises(Unavailable):
        open_with(table.see(review_id, "edda").materials_key, _analysis_body(table, review_id), f"{review_id}/analysis/1")
    assert table.sign(review_id, document, "anna") or table.sign(review_id, document, "axel")
    assert json.loads(table.documents(review_id, DocumentKind.DETERMINATION)[0].payload)["predicate"]["determination"] == "undetermined"
    with pytest.raises(Conflict, match="destroyed before"):
        table.act(actions.certify_destruction, review_id, "again", by="edda")


def _analysis_body(table: Table, review_id: str) -> bytes:
    from sqlalchemy import select

    with table.instance.database.read() as tx:
        return bytes(tx.value(select(store.tables.review_analyses.c.sealed).where(store.tables.review_analyses.c.review_id == review_id)))


def test_partners_are_chosen_by_both_and_suspended_by_one(table: Table) -> None:
    review_id, window = table.opened()
    partner = table.act(
        actions.propose_partner, review_id, by="dora", name="Valley Hospital", sector="health", tier="defender", terms="Own systems only.",
        why="A small hospital.", tokens_max=1000, ends_at=window.ends_at + timedelta(days=9), small_operator=True, party=table.id("olga"),
    )
    assert table.act(actions.vote, review_id, partner.id, Vote.YES, "Ours.", by="dora") is PartnerState.PROPOSED
    assert table.act(actions.vote, review_id, partner.id, Vote.YES, "Needed.", by="anna") is PartnerState.CHOSEN
    with pytest.raises(NotPermitted):
        table.act(actions.give_access, review_id, partner.id, by="anna")
    given, key = table.act(actions.give_access, review_id, partner.id, by="dora")
    assert (key.startswith("ch."), given.purpose, given.ends_at) == (True, "partner", partner.ends_at)
    table.act(actions.pause, review_id, "A question.", by="edda")
    assert found(table, given).suspended_at is None, "a pause of the window is none of the partner's"
    table.act(actions.resume, review_id, by="edda")
    with pytest.raises(NotPermitted):
        table.act(actions.vote, review_id, partner.id, Vote.NO, "No part of mine.", by="edda")
    table.act(actions.suspend_partner, review_id, partner.id, "Out of scope.", by="anna")
    assert found(table, given).suspended_at is not None
    with pytest.raises(NotPermitted, match="the side that suspended"):
        table.act(actions.restore_partner, review_id, partner.id, by="dora")
    table.act(actions.restore_partner, review_id, partner.id, by="axel")
    assert found(table, given).suspended_at is None
    table.act(actions.end_window, review_id, by="edda")
    assert found(table, given).ended_at is None, "it outlasts the window and has an end of its own"
    assert table.act(actions.vote, review_id, partner.id, Vote.NO, "Changed our mind.", by="dora") is PartnerState.DECLINED
    assert found(table, given).ended_at is not None


def test_auditors_look_is_on_record_before_anything_is_shown(table: Table) -> None:
    review_id = table.shared()
    table.join(review_id, "olga", Part.AUDITOR)
    with pytest.raises(NotPermitted):
        table.act(actions.note_audit, review_id, "everything", by="dora")
    table.act(actions.note_audit, review_id, "the record", by="olga")
    assert [one.kind for one in table.read(store.entries.list_of, review_id, viewer="dora")].count(EntryKind.AUDIT) == 1
    with pytest.raises(NotPermitted):
        table.act(actions.withdraw, review_id, by="olga")


def test_lapse_ends_without_a_statement(table: Table) -> None:
    review_id = table.closed()
    table.act(actions.lapse, review_id, by="anna")
    assert table.state(review_id) is ReviewState.CLOSED
    assert table.documents(review_id, DocumentKind.DETERMINATION) == []


def test_inquiry_is_answered_without_any_access(table: Table) -> None:
    review_id = table.open(ReviewKind.INQUIRY)
    table.act(actions.submit, review_id, by="dora")
    with pytest.raises(Conflict, match="no access"):
        table.act(actions.draft_agreement, review_id, AGREEMENT, by="anna")
    table.act(actions.answer, review_id, "An access of two weeks would do.", by="anna")
    assert table.state(review_id) is ReviewState.SHARED
    with pytest.raises(Conflict):
        table.act(actions.answer, review_id, "Again.", by="anna")


@pytest.mark.parametrize(("line", "complaint"), [
    ("window_hours = 721", "1 to 720"), ("transcripts_retained_days = 181", "1 to 180"), ("prompts_retained_by_developer = true", "keeps no prompts"),
    ('access_level = "AL9"', "AL1, AL2, AL3"), ("persons = []", "name one to a hundred"), ('purpose = " "', "purpose is empty"),
    ("window_hours = true", "must be int"), ('more = "x"', "unknown more"),
])
def test_agreement_out_of_bounds_is_refused_by_name(table: Table, line: str, complaint: str) -> None:
    review_id = table.open()
    table.act(actions.submit, review_id, by="dora")
    name = line.split(" = ")[0]
    text = "\n".join(one for one in AGREEMENT.splitlines() if not one.startswith(name + " ")) + "\n" + line
    with pytest.raises(Invalid, match=complaint):
        table.act(actions.draft_agreement, review_id, text, by="anna")


def test_unsigned_terms_open_nothing(table: Table) -> None:
    review_id = table.open()
    table.act(actions.submit, review_id, by="dora")
    document = table.act(actions.draft_agreement, review_id, AGREEMENT, by="anna")
    assert not table.sign(review_id, document, "anna")
    with pytest.raises(Conflict):
        table.act(actions.freeze_plan, review_id, PLAN, PLAN_DIGEST, ITEM_ROOT, thresholds={}, pack="pck", by="edda")
    newer = table.act(actions.draft_agreement, review_id, AGREEMENT.replace("48", "24"), by="dora")
    with pytest.raises(Conflict, match="newer draft"):
        table.sign(review_id, document, "dora")
    assert table.sign(review_id, newer, "dora", "axel")
    table.act(actions.freeze_plan, review_id, PLAN, PLAN_DIGEST, ITEM_ROOT, thresholds={}, pack="pck", by="edda")
    window = table.act(actions.open_window, review_id, by="edda")
    assert window.ends_at - window.starts_at == timedelta(hours=24)
