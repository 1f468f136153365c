"""The first schema of the ledger, frozen: later changes are revisions of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_METADATA = sa.MetaData()

sa.Table(
    "ledger_case",
    _METADATA,
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
    sa.Index("ledger_case_patient", "authority", "identifier"),
    sa.Index("ledger_case_study", "study_instance_uid"),
    sa.Index("ledger_case_evaluate", "evaluate_time"),
    sa.Index("ledger_case_state", "state"),
)

sa.Table(
    "ledger_attempt",
    _METADATA,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_time", sa.BigInteger, nullable=False),
    sa.Index("ledger_attempt_lease", "state", "lease_until"),
)

sa.Table(
    "ledger_finding",
    _METADATA,
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

sa.Table(
    "ledger_delivery",
    _METADATA,
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
    sa.Index("ledger_delivery_due", "sink", "state", "next_time"),
    sa.Index("ledger_delivery_case", "case_id"),
)

sa.Table(
    "ledger_transition",
    _METADATA,
    sa.Column("transition_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("machine", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(96), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("ledger_transition_case", "case_id"),
)

sa.Table(
    "ledger_order",
    _METADATA,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("ledger_case.case_id"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("created_time", sa.BigInteger, nullable=False),
    sa.Column("next_time", sa.BigInteger, nullable=True),
    sa.Column("sent_time", sa.BigInteger, nullable=True),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Index("ledger_order_next", "next_time"),
)

sa.Table(
    "ledger_request",
    _METADATA,
    sa.Column("request_id", sa.String(128), primary_key=True),
    sa.Column("method", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("created_time", sa.BigInteger, nullable=False),
)

sa.Table(
    "ledger_notice",
    _METADATA,
    sa.Column("notice_id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Index("ledger_notice_time", "time"),
)


def upgrade() -> None:
    """Create everything."""
    _METADATA.create_all(op.get_bind())


def downgrade() -> None:
    """Drop everything."""
    _METADATA.drop_all(op.get_bind())
