"""A whole engagement with a scripted model: gateway, custody, sandbox, analysis and signatures together, on one machine."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import Key, SSlibKey
from sqlalchemy import text

from clearinghouse.app.reviews.demo import Played, play
from clearinghouse.app.views.review_runs import open_transcript, read_run, say_of_transcript
from clearinghouse.app.views.reviews import read_review
from clearinghouse.core.errors import NotFound, NotPermitted, Unavailable
from clearinghouse.evaluation.review.records import EntryKind
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party
from tests_support import lacking

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    said: list[str] = []
    try:
        return play(tmp_path_factory.mktemp("review") / "demo", solver="escaping", items_per_family=1, epochs=1, say=said.append)
    except Unavailable as error:
        lacking(f"this machine has no sandbox: {error}")
        raise


def test_every_sample_ended_and_the_ledger_verifies(played: Played) -> None:
    assert (played.run.done, played.run.total) == (15, 15)
    state = ledger.verify(
        played.instance.database, played.instance.settings.ledger_origin, [played.instance.signer.verifier], played.instance.keeper
    )
    assert state.leaves > 200


def test_plan_is_on_the_ledger_before_the_window_and_the_purpose_before_every_item(played: Played) -> None:
    with played.instance.database.read() as tx:
        kinds = [row.kind for row in tx.rows(text("select kind from events order by leaf_index"))]
    assert kinds.index("PlanFrozen") < kinds.index("WindowOpened") < kinds.index("ShareReleased") < kinds.index("ItemOpened")
    assert kinds.index("DocumentSigned") < kinds.index("TermsSigned") < kinds.index("PlanFrozen")
    assert kinds.index("AssessmentPreviewed") < kinds.index("AssessmentReplied") < kinds.index("DeterminationDrawnUp") < kinds.index("ReviewShared")


def test_determination_verifies_with_other_peoples_tools(played: Played) -> None:
    """Two persons signed it: threshold 2 holds, and one of the keys alone is not enough."""
    envelope = Envelope.from_dict(json.loads(played.envelope.read_bytes()))
    keys: list[Key] = [SSlibKey(hash_of(key), "ed25519", "ed25519", {"public": key}) for key in played.keys]
    assert len(envelope.verify(keys, 2)) == 2
    statement = json.loads(envelope.payload)
    assert statement["predicate"]["determination"] == "undetermined"
    assert "sha256:" + statement["predicate"]["record"].removeprefix("sha256:") == statement["predicate"]["record"]


def hash_of(key: str) -> str:
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()


def test_another_program_computes_every_number_again_and_notices_one_that_was_changed(played: Played, tmp_path: Path) -> None:
    script, record = ROOT / "bench/reanalysis/reanalyse.py", tmp_path / "record.json"
    record.write_text(json.dumps(played.record))
    assert subprocess.run([sys.executable, script, record], capture_output=True, check=False).returncode == 0
    changed = json.loads(record.read_text())
    changed["result"]["domains"][0]["tokens"] += 1
    record.write_text(json.dumps(changed))
    assert subprocess.run([sys.executable, script, record], capture_output=True, check=False).returncode != 0


def test_attempts_to_reach_out_are_facts_and_the_developer_was_told(played: Played) -> None:
    developer = played.instance.acting_as(party(played, "Dora Developer"))
    page = read_review(developer, played.review_id)
    told = {one.about for one in page.entries if one.kind is EntryKind.INCIDENT_NOTICE}
    assert "reach_out" in told
    run = read_run(developer, played.review_id)
    assert (run.desk, run.runs) == (False, ()), "a developer is shown the meter, and neither runs nor transcripts"
    sealed = next(line for line in run.meters if line.access.purpose == "sealed_run")
    assert sealed.meter is not None
    assert (sealed.meter.calls > 0, sealed.meter.reserved_tokens, sealed.standing) == (True, 0, "ended")


def test_developer_reads_figures_and_no_name_of_item_or_family(played: Played) -> None:
    developer = played.instance.acting_as(party(played, "Dora Developer"))
    page = read_review(developer, played.review_id)
    [assessment] = [one for one in page.documents if one.kind == "assessment"]
    shown = json.dumps(assessment.predicate)
    blinded = {each for domain in played.record["plan"]["domains"] for family in domain["families"] for each in (family["id"], *family["items"])}
    assert not [name for name in blinded if name in shown]
    assert not re.search(r"itm_|smp_", shown)


def test_materials_are_gone_and_what_was_signed_stays(played: Played) -> None:
    evaluator = played.instance.acting_as(party(played, "Edda Evaluator"))
    page = read_review(evaluator, played.review_id)
    assert (page.state, page.materials_destroyed) == ("closed", True)
    with played.instance.database.read() as tx:
        assert tx.value(text("select count(*) from eval_samples where sealed_transcript is not null")) == 0
        sample = tx.value(text("select sample_id from eval_samples limit 1"))
    for name in ("Edda Evaluator", "Dora Developer", "Otto Overseer", "Cara Custodian"):
        for wanted in (sample, "smp_" + "a" * 26):
            with pytest.raises(NotFound):
                open_transcript(played.instance.acting_as(party(played, name)), played.review_id, wanted)
            with pytest.raises((NotFound, NotPermitted)):
                say_of_transcript(played.instance.acting_as(party(played, name)), played.review_id, wanted, "fair", "because")
    assert {one.kind for one in page.documents} == {"agreement", "plan", "assessment", "determination", "destruction"}


def test_no_canary_lies_in_any_file_of_the_instance(played: Played) -> None:
    """After a full run: the database with its log, the gateway's journal, statements, everything below the home and what we left in /tmp."""
    played.instance.database.close()
    home = played.instance.settings.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"clearinghouse.db", "journal.db"} <= {path.name for path in files}
    marks = [mark for canary in played.canaries for mark in (canary.encode(), canary.encode("utf-16-le"), canary.encode().hex().encode())]
    assert len(marks) == 45
    found = {path.relative_to(home) for path in files for mark in marks if mark in path.read_bytes()}
    assert found == set()


def test_incident_and_preview_are_told_to_who_takes_part_and_to_nobody_else() -> None:
    from clearinghouse.app.process import FOLLOW_UPS

    assert FOLLOW_UPS["IncidentNoticeGiven"] == FOLLOW_UPS["AssessmentPreviewed"] == ("tell_review",)
    assert FOLLOW_UPS["DeterminationDrawnUp"] == ("tell_authorities",)


def party(played: Played, name: str) -> Party:
    with played.instance.database.read() as tx:
        found = tx.value(text("select party_id from parties where name = :name").bindparams(name=name))
        return parties.get_party(tx, found)
