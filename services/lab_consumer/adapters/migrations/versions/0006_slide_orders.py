"""Orders for slides on their way to slide ingestion.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slide_order", sa.Column("order_id", sa.String(256), primary_key=True),
        sa.Column("authority", sa.String(256), nullable=False), sa.Column("identifier", sa.String(256), nullable=False),
        sa.Column("content", sa.Text, nullable=False), sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False), sa.Column("due_time", sa.String(32), nullable=False),
        sa.Column("recorded_time", sa.String(32), nullable=True),
    )  # fmt: skip
    op.create_index("slide_order_identity", "slide_order", ["authority", "identifier"])
    op.create_index("slide_order_open", "slide_order", ["recorded_time", "due_time"])


def downgrade() -> None:
    op.drop_table("slide_order")
