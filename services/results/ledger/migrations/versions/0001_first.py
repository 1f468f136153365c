"""The first schema of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "ledger_case",
        sa.Column("case_id", sa.String(64), primary_key=True),
        sa.Column("site_id", sa.String(64), nullable=False),
        sa.Column("predictor", sa.String(64), nullable=False),
        sa.Column("authority", sa.String(128), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("study_instance_uid", sa.String(64), nullable=False),
        sa.Column("study", sa.Text, nullable=False),
        sa.Column("study_version", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("review", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("pins", sa.Text, nullable=True),
        sa.Column("pin_digest", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("evaluate_time", sa.BigInteger, nullable=True),
        sa.Column("collect_until", sa.BigInteger, nullable=False),
        sa.Column("deadline_time", sa.BigInteger, nullable=True),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
        sa.Column("updated_time", sa.BigInteger, nullable=False),
    )
    op.create_index("ledger_case_patient", "ledger_case", ["authority", "identifier"])
    op.create_index("ledger_case_study", "ledger_case", ["study_instance_uid"])
    op.create_index("ledger_case_evaluate", "ledger_case", ["evaluate_time"])
    op.create_index("ledger_case_state", "ledger_case", ["state"])
    op.create_table(
        "ledger_attempt",
        sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
    )
    op.create_index("ledger_attempt_lease", "ledger_attempt", ["state", "lease_until"])
    op.create_table(
        "ledger_finding",
        sa.Column("finding_id", sa.String(64), primary_key=True),
        sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("currency", sa.String(16), nullable=False),
        sa.Column("result_key", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("case_id", "revision"),
    )
    op.create_table(
        "ledger_delivery",
        sa.Column("delivery_id", sa.String(64), primary_key=True),
        sa.Column("finding_id", sa.String(64), sa.ForeignKey("ledger_finding.finding_id"), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("sink", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("next_time", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=True),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("replaced", sa.Boolean, nullable=False),
        sa.Column("deadline_time", sa.BigInteger, nullable=True),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("finding_id", "sink"),
    )
    op.create_index("ledger_delivery_due", "ledger_delivery", ["sink", "state", "next_time"])
    op.create_index("ledger_delivery_case", "ledger_delivery", ["case_id"])
    op.create_table(
        "ledger_transition",
        sa.Column("transition_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("machine", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(96), nullable=False),
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ledger_transition_case", "ledger_transition", ["case_id"])
    op.create_table(
        "ledger_order",
        sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("created_time", sa.BigInteger, nullable=False),
        sa.Column("next_time", sa.BigInteger, nullable=True),
        sa.Column("sent_time", sa.BigInteger, nullable=True),
        sa.Column("sends", sa.Integer, nullable=False),
    )
    op.create_index("ledger_order_next", "ledger_order", ["next_time"])
    op.create_table(
        "ledger_request",
        sa.Column("request_id", sa.String(128), primary_key=True),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_notice",
        sa.Column("notice_id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
    )
    op.create_index("ledger_notice_time", "ledger_notice", ["time"])


def downgrade() -> None:
    """Drop everything, children first."""
    for name in (
        "ledger_notice",
        "ledger_request",
        "ledger_order",
        "ledger_transition",
        "ledger_delivery",
        "ledger_finding",
        "ledger_attempt",
        "ledger_case",
    ):
        op.drop_table(name)
