"""Commitments on the record: who may, how many, what an opening leaves behind, and what nobody else sees. On both databases."""

import secrets
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearinghouse.app import commitments, process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import ReportId, SubmissionId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.commitments import actions, rules, store
from clearinghouse.disclosure.intake.commitments.records import Claim, Commitment, CommitmentState, Opening, Tally
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.ledger import actions as ledger_actions
from clearinghouse.ledger import store as ledger
from clearinghouse.ledger.proof import verify_proof
from party_factories import add
from views_support import send_as

REPORT = b'{"title": "Overflow in strip_read", "symbols": ["strip_read"]}\n'


class Finder:
    """Somebody with a key, on an instance."""

    def __init__(self, instance: Instance, name: str = "Finder", *roles: Role) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.instance = instance.acting_as(add(instance, name, *(roles or (Role.REPORTER,))))

    def make(self, report: bytes = REPORT, **more: bytes) -> tuple[Claim, Opening]:
        """A commitment of one's own."""
        sections = {"report": report, **more}
        return rules.make(
            sections, context=self.instance.settings.ledger_origin, key=self.key, nonce=secrets.token_bytes(32),
            section_nonces={name: secrets.token_bytes(32) for name in sections},
        )

    def open(self, found: Commitment, opening: Opening, *names: str) -> Commitment:
        """Open these sections, or all."""
        shown = replace(opening, sections={name: opening.sections[name] for name in names or opening.sections})
        return commitments.open_commitment(self.instance, found.id, shown, self.take_in)

    def take_in(self, data: bytes, name: str, key: str) -> SubmissionId:
        """As a server would."""
        path = self.instance.settings.home / name
        path.write_bytes(data)
        [taken] = process.take_in(self.instance, [(name, path)], cover=Cover(), idempotency_key=key)
        return SubmissionId(taken.submission_id)


def kinds(instance: Instance, subject: str) -> list[str]:
    """What the record says of something."""
    with instance.database.read() as tx:
        return [event.kind for event in ledger.events_about(tx, subject)]


def reports_of(instance: Instance, found: Commitment) -> list[ReportId]:
    """What an opened commitment became."""
    assert found.submission is not None
    with instance.database.read() as tx:
        read = intake.read_submission(tx, found.submission, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert read is not None
        return [item.report_id for item in intake.read_items(tx, read) if item.report_id is not None]


def test_commitment_is_recorded_proved_and_opened(instance: Instance, clock: FixedClock) -> None:
    finder = Finder(instance)
    claim, opening = finder.make(reproducer=b"\x7fELF")
    found = commitments.record(finder.instance, claim)
    committed_at = clock.now()
    # The proof alone shows digest, finder and minute, to who has the log's key and nothing else.
    text = ledger_actions.prove(
        instance.database, found.event, instance.settings.ledger_origin, instance.signer, instance.keeper, now=clock.now()
    )
    proof, _ = verify_proof(text, [instance.signer.verifier])
    assert f"sha3-256:{claim.digest.hex()}".encode() in proof.leaf
    clock.at += timedelta(days=30)
    opened = finder.open(found, opening, "report")
    assert rules.state_of(opened, clock.now()) is CommitmentState.PARTLY
    [report] = reports_of(finder.instance, opened)
    assert commitments.known_from(instance, [report]) == {report: committed_at}
    # Opening the same once more changes nothing; the rest is opened later.
    before = kinds(instance, found.id)
    assert finder.open(found, opening, "report") == opened
    assert kinds(instance, found.id) == before == ["CommitmentRecorded", "CommitmentOpened"]
    whole = finder.open(found, opening)
    assert rules.state_of(whole, clock.now()) is CommitmentState.OPENED
    assert reports_of(finder.instance, whole) == [report]
    assert commitments.tally(instance) == Tally(0, 1, 0, 0, 0)
    assert actions.read_section(
        instance.database, found.id, "reproducer", envelope=instance.envelope, viewer=finder.instance.actor.id, now=clock.now()
    ) == b"\x7fELF"
    assert kinds(instance, found.id)[-1] == "SealedObjectRead"


def test_nothing_of_a_shut_commitment_is_shown_to_anybody_else(instance: Instance) -> None:
    finder, other = Finder(instance), Finder(instance, "Other", Role.REPORTER, Role.COORDINATOR)
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)
    for stranger in (other.instance, instance):
        with stranger.read() as tx:
            assert store.list_commitments(tx, viewer=stranger.actor.id, now=stranger.clock.now()) == []
            with pytest.raises(NotFound):
                actions.find(tx, found.id, viewer=stranger.actor.id, now=stranger.clock.now())
    with pytest.raises(NotFound):
        commitments.open_commitment(other.instance, found.id, opening, other.take_in)
    with pytest.raises(NotFound):
        commitments.withdraw(other.instance, found.id)
    finder.open(found, opening)
    # Opened, the desk reads it; still nobody but its finder opens or withdraws.
    with instance.read() as tx:
        assert [each.id for each in store.list_commitments(tx, viewer=instance.actor.id, now=instance.clock.now())] == [found.id]
    with pytest.raises(NotFound):
        commitments.withdraw(instance, found.id)
    with pytest.raises(NotFound):
        actions.read_section(
            instance.database, found.id, "report", envelope=instance.envelope, viewer=other.instance.actor.id, now=instance.clock.now()
        )


