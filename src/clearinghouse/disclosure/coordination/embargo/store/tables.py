"""The tables of the embargo. Instants and states are plain; whatever somebody wrote is sealed under the case's key."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from clearinghouse.storage.schema import Id, Instant, Word, metadata

embargoes = Table(
    "embargoes", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("embargo_id", Id, nullable=False, unique=True),
    Column("state", Word, nullable=False),
    Column("found_with_public_ai", Boolean, nullable=False),
    Column("exited_at", Instant),
    Column("exit_reason", Word),
    Column("timetable_state", Word),
    Column("ends_at", Instant),
    Column("rank", Word),
    Column("term_id", Word, nullable=False),
)
embargo_facts = Table(
    "embargo_facts", metadata,
    Column("fact_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("milestone", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("party_id", Id, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Id),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
embargo_terms = Table(
    "embargo_terms", metadata,
    Column("applied_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Id, nullable=False),
    Column("removed_at", Instant),
    Column("removed_by", Id),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
embargo_proposals = Table(
    "embargo_proposals", metadata,
    Column("proposal_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("state", Word, nullable=False),
    Column("settled_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
embargo_answers = Table(
    "embargo_answers", metadata,
    Column("proposal_id", Id, ForeignKey("embargo_proposals.proposal_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("accepted", Boolean),
    Column("answered_at", Instant),
    Column("answered_by", Id),
)
embargo_consents = Table(
    "embargo_consents", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("state", Word, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
embargo_duties = Table(
    "embargo_duties", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("duty_id", Word, primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("done_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Id, nullable=False),
)
embargo_regimes = Table(
    "embargo_regimes", metadata,
    Column("case_id", Id, ForeignKey("cases.case_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("regime", Word, primary_key=True),
    Column("applies", Boolean, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("said_by", Id, nullable=False),
)
embargo_leaks = Table(
    "embargo_leaks", metadata,
    Column("leak_id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.case_id"), nullable=False),
    Column("state", Word, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("reported_at", Instant, nullable=False),
    Column("reported_by", Id, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", Id),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "case_id"),
)
deadlines = Table(
    "deadlines", metadata,
    Column("due_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("object_id", Id, nullable=False),
    Column("name", Word, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("late", Boolean, nullable=False),
    UniqueConstraint("object_id", "kind", "name", "due_at"),
    Index(None, "done_at", "due_at"),
)
"""A row is set when something will fall due and done once; rows that wait may be set anew, rows that are done never change."""
clock_readings = Table(
    "clock_readings", metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("monotonic_seconds", Float, nullable=False),
    Column("boot", Word, nullable=False),
)
"""Row 1: the last reading that was believed. Row 2: one that is doubted."""
