"""Merges, unlinks and corrections of patients.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "patient_change", sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        _text("request_id", 36), _text("kind", 16), _text("from_authority", 256), _text("from_identifier", 256),
        _text("to_authority", 256), _text("to_identifier", 256), _text("message", 256), _text("recorded_time", 32),
        sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32),
        _text("announced_time", 32, nullable=True),
    )  # fmt: skip
    op.create_index("patient_change_from", "patient_change", ["from_authority", "from_identifier", "sequence"])
    op.create_index("patient_change_to", "patient_change", ["to_authority", "to_identifier"])
    op.create_index("patient_change_open", "patient_change", ["announced_time", "due_time"])


def downgrade() -> None:
    op.drop_table("patient_change")
