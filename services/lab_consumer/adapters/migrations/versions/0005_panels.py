"""Panels: laboratory values of one draw, on their way to results.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "panel", sa.Column("uid", sa.String(64), primary_key=True), _text("authority", 256), _text("identifier", 256),
        _text("analytes", 512), _text("first_date", 10), _text("last_date", 10),
        sa.Column("facts", sa.Text, nullable=False), _text("opened_time", 32), _text("taken_back", 256),
        _text("request_id", 36), sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32),
        _text("submitted_time", 32, nullable=True),
    )  # fmt: skip
    op.create_index("panel_identity", "panel", ["authority", "identifier"])
    op.create_index("panel_open", "panel", ["submitted_time", "due_time"])
    op.create_table(
        "panel_value", sa.Column("authority", sa.String(256), primary_key=True),
        sa.Column("identifier", sa.String(256), primary_key=True),
        sa.Column("fact_id", sa.String(256), primary_key=True),
        _text("name", 64), _text("effective_date", 10),
    )  # fmt: skip
    op.create_index("panel_value_date", "panel_value", ["authority", "identifier", "effective_date"])


def downgrade() -> None:
    op.drop_table("panel_value")
    op.drop_table("panel")
