"""Where validations, their units of work and the shares of cases are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, PartyId, ReportId, ValidationId
from clearinghouse.core.policy import BenchQueuePolicy
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.dockets.store import bench_bodies
from clearinghouse.disclosure.validation.queue import rules
from clearinghouse.disclosure.validation.queue.records import (
    Finished,
    Planned,
    Unit,
    UnitKind,
    UnitState,
    Validation,
    ValidationState,
    Waiting,
)
from clearinghouse.ledger.outbox import is_free
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

_OPEN = (ValidationState.QUEUED, ValidationState.RUNNING)
_UNFINISHED = (UnitState.HELD, UnitState.WAITING, UnitState.CLAIMED)

# No reference to cases: their table belongs to a later step.
validations = Table(
    "validations", metadata,
    Column("validation_id", Id, primary_key=True),
    Column("case_id", Id, nullable=False),
    Column("report_id", Id, ForeignKey("reports.report_id"), nullable=False),
    Column("recipe_digest", Digest, nullable=False),
    Column("component_term", Digest, nullable=False),  # keyed hash of the component: which cases are about it, told to nobody without the key
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("finder", Id, nullable=False),
    Column("finder_house", Id),
    Column("verifier", Id),
    Column("open_key", Digest, unique=True),  # a digest of report and recipe while it waits or runs: one of each at a time
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("verdict", Word, nullable=False),
    Column("trust", Word, nullable=False),
    Column("level", Word, nullable=False),
    Column("statement_digest", Digest, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_trouble", LargeBinary),
    Column("sealed_result", LargeBinary),
    Column("sealed_statement", LargeBinary),
    Index(None, "case_id", "asked_at"),
    Index(None, "report_id"),
    Index(None, "component_term"),
)
bench_units = Table(
    "bench_units", metadata,
    Column("validation_id", Id, ForeignKey("validations.validation_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Id, nullable=False),
    Column("kind", Word, nullable=False),
    Column("build", Word, nullable=False),
    Column("input", Digest, nullable=False),
    Column("state", Word, nullable=False),
    Column("ready_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", Id),
    Column("leased_until", Instant),
    Index(None, "state", "case_id", "ready_at"),
    Index(None, "lease"),
)
"""What is left to do: derived from recipes and cells, gone when a validation ends."""
bench_shares = Table(
    "bench_shares", metadata,
    Column("case_id", Id, primary_key=True),
    Column("used_seconds", Float, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("served_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    component: str


def add_validation(
    tx: Transaction, docket: Docket, new: Validation, *, component: str, component_term: str, open_key: str, units: Sequence[Planned]
) -> bool:
    """Keep a validation and its work; False where the same is waiting or running."""
    # Not a look first: two may ask in the same moment.
    added = tx.write(_into(tx, validations).on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "validation_id": new.id, "case_id": new.case_id, "report_id": new.report_id, "recipe_digest": new.recipe,
        "component_term": component_term, "state": new.state, "state_at": new.state_at, "asked_at": new.asked_at, "asked_by": new.asked_by,
        "finder": new.finder, "finder_house": new.finder_house, "verifier": None, "open_key": open_key, "done": 0, "total": len(units),
        "verdict": "", "trust": "", "level": "", "statement_digest": "",
        "sealed": seal_with(docket.key, msgspec.json.encode(_Text(new.title, component)), new.id),
        "sealed_trouble": None, "sealed_result": None, "sealed_statement": None,
    })
    if added != 1:
        return False
    put_units(tx, new.id, new.case_id, units, new.asked_at)
    return True


def put_units(tx: Transaction, validation_id: ValidationId, case_id: CaseId, units: Sequence[Planned], at: datetime) -> None:
    """Put the work of a validation into the queue: builds at once, the rest when what it needs is there."""
    tx.derive(delete(bench_units).where(bench_units.c.validation_id == validation_id))
    rows = [
        {"validation_id": validation_id, "number": number, "case_id": case_id, "kind": unit.kind, "build": unit.build, "input": unit.input,
         "state": UnitState.WAITING if unit.kind is UnitKind.BUILD else UnitState.HELD, "ready_at": at, "attempts": 0, "lease": None,
         "leased_until": None}
        for number, unit in enumerate(units)
    ]
    tx.derive(insert(bench_units), rows)


def change_state(
    tx: Transaction, validation_id: ValidationId, start: ValidationState, end: ValidationState, at: datetime, *, open_key: str | None = None,
) -> bool:
    """Take a validation from one state to another; False where it is not in the first any more."""
    values: dict[str, Any] = {"state": end, "state_at": at}
    if end not in _OPEN:
        values["open_key"] = None
    if end is ValidationState.QUEUED:
        values |= {"open_key": open_key, "done": 0, "sealed_trouble": None}
    return tx.write(update(validations).where(validations.c.validation_id == validation_id, validations.c.state == start).values(**values)) == 1


def count_open_like(tx: Transaction, open_key: str) -> int:
    """How many validations of the same report and recipe wait or run: none or one."""
    return int(tx.value(select(func.count()).where(validations.c.open_key == open_key)) or 0)


def put_trouble(tx: Transaction, docket: Docket, validation_id: ValidationId, words: str) -> None:
    """Keep why a validation failed."""
    sealed = seal_with(docket.key, words.encode(), validation_id + "/trouble")
    tx.write(update(validations).where(validations.c.validation_id == validation_id).values(sealed_trouble=sealed))


def put_result(tx: Transaction, docket: Docket, validation_id: ValidationId, finished: Finished, verifier: PartyId, at: datetime) -> bool:
    """Keep what a running validation came to; False where it does not run any more."""
    running = (validations.c.validation_id == validation_id, validations.c.state == ValidationState.RUNNING)
    return tx.write(update(validations).where(*running).values(
        state=ValidationState.DONE, state_at=at, open_key=None, verifier=verifier, verdict=finished.verdict, trust=finished.trust,
        level=finished.level, statement_digest=finished.statement_digest, done=validations.c.total,
        sealed_result=seal_with(docket.key, finished.document, validation_id + "/result"),
        sealed_statement=seal_with(docket.key, finished.statement, validation_id + "/statement"),
    )) == 1


def forget_units(tx: Transaction, validation_id: ValidationId) -> None:
    """Take what is left of a validation's work out of the queue."""
    tx.derive(delete(bench_units).where(bench_units.c.validation_id == validation_id))


