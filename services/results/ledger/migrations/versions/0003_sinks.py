"""Sinks have a circuit breaker; a delivery says whether something of it may be at its sink."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SINK = sa.Table(
    "ledger_sink",
    sa.MetaData(),
    sa.Column("sink", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("open_since", sa.BigInteger, nullable=True),
    sa.Column("probe_time", sa.BigInteger, nullable=True),
    sa.Column("success_time", sa.BigInteger, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("told_time", sa.BigInteger, nullable=True),
)


def upgrade() -> None:
    """Add the table and the columns; whatever was ever taken for sending may be there."""
    _SINK.create(op.get_bind())
    for column in (
        sa.Column("maybe_there", sa.Integer, nullable=False, server_default="0"),
        sa.Column("other_ids", sa.Text, nullable=False, server_default=""),
        sa.Column("from_sink", sa.String(64), nullable=False, server_default=""),
        sa.Column("moved", sa.Boolean, nullable=False, server_default=sa.false()),
    ):
        op.add_column("ledger_delivery", column)
    op.execute("UPDATE ledger_delivery SET maybe_there = token")


def downgrade() -> None:
    """Take them away; the earlier code reads from ``tries`` whether something may be there."""
    op.execute("UPDATE ledger_delivery SET tries = 1 WHERE maybe_there > 0 AND tries = 0")
    for name in ("moved", "from_sink", "other_ids", "maybe_there"):
        op.drop_column("ledger_delivery", name)
    _SINK.drop(op.get_bind())
