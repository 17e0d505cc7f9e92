"""Runs the demonstration: a fresh instance, the flood taken in, everything settled, the outcome scored and drawn."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.app import process
from clearinghouse.app.demo.flood import SEED, Flood, score, write_flood
from clearinghouse.app.demo.proof import Proof, prove
from clearinghouse.app.demo.room import Furnished, furnish
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.views.cases import Case, list_cases, read_case
from clearinghouse.app.views.report import Explained, explain
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import Clock
from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.jobs import Taken
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind

_MARKER = "THIS IS A DEMONSTRATION"
_CASES_MAX = 200
_NEAR_MISSES = 6

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shown:
    """A case, with the reason each of its reports is in it."""

    case: Case
    reasons: tuple[Explained, ...]
    """Each later report against the founding one, or the one it resembles most."""


@dataclass(frozen=True)
class Result:
    """What the demonstration found."""

    instance: Instance
    flood: Flood
    taken: tuple[Taken, ...]
    cases: tuple[Shown, ...]
    near_misses: tuple[Explained, ...]
    """Pairs that look alike and were kept apart, most alike first."""
    score: dict[str, float]
    leaves: int
    room: Furnished | None
    """The first case, opened as a room; None where no case has several reports."""
    proof: Proof
    """One validation of a planted example, or why there is none."""


def run(home: Path, *, seed: int = SEED, clock: Clock | None = None, progress: Progress = process.silent) -> Result:
    """The whole path, in a folder of its own.

    Raises:
        Conflict: the folder holds something else than an earlier demonstration.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER).exists():
            raise Conflict(f"{home} is in use by something else; name another CLEARINGHOUSE_HOME")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARKER).touch()
    settings = Settings(home, default_url(home), "demo.example/log", home / "witness" / "checkpoint", "")
    instance = create_instance(settings, organisation="Demonstration CERT", person="Duty coordinator", clock=clock)
    flood = write_flood(home / "flood", seed)
    taken = _take_in(instance, flood, progress)
    process.deconflict(instance, progress, settle=True)
    cases = tuple(_shown(instance, line.id) for line in list_cases(instance, largest=_CASES_MAX)[0])
    largest = next((shown.case for shown in cases if len(shown.case.reports) > 1), None)
    room = None if largest is None else furnish(instance, largest)
    score_found, near = _score(instance, flood, taken), _near_misses(instance, cases)
    proof = prove(instance, home)
    process.sign_checkpoint(instance)
    state = ledger.verify(instance.database, settings.ledger_origin, [instance.signer.verifier], instance.keeper)
    return Result(
        instance, flood, tuple(taken), cases, near, score_found, state.leaves, room, proof,
    )


def _take_in(instance: Instance, flood: Flood, progress: Progress) -> list[Taken]:
    senders: dict[str, PartyId] = {}
    taken: list[Taken] = []
    for number, (finder, path, _) in enumerate(flood.files, 1):
        if finder not in senders:
            with instance.database.write() as tx:
                organisation = parties.add_party(
                    tx, PartyKind.ORGANISATION, finder, frozenset({Role.REPORTER}), actor=instance.actor.id, now=instance.clock.now()
                )
            senders[finder] = organisation.id
        taken += process.take_in(instance, [(path.name, path)], cover=Cover(), reporter=senders[finder])
        progress("reading", number, len(flood.files))
    return taken


def _shown(instance: Instance, case_id: str) -> Shown:
    case = read_case(instance, case_id)
    reasons = []
    for position, line in enumerate(case.reports):
        if position:
            found = [explain(instance, line.id, earlier.id) for earlier in case.reports[: min(position, 4)]]
            reasons.append(max(found, key=lambda entry: entry.candidate.probability))
    return Shown(case, tuple(reasons))


def _near_misses(instance: Instance, cases: tuple[Shown, ...]) -> tuple[Explained, ...]:
    """Of each pair of cases, what their leading reports have in common and what tells them apart."""
    leads = [shown.case.reports[0].id for shown in cases if shown.case.reports]
    pairs = [explain(instance, one, other) for at, one in enumerate(leads) for other in leads[at + 1 :]]
    return tuple(sorted(pairs, key=lambda entry: -entry.candidate.probability)[:_NEAR_MISSES])


def _score(instance: Instance, flood: Flood, taken: list[Taken]) -> dict[str, float]:
    """The outcome against the truth, which nothing before this line has read."""
    cluster: dict[tuple[str, int], int] = {}
    with instance.read() as tx:
        for entry in taken:
            receipt = intake.read_receipt(
                tx, entry.submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
            )
            for number, item in enumerate(receipt.items):
                if item.report_id is not None:
                    report = intake.read_report(
                        tx, item.report_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
                    )
                    placed = deconfliction.read_placements(tx, [report.number])
                    cluster[entry.name, number] = placed[report.number].cluster
    return score(flood.truth, cluster)