def test_same_claim_is_one_record_and_a_copy_is_seen_to_be_one(instance: Instance) -> None:
    finder, thief = Finder(instance), Finder(instance, "Thief")
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)
    assert commitments.record(finder.instance, claim) == found
    assert kinds(instance, found.id) == ["CommitmentRecorded"]
    context = instance.settings.ledger_origin
    copied = Claim(claim.digest, thief.key.public_key().public_bytes_raw(), thief.key.sign(rules.signed_bytes(claim.digest, context)))
    theirs = commitments.record(thief.instance, copied)
    assert (found.repeats, theirs.repeats) == (False, True)
    finder.open(found, opening)
    with pytest.raises(Invalid, match="somebody else's commitment"):
        commitments.open_commitment(thief.instance, theirs.id, opening, thief.take_in)
    # The claim itself, signature and all, is worth nothing in other hands.
    with pytest.raises(Conflict, match="somebody else"):
        commitments.record(thief.instance, claim)


def test_opening_another_finding_than_committed_to_keeps_nothing(instance: Instance) -> None:
    finder = Finder(instance)
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)
    luckier = replace(opening, sections={"report": replace(opening.sections["report"], data=b'{"title": "Something else"}')})
    with pytest.raises(Invalid, match="not what was committed to"):
        commitments.open_commitment(finder.instance, found.id, luckier, finder.take_in)
    assert kinds(instance, found.id) == ["CommitmentRecorded"]
    with instance.database.read() as tx:
        assert intake.count_reports(tx, viewer=finder.instance.actor.id, now=instance.clock.now()) == 0


def test_late_opening_and_a_list_of_guesses_give_no_earlier_instant(instance: Instance, clock: FixedClock) -> None:
    finder = Finder(instance)
    many, guesses = finder.make(REPORT + b'{"title": "Overflow in gif_frame", "symbols": ["gif_frame"]}\n')
    late, opening = finder.make(b'{"title": "Overflow in png_row"}')
    first = commitments.record(finder.instance, many)
    second = commitments.record(finder.instance, late, due_at=clock.now() + timedelta(days=1))
    sprayed = finder.open(first, guesses)
    clock.at += timedelta(days=1)
    behind = finder.open(second, opening)
    assert len(reports_of(finder.instance, sprayed)) == 2
    assert commitments.known_from(instance, [*reports_of(finder.instance, sprayed), *reports_of(finder.instance, behind)]) == {}
    assert commitments.tally(instance) == Tally(0, 1, 1, 0, 0)


def test_report_that_was_sent_before_keeps_the_instant_of_its_commitment(instance: Instance, clock: FixedClock) -> None:
    finder = Finder(instance)
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)
    committed_at = clock.now()
    clock.at += timedelta(days=1)
    sent = finder.take_in(REPORT, "sent.jsonl", "by itself")
    clock.at += timedelta(days=1)
    opened = finder.open(found, opening)
    assert opened.submission != sent
    [report] = reports_of(finder.instance, opened)
    assert commitments.known_from(instance, [report]) == {report: committed_at}


def test_budget_is_the_organisations(instance: Instance, clock: FixedClock) -> None:
    policy = replace(instance.policy, commitments=replace(instance.policy.commitments, per_day_max=2, shut_max=3))
    finder = Finder(replace(instance, policy=policy))
    made = [finder.make() for _ in range(5)]
    first = [commitments.record(finder.instance, claim) for claim, _ in made[:2]]
    with pytest.raises(Conflict, match="2 commitments within a day; 2 are allowed"):
        commitments.record(finder.instance, made[2][0])
    clock.at += timedelta(days=1)
    commitments.record(finder.instance, made[2][0])
    with pytest.raises(Conflict, match="3 commitments that are not opened"):
        commitments.record(finder.instance, made[3][0])
    commitments.withdraw(finder.instance, first[0].id)
    commitments.record(finder.instance, made[3][0])
    with pytest.raises(Conflict, match="within a day"):
        commitments.record(finder.instance, made[4][0])
    assert commitments.record(finder.instance, made[0][0]).id == first[0].id, "what is on the record costs nothing"


