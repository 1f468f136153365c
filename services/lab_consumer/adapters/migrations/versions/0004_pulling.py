"""What is to be asked of the FHIR server, how far polling has come, and the last event heard of each subscription.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "pull", sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
        _text("resource_type", 64), _text("resource_id", 64), _text("authority", 256), _text("identifier", 256),
        sa.Column("wishes", sa.Integer, nullable=False), sa.Column("tries", sa.Integer, nullable=False),
        _text("due_time", 32), _text("done_time", 32, nullable=True),
    )  # fmt: skip
    op.create_index("pull_what", "pull", ["resource_type", "resource_id", "authority", "identifier"], unique=True)
    op.create_index("pull_open", "pull", ["done_time", "due_time"])
    op.create_table(
        "poll_cursor", sa.Column("server", sa.String(512), primary_key=True),
        sa.Column("resource_type", sa.String(64), primary_key=True), _text("since", 64),
    )  # fmt: skip
    op.create_table(
        "subscription", sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("event", sa.BigInteger, nullable=False),
    )  # fmt: skip


def downgrade() -> None:
    for table in ("subscription", "poll_cursor", "pull"):
        op.drop_table(table)