# Reading


def list_validations(tx: Transaction, docket: Docket, *, viewer: PartyId, now: datetime) -> list[Validation]:
    """The validations of a case that the viewer is told of, newest first."""
    query = select(*_LINE).where(_shown(docket, viewer, now))
    return [_validation(row, docket) for row in tx.rows(query.order_by(validations.c.asked_at.desc(), validations.c.validation_id))]


def find_validation(tx: Transaction, docket: Docket, validation_id: str, *, viewer: PartyId, now: datetime) -> Validation | None:
    """One validation, if the viewer is told of it."""
    row = tx.row(select(*_LINE).where(_shown(docket, viewer, now), validations.c.validation_id == validation_id))
    return None if row is None else _validation(row, docket)


def read_result(tx: Transaction, docket: Docket, validation: Validation, *, viewer: PartyId, now: datetime) -> bytes | None:
    """What a verdict rests on; None before there is one."""
    return _part(tx, docket, validation, "result", _shown(docket, viewer, now))


def read_statement(tx: Transaction, docket: Docket, validation: Validation, *, viewer: PartyId, now: datetime) -> bytes | None:
    """The signed evidence, as it was made; None before there is any."""
    return _part(tx, docket, validation, "statement", _shown(docket, viewer, now))


@dataclass(frozen=True, slots=True)
class Badge:
    """The last word on a report."""

    report_id: ReportId
    case_id: CaseId
    validation_id: ValidationId
    state: ValidationState
    verdict: str
    trust: str
    at: datetime


def badges_of(tx: Transaction, report_ids: Sequence[str], *, viewer: PartyId, now: datetime) -> dict[ReportId, Badge]:
    """The newest judged validation of each of these reports, where the viewer may read its case; one statement.

    Args:
        report_ids: reports that the viewer may read.
    """
    readable = is_readable(validations.c.case_id, viewer, now, tier_min=Tier.ROOM)
    query = select(*_LINE).where(validations.c.report_id.in_(list(report_ids)), validations.c.state == ValidationState.DONE, readable)
    return {
        ReportId(row.report_id): Badge(
            ReportId(row.report_id), CaseId(row.case_id), ValidationId(row.validation_id), ValidationState(row.state), row.verdict, row.trust, row.state_at,
        )
        for row in tx.rows(query.order_by(validations.c.state_at, validations.c.validation_id))
    }


