"""What engines themselves wrote down of a run, sealed with it."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "eval_logs",
        sa.Column("log_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("log_digest", sa.String(72), nullable=False),
        sa.Column("records_digest", sa.String(72), nullable=False),
        sa.Column("sealed_log", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_records", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"), sa.ForeignKeyConstraint(["run_id"], ["eval_runs.run_id"]),
    )
    op.create_index(op.f("ix_eval_logs_run_id_at"), "eval_logs", ["run_id", "at"])
    protect(op.get_bind(), "eval_logs", "run_id")
