"""Statements name the one resource that states them, so that a long record costs no more than a short one.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ENDS = {"fact": "#", "problem": " "}
"""What ends ``Type/id`` in the key of each kind of statement."""


def upgrade() -> None:
    op.add_column("statement", sa.Column("source", sa.String(130), nullable=False, server_default=""))
    find = "instr" if op.get_bind().dialect.name == "sqlite" else "strpos"
    for kind, end in _ENDS.items():
        # Fixed texts of this file: no value from outside is put into the statement.
        op.execute(
            f"UPDATE statement SET source = substr(key, 1, {find}(key, '{end}') - 1) WHERE kind = '{kind}'"  # noqa: S608
        )
    op.create_index("statement_source", "statement", ["authority", "identifier", "source", "sequence"])
    op.drop_index("resource_subject", "resource")
    op.create_index("resource_subject", "resource", ["subject", "resource_type"])
    op.create_index("outbox_patient", "outbox", ["authority", "identifier", "announced_time", "sequence"])


def downgrade() -> None:
    op.drop_index("outbox_patient", "outbox")
    op.drop_index("resource_subject", "resource")
    op.create_index("resource_subject", "resource", ["subject"])
    op.drop_index("statement_source", "statement")
    op.drop_column("statement", "source")