def count_done(tx: Transaction, validation_id: str, *, viewer: PartyId, now: datetime) -> int:
    """How much of a validation is done, for a page that stays open; 0 where it is not the viewer's."""
    readable = is_readable(validations.c.case_id, viewer, now, tier_min=Tier.ROOM)
    return int(tx.value(select(validations.c.done).where(validations.c.validation_id == validation_id, readable)) or 0)


# What the bench asks; shown to nobody


def system_validation(tx: Transaction, docket: Docket, validation_id: ValidationId) -> Validation | None:
    """A validation for the bench."""
    row = tx.row(select(*_LINE).where(validations.c.case_id == docket.case_id, validations.c.validation_id == validation_id))
    return None if row is None else _validation(row, docket)


def system_validations(tx: Transaction, docket: Docket) -> list[Validation]:
    """All validations of a case, oldest first."""
    query = select(*_LINE).where(validations.c.case_id == docket.case_id).order_by(validations.c.asked_at, validations.c.validation_id)
    return [_validation(row, docket) for row in tx.rows(query)]


def system_result(tx: Transaction, docket: Docket, validation: Validation) -> bytes | None:
    """What a verdict rests on, for the bench."""
    return _part(tx, docket, validation, "result", validations.c.case_id == docket.case_id)


def system_state(tx: Transaction, validation_id: str) -> ValidationState | None:
    """Where a validation stands, for who runs it."""
    state: str | None = tx.value(select(validations.c.state).where(validations.c.validation_id == validation_id))
    return None if state is None else ValidationState(state)


def system_open(tx: Transaction, case_id: str) -> list[tuple[ValidationId, ValidationState]]:
    """The validations of a case that wait or run."""
    query = select(validations.c.validation_id, validations.c.state).where(validations.c.case_id == case_id, validations.c.state.in_(_OPEN))
    return [(ValidationId(row.validation_id), ValidationState(row.state)) for row in tx.rows(query.order_by(validations.c.validation_id))]


def system_cases_of_component(tx: Transaction, component_term: str) -> list[CaseId]:
    """The cases with a validation about a component, to look for one flaw reported twice; told to nobody."""
    query = select(validations.c.case_id).where(validations.c.component_term == component_term).distinct()
    return sorted(CaseId(row.case_id) for row in tx.rows(query))


def system_cases(tx: Transaction) -> frozenset[CaseId]:
    """The cases that had something validated and still hold bytes for the bench; an erased one holds none."""
    query = select(validations.c.case_id).where(validations.c.case_id.in_(select(bench_bodies.c.case_id))).distinct()
    return frozenset(CaseId(row.case_id) for row in tx.rows(query))


def system_best(tx: Transaction, case_id: str) -> list[tuple[ReportId, str, str]]:
    """(report, verdict, trust) of everything judged in a case, oldest first."""
    query = select(validations.c.report_id, validations.c.verdict, validations.c.trust).where(
        validations.c.case_id == case_id, validations.c.state == ValidationState.DONE
    )
    return [(ReportId(row.report_id), row.verdict, row.trust) for row in tx.rows(query.order_by(validations.c.state_at, validations.c.validation_id))]


# The queue


def any_ready(tx: Transaction, *, selves: Collection[PartyId], house: PartyId | None, policy: BenchQueuePolicy, now: datetime) -> bool:
    """Whether there is work for a worker: asked often, and cheaper than claiming nothing."""
    until = now + timedelta(seconds=policy.lease_seconds)
    query = select(bench_units.c.number).join(validations, validations.c.validation_id == bench_units.c.validation_id)
    return tx.row(query.where(_ready(until, now), _for_others(selves, house)).limit(1)) is not None


def waiting_cases(
    tx: Transaction, *, selves: Collection[PartyId], house: PartyId | None, policy: BenchQueuePolicy, now: datetime
) -> list[Waiting]:
    """The cases with work for a worker, in no order."""
    until = now + timedelta(seconds=policy.lease_seconds)
    oldest = func.min(bench_units.c.ready_at, type_=bench_units.c.ready_at.type).label("oldest")
    query = (
        select(bench_units.c.case_id, oldest, bench_shares.c.used_seconds, bench_shares.c.used_at, bench_shares.c.served_at)
        .join(validations, validations.c.validation_id == bench_units.c.validation_id)
        .outerjoin(bench_shares, bench_shares.c.case_id == bench_units.c.case_id)
        .where(_ready(until, now), _for_others(selves, house))
        .group_by(bench_units.c.case_id, bench_shares.c.used_seconds, bench_shares.c.used_at, bench_shares.c.served_at)
    )
    return [Waiting(CaseId(row.case_id), row.oldest, row.used_seconds or 0.0, row.used_at, row.served_at) for row in tx.rows(query)]


