"""Properties of the whole path: order of arrival, exact undo, both databases alike, floods and umbrellas."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select, update

from clearinghouse.app import process
from clearinghouse.app.settings import Settings
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.deconfliction.signature import FORMAT
from clearinghouse.disclosure.deconfliction.traces import FORMAT as TRACES_FORMAT
from clearinghouse.disclosure.deconfliction.traces import format_of
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Cover, Report

_KINDS = (
    ("Buffer overflow in {f}", "The length field is trusted by {f}() in src/{m}.c, so a crafted {m} file writes past the buffer.", "CWE-787"),
    ("{m} parser memory corruption", "Parsing {m} input with an oversized length makes {f} overwrite the heap.", "CWE-122"),
    ("Crafted {m} data crashes the library", "In {f} the copy loop is bounded by the file, not by the allocation.", "CWE-787"),
)
_MODULES = ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse")


def lines(copies: int = 3) -> list[str]:
    """Seven flaws, each told `copies` times in other words."""
    found = []
    for module in _MODULES:
        function = f"{module}_read_header"
        for number in range(copies):
            title, text, weakness = _KINDS[number % len(_KINDS)]
            found.append(json.dumps({
                "id": f"{module}-{number}", "title": title.format(f=function, m=module), "description": text.format(f=function, m=module),
                "products": ["libarbor"], "cwe": [weakness], "symbols": [function],
            }))
    return found


def fresh(folder: Path, url: str, clock: FixedClock) -> Instance:
    settings = Settings(folder, url, "test.example/log", folder / "witness" / "checkpoint", "")
    return create_instance(settings, organisation="Example CERT", person="Operator", clock=clock)


def take(instance: Instance, folder: Path, name: str, content: Sequence[str], settle: bool | None = True) -> None:
    path = folder / name
    path.write_text("\n".join(content) + "\n")
    list(process.take_in(instance, [(name, path)], cover=Cover()))
    process.deconflict(instance, settle=settle)


def reports(instance: Instance) -> dict[str, Report]:
    with instance.database.read() as tx:
        found = intake.list_reports(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), newest=10_000)
    return {dict(report.finding.extra)["id"]: report for report in found}


def partition(instance: Instance) -> set[frozenset[str]]:
    """The clusters by what the records call themselves."""
    names = {report.number: name for name, report in reports(instance).items()}
    groups: dict[int, set[str]] = {}
    with instance.database.read() as tx:
        for number, cluster in store.cluster_of_each(tx):
            groups.setdefault(cluster, set()).add(names[number])
    return {frozenset(group) for group in groups.values()}


def largest(instance: Instance) -> list[str]:
    """The names in the largest cluster, sorted."""
    return max((sorted(group) for group in partition(instance)), key=lambda names: (len(names), names))


def state(instance: Instance) -> list[store.Placement]:
    with instance.database.read() as tx:
        return list(store.stream_placements(tx))


def decide(instance: Instance, kind: DecisionKind, *names: str, reason: str = "because") -> actions.Decided:
    known = reports(instance)
    with instance.database.write() as tx:
        return actions.decide(
            tx, kind, [known[name] for name in names], reason, actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )


def undo(instance: Instance, decided: actions.Decided) -> None:
    with instance.database.write() as tx:
        actions.undo(
            tx, decided.id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction,
            now=instance.clock.now(),
        )


def test_order_and_portions_of_arrival_do_not_change_the_clusters(tmp_path: Path, clock: FixedClock) -> None:
    # Decision 13: settled clusters are a function of the set of records and decisions.
    chance = random.Random(5)
    seen = []
    for turn in range(3):
        content = lines()
        chance.shuffle(content)
        cut = (0, 8, 15)[turn]
        folder = tmp_path / str(turn)
        instance = fresh(folder, f"sqlite:///{folder / 'db'}", clock)
        if cut:
            take(instance, tmp_path, f"a{turn}.ndjson", content[:cut], settle=turn == 1)
        take(instance, tmp_path, f"b{turn}.ndjson", content[cut:])
        seen.append(partition(instance))
        instance.close()
    assert seen[0] == seen[1] == seen[2]
    assert any(len(group) > 1 for group in seen[0]), "nothing was joined, so nothing was tested"
    assert all(len({name.split("-")[0] for name in group}) == 1 for group in seen[0]), "strangers were joined"


def test_both_databases_agree(instance: Instance, tmp_path: Path, clock: FixedClock) -> None:
    take(instance, tmp_path, "a.ndjson", lines())
    reference = fresh(tmp_path / "reference", f"sqlite:///{tmp_path / 'reference.db'}", clock)
    take(reference, tmp_path, "a.ndjson", lines())
    ours, theirs = state(instance), state(reference)
    assert [(row.number, row.cluster, row.verdict) for row in ours] == [(row.number, row.cluster, row.verdict) for row in theirs]
    reference.close()


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_undo_restores_the_exact_state(instance: Instance, tmp_path: Path, kind: DecisionKind) -> None:
    take(instance, tmp_path, "a.ndjson", lines())
    before = state(instance)
    joined = largest(instance)
    one, other = joined[:2]
    names = {
        DecisionKind.MERGE: ("alder-0", "birch-1", "cedar-2"), DecisionKind.SPLIT: (one,), DecisionKind.NOT_SAME: (one, other),
        DecisionKind.LEAD: (other,),
    }[kind]
    decided = decide(instance, kind, *names)
    changed = partition(instance)
    if kind is DecisionKind.MERGE:
        assert any({"alder-0", "birch-1", "cedar-2"} <= group for group in changed)
    elif kind is DecisionKind.LEAD:
        assert state(instance) == before
    else:
        assert not any({one, other} <= group for group in changed)
    undo(instance, decided)
    assert state(instance) == before


def test_decisions_outlive_a_settling(instance: Instance, tmp_path: Path) -> None:
    take(instance, tmp_path, "a.ndjson", lines())
    joined = largest(instance)
    decide(instance, DecisionKind.NOT_SAME, joined[0], joined[1])
    decide(instance, DecisionKind.MERGE, "fir-0", "gorse-0")
    decided = partition(instance)
    process.deconflict(instance, settle=True)
    assert partition(instance) == decided


def test_decision_needs_reason_role_and_sense(instance: Instance, tmp_path: Path) -> None:
    take(instance, tmp_path, "a.ndjson", lines())
    joined = largest(instance)
    with pytest.raises(Invalid, match="reason"):
        decide(instance, DecisionKind.MERGE, "fir-0", "gorse-0", reason=" \u200b")
    with pytest.raises(Invalid, match="one case already"):
        decide(instance, DecisionKind.MERGE, joined[0], joined[1])
    with pytest.raises(Invalid, match="several cases"):
        decide(instance, DecisionKind.SPLIT, "fir-0", "gorse-0")
    decided = decide(instance, DecisionKind.MERGE, "fir-0", "gorse-0")
    undo(instance, decided)
    with pytest.raises(Conflict, match="undone before"):
        undo(instance, decided)
    known = reports(instance)
    with pytest.raises(NotPermitted, match="coordinator"), instance.database.write() as tx:
        actions.decide(
            tx, DecisionKind.MERGE, [known["fir-0"], known["gorse-0"]], "x", actor=instance.system, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )


def test_newcomer_is_answered_against_what_is_known_and_stays_provisional(instance: Instance, tmp_path: Path) -> None:
    content = lines()
    late = next(line for line in content if '"cedar-1"' in line)
    take(instance, tmp_path, "a.ndjson", [line for line in content if line != late])
    take(instance, tmp_path, "b.ndjson", [late], settle=False)
    known = reports(instance)
    with instance.database.read() as tx:
        placed = store.read_placements(tx, [known["cedar-1"].number])[known["cedar-1"].number]
    best = store.unpack_candidates(placed.candidates)[0][0]
    assert not placed.settled
    assert best in {known["cedar-0"].number, known["cedar-2"].number}


def test_flood_of_one_flaw_ends_in_one_case(sqlite_instance: Instance, tmp_path: Path) -> None:
    # Node.js received 65 near-identical reports in a month; more than any list of candidates is long.
    flood = [
        json.dumps({
            "id": f"elder-{n}", "title": "Heap overflow in elder_read_header", "products": ["libarbor"], "symbols": ["elder_read_header"],
            "cwe": ["CWE-787"], "description": f"Finding {n}: elder_read_header() in src/elder.c copies length bytes without a check.",
        })
        for n in range(130)
    ]
    take(sqlite_instance, tmp_path, "flood.ndjson", [*flood, *(line for line in lines(1) if "elder" not in line)])
    sizes = sorted(len(group) for group in partition(sqlite_instance))
    assert sizes == [1, 1, 1, 1, 1, 1, 130]


def test_umbrella_record_is_related_and_welds_nothing(sqlite_instance: Instance, tmp_path: Path) -> None:
    one = json.dumps({"id": "one", "aliases": ["CVE-2026-11111"], "title": "Overflow in alder_read()", "products": ["libarbor"]})
    two = json.dumps({"id": "two", "aliases": ["CVE-2026-22222"], "title": "Traversal in birch_open()", "products": ["libarbor"]})
    same = json.dumps({"id": "same", "aliases": ["CVE-2026-11111"], "title": "Memory corruption when reading", "products": ["arbor"]})
    bulletin = json.dumps({
        "id": "bulletin", "title": "libarbor security bulletin", "description": "Fixes several flaws in version 2.0.",
        "aliases": [f"CVE-2026-{n}{n}{n}{n}{n}" for n in range(1, 6)], "products": ["libarbor"],
    })
    take(sqlite_instance, tmp_path, "a.ndjson", [one, two, same, bulletin])
    assert partition(sqlite_instance) == {frozenset({"one", "same"}), frozenset({"two"}), frozenset({"bulletin"})}
    known = reports(sqlite_instance)
    verdict = {row.number: row.verdict for row in state(sqlite_instance)}
    assert verdict[known["bulletin"].number] == "related"


@pytest.mark.parametrize("column", ["signature", "locus"])
def test_an_upgrade_that_changes_signatures_or_traces_makes_all_again(sqlite_instance: Instance, tmp_path: Path, column: str) -> None:
    take(sqlite_instance, tmp_path, "a.ndjson", lines())
    before = partition(sqlite_instance)
    with sqlite_instance.database.write() as tx:
        for row in tx.rows(select(store.signatures)):
            # A signature of format 1; traces as they were before rows bore a mark.
            old = {"signature": b"\x01" + bytes(row.signature)[1:]} if column == "signature" else {"locus": bytes(row.locus)[8:]}
            tx.derive(update(store.signatures).where(store.signatures.c.number == row.number).values(**old))
    process.deconflict(sqlite_instance, settle=None)
    with sqlite_instance.database.read() as tx:
        newest = store.newest_signature(tx)
    assert newest is not None
    assert (newest[0][0], format_of(newest[1])) == (FORMAT, TRACES_FORMAT)
    assert partition(sqlite_instance) == before
    assert process.matching(sqlite_instance).sign_new() == 0
