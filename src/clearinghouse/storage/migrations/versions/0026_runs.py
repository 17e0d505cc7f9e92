"""Runs of benchmarks: samples with sealed transcripts, incidents, controls, effort, findings of people, looks at a model."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "eval_runs",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("why", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("plan_digest", sa.String(72), nullable=False),
        sa.Column("model_term", sa.String(72), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("stop_wanted", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(op.f("ix_eval_runs_review_id"), "eval_runs", ["review_id"])
    op.create_index(op.f("ix_eval_runs_model_term"), "eval_runs", ["model_term"])
    op.create_table(
        "eval_samples",
        sa.Column("sample_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("item_term", sa.String(72), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.String(27), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.Column("outcome", sa.String(64), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("note", sa.String(64), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("unmetered_calls", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("cost_microdollars", sa.BigInteger(), nullable=False),
        sa.Column("build_digest", sa.String(72), nullable=False),
        sa.Column("transcript_digest", sa.String(72), nullable=False),
        sa.Column("sealed_transcript", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sample_id"), sa.ForeignKeyConstraint(["run_id"], ["eval_runs.run_id"]),
    )
    op.create_index("ix_eval_samples_cell", "eval_samples", ["run_id", "item", "epoch"], unique=True)
    op.create_index(op.f("ix_eval_samples_run_id_number"), "eval_samples", ["run_id", "number"])
    op.create_index(op.f("ix_eval_samples_item_term"), "eval_samples", ["item_term"])
    op.create_table(
        "eval_incidents",
        sa.Column("incident_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("sample_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("certainty", sa.String(64), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id"), sa.ForeignKeyConstraint(["run_id"], ["eval_runs.run_id"]),
        sa.ForeignKeyConstraint(["sample_id"], ["eval_samples.sample_id"]),
    )
    op.create_index(op.f("ix_eval_incidents_run_id_at"), "eval_incidents", ["run_id", "at"])
    op.create_index(op.f("ix_eval_incidents_sample_id"), "eval_incidents", ["sample_id"])
    op.create_table(
        "eval_controls",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("positive", sa.Boolean(), nullable=True),
        sa.Column("negative", sa.Boolean(), nullable=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "item"), sa.ForeignKeyConstraint(["run_id"], ["eval_runs.run_id"]),
    )
    op.create_table(
        "eval_efforts",
        sa.Column("effort_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("effort_id"),
    )
    op.create_index(op.f("ix_eval_efforts_review_id_at"), "eval_efforts", ["review_id", "at"])
    op.create_table(
        "eval_findings",
        sa.Column("finding_id", sa.String(32), nullable=False),
        sa.Column("sample_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        sa.Column("finding", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id"), sa.ForeignKeyConstraint(["run_id"], ["eval_runs.run_id"]),
        sa.ForeignKeyConstraint(["sample_id"], ["eval_samples.sample_id"]),
    )
    op.create_index(op.f("ix_eval_findings_run_id_at"), "eval_findings", ["run_id", "at"])
    op.create_index(op.f("ix_eval_findings_sample_id_at"), "eval_findings", ["sample_id", "at"])
    op.create_table(
        "eval_probes",
        sa.Column("probe_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("sameness", sa.String(64), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("probe_id"),
    )
    op.create_index(op.f("ix_eval_probes_review_id_at"), "eval_probes", ["review_id", "at"])
    # Who takes part in a review reads how far a run came; samples, incidents and transcripts are for whom the run itself was granted to.
    protect(op.get_bind(), "eval_runs", "review_id", "run_id")
    for table in ("eval_samples", "eval_incidents", "eval_controls", "eval_findings"):
        protect(op.get_bind(), table, "run_id")
    for table in ("eval_efforts", "eval_probes"):
        protect(op.get_bind(), table, "review_id")