def claim_of(
    tx: Transaction, case_id: CaseId, lease: str, *, selves: Collection[PartyId], house: PartyId | None, policy: BenchQueuePolicy, now: datetime
) -> list[Unit]:
    """The next work of a case, now held by a lease: one unit, or several cells of one build; nothing where others were faster."""
    until = now + timedelta(seconds=policy.lease_seconds)
    ready = and_(bench_units.c.case_id == case_id, _ready(until, now), _for_others(selves, house))
    joined = bench_units.join(validations, validations.c.validation_id == bench_units.c.validation_id)
    order = (validations.c.asked_at, bench_units.c.validation_id, bench_units.c.number)
    chosen = tx.value(select(bench_units.c.validation_id).select_from(joined).where(ready).order_by(*order).limit(1))
    # In one order with everybody who changes a validation: it first, then its units, then the share of its case.
    if chosen is None or hold_validation(tx, chosen) is None:
        return []
    rows = tx.rows(
        select(bench_units).select_from(joined).where(ready, bench_units.c.validation_id == chosen)
        .order_by(bench_units.c.number).limit(policy.batch_cells_max).with_for_update(of=bench_units)
    )
    first = next(iter(rows), None)
    if first is None:
        return []
    same = [row for row in rows if (row.kind, row.build) == (first.kind, first.build)]
    taken = same if first.kind == UnitKind.CELL else same[:1]
    tx.derive(
        update(bench_units).where(bench_units.c.validation_id == first.validation_id, bench_units.c.number.in_([row.number for row in taken]))
        .values(state=UnitState.CLAIMED, lease=lease, leased_until=until, attempts=bench_units.c.attempts + 1)
    )
    charge(tx, case_id, rules.guess_of([UnitKind(row.kind) for row in taken], policy), policy, now, served=True)
    return [
        Unit(ValidationId(row.validation_id), CaseId(row.case_id), row.number, UnitKind(row.kind), row.build, row.input, row.attempts + 1, lease)
        for row in taken
    ]


def charge(tx: Transaction, case_id: CaseId, seconds: float, policy: BenchQueuePolicy, now: datetime, *, served: bool = False) -> None:
    """Put bench time on a case's account, or (below zero) take it off."""
    tx.derive(_into(tx, bench_shares).on_conflict_do_nothing(), {"case_id": case_id, "used_seconds": 0.0, "used_at": now, "served_at": now})
    row = tx.row(select(bench_shares).where(bench_shares.c.case_id == case_id).with_for_update())
    assert row is not None, "it was put there a line above, and is never deleted while work waits"
    used = max(0.0, rules.used_lately(row.used_seconds, row.used_at, policy, now) + seconds)
    tx.derive(update(bench_shares).where(bench_shares.c.case_id == case_id).values(
        used_seconds=used, used_at=max(now, row.used_at), served_at=now if served else row.served_at
    ))


def hold_validation(tx: Transaction, validation_id: ValidationId) -> ValidationState | None:
    """Where a validation stands, with others who change it kept waiting until this transaction ends."""
    row = tx.row(select(validations.c.state).where(validations.c.validation_id == validation_id).with_for_update())
    return None if row is None else ValidationState(row.state)


def end_unit(tx: Transaction, unit: Unit, state: UnitState) -> bool:
    """Note what became of a unit; False where its lease is another's by now, or the validation ended."""
    mine = _mine(unit)
    ended = tx.derive(update(bench_units).where(*mine).values(state=state, lease=None, leased_until=None)) == 1
    if ended:
        tx.derive(update(validations).where(validations.c.validation_id == unit.validation_id).values(done=validations.c.done + 1))
    return ended


def release_unit(tx: Transaction, unit: Unit, *, counts: bool) -> None:
    """Put a unit back; what went wrong was ours (`counts` False: no attempt of it) or its own."""
    attempts = bench_units.c.attempts if counts else bench_units.c.attempts - 1
    tx.derive(update(bench_units).where(*_mine(unit)).values(state=UnitState.WAITING, lease=None, leased_until=None, attempts=attempts))


