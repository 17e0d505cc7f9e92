"""The bench: materials of cases, validations and their work, and what was seen before; all of it under the keys of its cases."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0020"
down_revision = "0019"


def _id(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=null)


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False)


def _digest(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(72), nullable=null)


def _at(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=null)


def _sealed(name: str = "sealed", *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=null)


def upgrade() -> None:
    op.create_table(
        "bench_materials", _id("material_id"), _id("case_id"), _word("kind"), _digest("digest"),
        sa.Column("size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False), _at("added_at"), _id("added_by"),
        _word("supplier"), _sealed("sealed_line"), sa.PrimaryKeyConstraint("material_id"),
    )
    op.create_index(op.f("ix_bench_materials_case_id_digest"), "bench_materials", ["case_id", "digest"])
    op.create_table("bench_bodies", _id("case_id"), _digest("digest"), _at("kept_at"), _sealed(), sa.PrimaryKeyConstraint("case_id", "digest"))
    op.create_table(
        "validations", _id("validation_id"), _id("case_id"), _id("report_id"), _digest("recipe_digest"), _digest("component_term"),
        _word("state"), _at("state_at"), _at("asked_at"), _id("asked_by"), _id("finder"), _id("finder_house", null=True),
        _id("verifier", null=True), _digest("open_key", null=True), sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False), _word("verdict"), _word("trust"), _word("level"), _digest("statement_digest"),
        _sealed(), _sealed("sealed_trouble", null=True), _sealed("sealed_result", null=True), _sealed("sealed_statement", null=True),
        sa.PrimaryKeyConstraint("validation_id"), sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"]),
        sa.UniqueConstraint("open_key", name=op.f("uq_validations_open_key")),
    )
    op.create_index(op.f("ix_validations_case_id_asked_at"), "validations", ["case_id", "asked_at"])
    op.create_index(op.f("ix_validations_report_id"), "validations", ["report_id"])
    op.create_index(op.f("ix_validations_component_term"), "validations", ["component_term"])
    op.create_table(
        "bench_units", _id("validation_id"), sa.Column("number", sa.Integer(), autoincrement=False, nullable=False), _id("case_id"),
        _word("kind"), _word("build"), _digest("input"), _word("state"), _at("ready_at"), sa.Column("attempts", sa.Integer(), nullable=False),
        _id("lease", null=True), _at("leased_until", null=True), sa.PrimaryKeyConstraint("validation_id", "number"),
        sa.ForeignKeyConstraint(["validation_id"], ["validations.validation_id"]),
    )
    op.create_index(op.f("ix_bench_units_state_case_id_ready_at"), "bench_units", ["state", "case_id", "ready_at"])
    op.create_index(op.f("ix_bench_units_lease"), "bench_units", ["lease"])
    op.create_table(
        "bench_shares", _id("case_id"), sa.Column("used_seconds", sa.Float(), nullable=False), _at("used_at"), _at("served_at"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "bench_cells", _id("case_id"), _digest("key"), _digest("build"), _digest("input"), _at("kept_at"), _sealed(),
        sa.PrimaryKeyConstraint("case_id", "key"),
    )
    op.create_index(op.f("ix_bench_cells_case_id_input"), "bench_cells", ["case_id", "input"])
    op.create_index(op.f("ix_bench_cells_case_id_kept_at"), "bench_cells", ["case_id", "kept_at"])
    op.create_table(
        "bench_builds", _id("case_id"), _digest("key"), _at("kept_at"), _at("used_at"), _sealed(), sa.PrimaryKeyConstraint("case_id", "key"),
    )
    # Verdicts are for the room; bytes are for those who may read its documents.
    for table in ("bench_materials", "validations", "bench_units", "bench_shares", "bench_cells"):
        protect(op.get_bind(), table, "case_id")
    for table in ("bench_bodies", "bench_builds"):
        protect(op.get_bind(), table, "case_id", tier_min=3)
