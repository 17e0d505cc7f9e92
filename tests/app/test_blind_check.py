"""The blind check between an instance and who asks it: matches, budgets, epochs, and what each side keeps. On both databases."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from clearinghouse.app import blind_check, commitments, withdrawing
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction.blind.protocol import Asker, Holder, unpack_tags
from clearinghouse.disclosure.intake.commitments import rules
from clearinghouse.disclosure.intake.records import CodeLocation, Cover, Finding
from clearinghouse.ledger import store as ledger
from party_factories import add
from views_support import send_as

KEY = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)


def finding(name: str, *, product: str = "libtiff") -> Finding:
    """A finding that points at a function."""
    return Finding(title=f"Overflow in {name}", products=(product,), locations=(CodeLocation(path=f"src/{name}.c", symbol=name),), weaknesses=("CWE-787",))


def asker_of(instance: Instance, name: str = "Rival", *roles: Role) -> Instance:
    """Somebody of another organisation."""
    return instance.acting_as(add(instance, name, *(roles or (Role.REPORTER,))))


def asked(instance: Instance, findings: list[Finding], keep: Path) -> list[bool]:
    """Whether each is held, as somebody learns who asks."""
    found = blind_check.check(
        findings, blind_check.Here(instance), key=KEY, log_key=instance.signer.verifier.render(), keep=keep
    )
    return [bool(each.matched) for each in found]


def kinds(instance: Instance) -> list[str]:
    """All that is on the record, in order."""
    with instance.database.read() as tx:
        return [row.kind for row in tx.rows(text("select kind from events order by number"))]


def test_rival_learns_what_both_hold_and_nothing_else(instance: Instance, tmp_path: Path) -> None:
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding("strip_read"), finding("gif_frame")])
    assert blind_check.sweep(instance) == 2
    rival = asker_of(instance)
    before = kinds(instance)
    assert asked(rival, [finding("strip_read"), finding("png_row"), Finding(title="says too little")], tmp_path / "keep") == [True, False, False]
    # Two commitments and one batch, and no word of what came of it.
    assert kinds(instance)[len(before) :] == ["CommitmentRecorded", "CommitmentRecorded", "BlindEvaluated"]
    with instance.database.read() as tx:
        rows = [dict(row._mapping) for row in tx.rows(text("select * from blind_batches"))]
    assert [(row["elements"], row["organisation_id"]) for row in rows] == [(instance.policy.blind.batch_elements, rival.actor.organisation)]
    # Asked again, the same openings and commitments are used.
    assert asked(rival, [finding("strip_read")], tmp_path / "keep") == [True]
    assert kinds(instance)[-1:] == ["BlindEvaluated"]
    assert len(list((tmp_path / "keep").iterdir())) == 2
    opening = json.loads(next((tmp_path / "keep").iterdir()).read_text())
    assert rules.parse_opening(opening).sections["report"].data


def test_public_records_are_not_in_the_set(instance: Instance, tmp_path: Path) -> None:
    from clearinghouse.app.process import take_in

    path = tmp_path / "public.jsonl"
    path.write_text('{"title": "Overflow", "products": ["libtiff"], "symbols": ["strip_read"]}\n')
    list(take_in(instance, [("public.jsonl", path)], cover=Cover(public=True)))
    assert blind_check.sweep(instance) == 0
    assert asked(asker_of(instance), [finding("strip_read")], tmp_path / "keep") == [False]


def test_enumeration_meets_its_budget_and_is_seen(instance: Instance, tmp_path: Path, clock: FixedClock) -> None:
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding("held_function")])
    policy = replace(instance.policy, blind=replace(instance.policy.blind, batches_per_day=2, batches_per_epoch=3))
    blind_check.sweep(instance)
    rival = replace(asker_of(instance), policy=policy)
    colleague = rival.acting_as(replace(add(instance, "Colleague", Role.REPORTER), organisation=rival.actor.organisation))
    guesses = [finding(f"guess_{number}") for number in range(rival.policy.blind.batch_findings * 5)]
    with pytest.raises(Conflict, match="2 batches within a day"):
        asked(rival, guesses, tmp_path)
    for _ in range(3):
        with pytest.raises(Conflict, match="2 batches within a day"):
            asked(rival, guesses[:1], tmp_path)
    assert kinds(instance).count("BlindEvaluated") == 2
    assert kinds(instance).count("BlindBudgetSpent") == 1, "it is seen, and fills no ledger"
    clock.at += timedelta(days=1)
    asked(rival, guesses[-1:], tmp_path)
    clock.at += timedelta(days=1)
    with pytest.raises(Conflict, match="3 in this epoch"):
        asked(rival, guesses[-2:-1], tmp_path)
    assert kinds(instance).count("BlindBudgetSpent") == 2
    assert colleague.actor.organisation == rival.actor.organisation


def test_budget_is_the_organisations_and_not_the_persons(instance: Instance, tmp_path: Path) -> None:
    from clearinghouse.parties import actions as parties
    from clearinghouse.parties.records import PartyKind

    policy = replace(instance.policy, blind=replace(instance.policy.blind, batches_per_day=1))
    rival = replace(asker_of(instance), policy=policy)
    with instance.database.write() as tx:
        other = parties.add_party(
            tx, PartyKind.PERSON, "Colleague", frozenset({Role.REPORTER}), organisation=rival.actor.organisation, actor=instance.actor.id,
            now=instance.clock.now(),
        )
    blind_check.sweep(instance)
    asked(rival, [finding("one")], tmp_path / "rival")
    with pytest.raises(Conflict, match="within a day"):
        blind_check.check(
            [finding("two")], blind_check.Here(rival.acting_as(other)), key=Ed25519PrivateKey.generate(),
            log_key=instance.signer.verifier.render(), keep=tmp_path / "other",
        )


def batch(instance: Instance) -> tuple[str, list[bytes]]:
    """An epoch, and elements of the right number."""
    return blind_check.keep_epoch(instance).id, list(Asker([b"x"], instance.policy.blind.batch_elements).elements)


def committed(instance: Instance) -> str:
    """A commitment of the actor's."""
    claim, _ = rules.make(
        {"report": b"x"}, context=instance.settings.ledger_origin, key=Ed25519PrivateKey.generate(), nonce=b"\1" * 32,
        section_nonces={"report": b"\2" * 32},
    )
    return str(commitments.record(instance, claim).id)