def test_left_shut_raises_the_alarm_once(instance: Instance, clock: FixedClock) -> None:
    finder = Finder(instance)
    shut, _ = finder.make()
    opened, opening = finder.make()
    found = commitments.record(finder.instance, shut)
    finder.open(commitments.record(finder.instance, opened), opening)
    policy = instance.policy.commitments
    assert commitments.sweep(instance) == 0
    clock.at += timedelta(days=policy.open_days - policy.warn_days)
    assert [commitments.sweep(instance), commitments.sweep(instance)] == [1, 0]
    clock.at += timedelta(days=policy.warn_days)
    assert [commitments.sweep(instance), commitments.sweep(instance)] == [1, 0]
    assert kinds(instance, found.id) == ["CommitmentRecorded", "CommitmentDueSoon", "CommitmentOverdue"]
    assert commitments.tally(instance) == Tally(0, 1, 0, 1, 0)
    # A worker that slept through the warning raises the alarm alone.
    slept = commitments.record(finder.instance, finder.make()[0])
    clock.at += timedelta(days=400)
    assert commitments.sweep(instance) == 1
    assert kinds(instance, slept.id) == ["CommitmentRecorded", "CommitmentOverdue"]


def test_withdrawn_stays_on_the_record_and_opens_no_more(instance: Instance) -> None:
    finder = Finder(instance)
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)
    withdrawn = commitments.withdraw(finder.instance, found.id)
    assert rules.state_of(withdrawn, instance.clock.now()) is CommitmentState.WITHDRAWN
    with pytest.raises(Conflict, match="withdrawn before"):
        commitments.withdraw(finder.instance, found.id)
    with pytest.raises(Conflict, match="was withdrawn"):
        finder.open(found, opening)
    other, shown = finder.make()
    opened = commitments.record(finder.instance, other)
    finder.open(opened, shown)
    with pytest.raises(Conflict, match="its report is open"):
        commitments.withdraw(finder.instance, opened.id)
    assert commitments.tally(instance) == Tally(0, 1, 0, 0, 1)


def test_who_may_send_no_reports_commits_to_nothing(instance: Instance) -> None:
    vendor = Finder(instance, "Vendor", Role.VENDOR)
    with pytest.raises(NotPermitted):
        commitments.record(vendor.instance, vendor.make()[0])


def test_same_claim_twice_at_once_is_one_record(instance: Instance) -> None:
    finder = Finder(instance)
    claim, _ = finder.make()
    found: list[Commitment] = []
    together = threading.Barrier(4)

    def send() -> None:
        together.wait()
        found.append(commitments.record(finder.instance, claim))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.id for each in found}) == 1
    assert len(found) == 4
    assert kinds(instance, found[0].id) == ["CommitmentRecorded"]


def test_report_of_nobodys_commitment_has_no_earlier_instant(instance: Instance) -> None:
    from clearinghouse.disclosure.intake.records import Finding

    [report] = send_as(instance, instance.actor, [Finding(title="Overflow")])
    assert commitments.known_from(instance, [report]) == {}


def test_listing_pages_newest_first(instance: Instance, clock: FixedClock) -> None:
    finder = Finder(instance)
    made: list[str] = []
    for _ in range(5):
        made.append(commitments.record(finder.instance, finder.make()[0]).id)
        clock.at += timedelta(seconds=1)
    pages: list[list[str]] = []
    before = ""
    while True:
        with finder.instance.read() as tx:
            page = [str(each.id) for each in store.list_commitments(
                tx, viewer=finder.instance.actor.id, now=clock.now(), before=before, limit=2
            )]
        if not page:
            break
        pages.append(page)
        before = page[-1]
    assert [each for page in pages for each in page] == made[::-1]


def test_opening_cut_off_after_its_report_was_taken_in_goes_on(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Finder(instance)
    claim, opening = finder.make()
    found = commitments.record(finder.instance, claim)

    class Killed(BaseException):
        """The process ends here."""

    def end(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(actions, "open_sections", end)
        with pytest.raises(Killed):
            finder.open(found, opening)
    assert kinds(instance, found.id) == ["CommitmentRecorded"]
    opened = finder.open(found, opening)
    [report] = reports_of(finder.instance, opened)
    assert commitments.known_from(instance, [report]) == {report: found.at}
    with instance.database.read() as tx:
        assert intake.count_reports(tx, viewer=finder.instance.actor.id, now=instance.clock.now()) == 1
