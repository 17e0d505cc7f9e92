"""The demonstration's proof: a small planted program of our own, reported by a finder of its own, validated where this machine has a sandbox."""

from dataclasses import dataclass, replace
from pathlib import Path

from clearinghouse.app import process, validating
from clearinghouse.app.bench import bench_of
from clearinghouse.app.views.validations import badge_words, read_validation
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Unavailable
from clearinghouse.core.ids import CaseId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, example_files, pin_document
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from clearinghouse.sandbox import open_sandbox

_FINDER = "Finder of the planted example"
_REPORT = (
    '{"title": "read_strip believes the count in the file", "symbols": ["read_strip"], "packages": ["pkg:generic/strips"], '
    '"description": "A planted example of this project: the count of a strip is believed, and the copy reads past its end.", '
    '"reproduction": "clearinghouse recipe example FOLDER, then clearinghouse validate FOLDER"}\n'
)
_RUNS = 2


@dataclass(frozen=True)
class Proof:
    """What was validated, or why nothing was."""

    words: str
    case_id: CaseId | None = None
    """Where it stands; None where this machine runs nothing."""


def prove(instance: Instance, folder: Path) -> Proof:
    """One validation from end to end, in a few seconds."""
    try:
        sandbox = open_sandbox(instance.settings.sandbox)
    except Unavailable as error:
        return Proof(f"nothing was validated, for this machine has no sandbox: {error}")
    with sandbox:
        case_id, report = _reported(instance, folder)
        recipe = validating.add_folder(instance, case_id, _written(folder / "proof"))[-1]
        asked = validating.ask(instance, case_id, report, recipe.id)
        quick = replace(instance, policy=replace(instance.policy, bench=replace(instance.policy.bench, runs=_RUNS)))
        bench_of(quick, sandbox).run_once()
    line = read_validation(instance, case_id, asked.id).line
    if not line.verdict:
        return Proof(f"the validation {line.state_words}: {line.trouble}", case_id)
    return Proof(f"{badge_words(line.verdict, line.trust)} in {line.level}: {line.verdict_words}", case_id)


def _reported(instance: Instance, folder: Path) -> tuple[CaseId, str]:
    now = instance.clock.now()
    with instance.database.write() as tx:
        finder = parties.add_party(tx, PartyKind.ORGANISATION, _FINDER, frozenset({Role.REPORTER}), actor=instance.actor.id, now=now)
    file = folder / "planted.ndjson"
    file.write_text(_REPORT, "utf-8")
    taken = list(process.take_in(instance, [(file.name, file)], cover=Cover(), reporter=finder.id))
    process.deconflict(instance, settle=False)
    with instance.read() as tx:
        receipt = intake.read_receipt(tx, taken[0].submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
    report = receipt.items[0].report_id
    assert report is not None, "the report is one of ours, and is taken"
    with instance.database.write() as tx:
        case_id = rooms.open_case(
            tx, [report], "A planted example, proven", summary="A small program with a planted flaw, its fix and its reproducer.",
            policy_version=instance.policy.version, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms, now=now,
        )
    return case_id, report


def _written(folder: Path) -> Path:
    folder.mkdir()
    files = example_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / FILE_NAME).write_text(pin_document(files["draft.toml"].decode(), files), "utf-8")
    return folder