def test_batch_has_one_size_and_cites_what_is_ones_own(instance: Instance) -> None:
    rival, other = asker_of(instance), asker_of(instance, "Other")
    own, theirs = committed(rival), committed(other)
    epoch, elements = batch(instance)
    for given, cited, words in (
        (elements[:-1], [own], "exactly"), ([*elements, elements[0]], [own], "exactly"), (elements, [], "cites the commitments"),
        (elements, [theirs], "your own organisation"), (elements, ["cmt_" + "a" * 26], "your own organisation"), (elements, ["'; drop"], "your own"),
        ([bytes(32), *elements[1:]], [own], "no encoding"), (elements, [own] * 9 + [f"x{n}" for n in range(9)], "1 to 8"),
    ):
        with pytest.raises(Invalid, match=words):
            blind_check.evaluate(rival, epoch, given, cited)
    with pytest.raises(NotFound):
        blind_check.evaluate(rival, "bep_" + "a" * 26, elements, [own])
    with pytest.raises(NotPermitted):
        blind_check.evaluate(asker_of(instance, "Vendor", Role.VENDOR), epoch, elements, [own])
    commitments.withdraw(rival, own)
    with pytest.raises(Invalid, match="not withdrawn"):
        blind_check.evaluate(rival, epoch, elements, [own])
    assert "BlindEvaluated" not in kinds(instance)


def test_commitment_is_cited_as_often_as_policy_says(instance: Instance) -> None:
    rival = asker_of(instance)
    own = committed(rival)
    epoch, elements = batch(instance)
    for _ in range(instance.policy.blind.citations_max):
        blind_check.evaluate(rival, epoch, elements, [own])
    with pytest.raises(Conflict, match="may be cited by"):
        blind_check.evaluate(rival, epoch, elements, [own])