def free_cells(tx: Transaction, unit: Unit, at: datetime, *, built: bool) -> int:
    """Let the cells of a build begin, or skip them where it does not build; gives how many were skipped."""
    held = (bench_units.c.validation_id == unit.validation_id, bench_units.c.build == unit.build, bench_units.c.state == UnitState.HELD)
    changed = tx.derive(update(bench_units).where(*held).values(state=UnitState.WAITING if built else UnitState.SKIPPED, ready_at=at))
    if built or not changed:
        return 0
    tx.derive(update(validations).where(validations.c.validation_id == unit.validation_id).values(done=validations.c.done + changed))
    return changed


def free_judging(tx: Transaction, unit: Unit, at: datetime) -> None:
    """Let a validation be judged once nothing else of it is left; called with the validation held."""
    left = tx.value(select(func.count()).where(
        bench_units.c.validation_id == unit.validation_id, bench_units.c.kind != UnitKind.JUDGE, bench_units.c.state.in_(_UNFINISHED)
    ))
    if not left:
        tx.derive(update(bench_units).where(
            bench_units.c.validation_id == unit.validation_id, bench_units.c.kind == UnitKind.JUDGE, bench_units.c.state == UnitState.HELD
        ).values(state=UnitState.WAITING, ready_at=at))


def renew(tx: Transaction, lease: str, until: datetime) -> int:
    """Hold what a lease holds for longer; gives how much that is."""
    held = (bench_units.c.lease == lease, bench_units.c.state == UnitState.CLAIMED)
    return tx.derive(update(bench_units).where(*held).values(leased_until=until))


def _mine(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    return (
        bench_units.c.validation_id == unit.validation_id, bench_units.c.number == unit.number, bench_units.c.lease == unit.lease,
        bench_units.c.state == UnitState.CLAIMED,
    )


def _ready(until: datetime, now: datetime) -> ColumnElement[bool]:
    dead = and_(bench_units.c.state == UnitState.CLAIMED, is_free(bench_units, until=until, now=now))
    return and_(or_(bench_units.c.state == UnitState.WAITING, dead), validations.c.state.in_(_OPEN))


def _for_others(selves: Collection[PartyId], house: PartyId | None) -> ColumnElement[bool]:
    """That a worker is neither the finder nor of its organisation; the same as `rules.is_finder`, and a test holds them together."""
    own = sorted({*selves, *(() if house is None else (house,))})
    return and_(validations.c.finder.not_in(own), or_(validations.c.finder_house.is_(None), validations.c.finder_house.not_in(own)))


def _shown(docket: Docket, viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    here: ColumnElement[bool] = (validations.c.case_id == docket.case_id) & is_readable(validations.c.case_id, viewer, now, tier_min=Tier.ROOM)
    if docket.tier < Tier.ROOM:
        return here & validations.c.case_id.is_(None)
    return here if docket.reports is None else here & validations.c.report_id.in_(sorted(docket.reports))


def _part(tx: Transaction, docket: Docket, validation: Validation, part: str, shown: ColumnElement[bool]) -> bytes | None:
    column = validations.c[f"sealed_{part}"]
    sealed = tx.value(select(column).where(validations.c.validation_id == validation.id, shown))
    return None if sealed is None else open_with(docket.key, bytes(sealed), f"{validation.id}/{part}")


_LINE = [column for column in validations.c if column.name not in ("sealed_result", "sealed_statement")]


def _validation(row: Row[Any], docket: Docket) -> Validation:
    text = msgspec.json.decode(open_with(docket.key, bytes(row.sealed), row.validation_id), type=_Text)
    trouble = "" if row.sealed_trouble is None else open_with(docket.key, bytes(row.sealed_trouble), row.validation_id + "/trouble").decode()
    return Validation(
        ValidationId(row.validation_id), CaseId(row.case_id), ReportId(row.report_id), row.recipe_digest, ValidationState(row.state),
        row.state_at, row.asked_at, PartyId(row.asked_by), PartyId(row.finder), None if row.finder_house is None else PartyId(row.finder_house),
        text.title, None if row.verifier is None else PartyId(row.verifier), row.done, row.total, row.verdict, row.trust, row.level,
        row.statement_digest, trouble,
    )


def _into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if tx.dialect == "postgresql" else sqlite.insert(table)