def test_new_epoch_has_another_key_and_the_old_one_is_destroyed(instance: Instance, clock: FixedClock, tmp_path: Path) -> None:
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding("strip_read")])
    blind_check.sweep(instance)
    first = blind_check.keep_epoch(instance)
    old = blind_check.set_of(instance, first.id)
    clock.at += timedelta(days=instance.policy.blind.epoch_days)
    with pytest.raises(NotFound):
        blind_check.set_of(instance, first.id)
    assert blind_check.sweep(instance) == 1
    second = blind_check.keep_epoch(instance)
    assert second.public_key != first.public_key
    assert not unpack_tags(old) & unpack_tags(blind_check.set_of(instance, second.id))
    assert asked(asker_of(instance), [finding("strip_read")], tmp_path) == [True]
    clock.at += timedelta(days=instance.policy.blind.epoch_days + instance.policy.blind.forget_days)
    blind_check.sweep(instance)
    with instance.database.read() as tx:
        kept = {row.epoch_id: bytes(row.wrapped_key) for row in tx.rows(text("select epoch_id, wrapped_key from blind_epochs"))}
        tags = {row.epoch_id for row in tx.rows(text("select distinct epoch_id from blind_tags"))}
    assert kept[first.id] == kept[second.id] == b""
    assert tags == {blind_check.keep_epoch(instance).id}
    assert kinds(instance).count("BlindEpochForgotten") == 2


def test_set_is_published_seldom(instance: Instance, clock: FixedClock) -> None:
    finder = add(instance, "Finder", Role.REPORTER)
    blind_check.sweep(instance)
    epoch = blind_check.keep_epoch(instance).id
    first = blind_check.set_of(instance, epoch)
    send_as(instance, finder, [finding("strip_read")])
    assert blind_check.sweep(instance) == 1
    assert blind_check.set_of(instance, epoch) == first
    clock.at += timedelta(hours=instance.policy.blind.set_hours)
    assert blind_check.sweep(instance) == 0
    later = blind_check.set_of(instance, epoch)
    assert later != first
    clock.at += timedelta(hours=instance.policy.blind.set_hours)
    blind_check.sweep(instance)
    assert blind_check.set_of(instance, epoch) == later, "nothing new, nothing published: what fills it up would stand out"
    assert kinds(instance).count("BlindSetPublished") == 2


class Lying(blind_check.Here):
    """A holder with a key of its own for this asker."""

    def offer(self) -> blind_check.Offer:
        own = Holder(b"\x09" * 32, "own").public_key
        return replace(super().offer(), public_key=own)


def test_key_that_is_not_on_the_ledger_is_refused_before_anything_is_asked(instance: Instance, tmp_path: Path) -> None:
    rival = asker_of(instance)
    blind_check.sweep(instance)
    with pytest.raises(Invalid, match="not the one on its ledger"):
        blind_check.check([finding("x")], Lying(rival), key=KEY, log_key=instance.signer.verifier.render(), keep=tmp_path / "keep")
    other = "test.example/log+00000000+" + "A" * 44
    with pytest.raises(Invalid):
        blind_check.check([finding("x")], blind_check.Here(rival), key=KEY, log_key=other, keep=tmp_path / "keep")
    assert not (tmp_path / "keep").exists()
    assert "CommitmentRecorded" not in kinds(instance)
    with instance.database.read() as tx:
        assert ledger.events_about(tx, str(rival.actor.organisation)) is not None


def test_workers_at_once_publish_one_set(instance: Instance) -> None:
    send_as(instance, add(instance, "Finder", Role.REPORTER), [finding(f"function_{number}") for number in range(20)])
    together, troubles = threading.Barrier(6), list[BaseException]()

    def work() -> None:
        together.wait()
        try:
            blind_check.sweep(instance)
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert (kinds(instance).count("BlindEpochBegun"), kinds(instance).count("BlindSetPublished")) == (1, 1)


def test_withdrawn_finding_is_no_more_in_the_next_epoch(instance: Instance, clock: FixedClock, tmp_path: Path) -> None:
    finder = add(instance, "Finder", Role.REPORTER)
    [report, _] = send_as(instance, finder, [finding("strip_read"), finding("gif_frame")])
    blind_check.sweep(instance)
    withdrawing.withdraw_reports(instance.acting_as(finder), [report], "it was a mistake")
    rival = asker_of(instance)
    both = [finding("strip_read"), finding("gif_frame")]
    assert asked(rival, both, tmp_path / "keep") == [True, True], "tags stay as long as their epoch"
    clock.at += timedelta(days=instance.policy.blind.epoch_days)
    blind_check.sweep(instance)
    assert asked(rival, both, tmp_path / "keep") == [False, True]
