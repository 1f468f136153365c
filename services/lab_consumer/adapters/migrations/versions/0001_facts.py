"""Resources, statements, refusals, outbox, clock.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _sequence() -> sa.Column:
    return sa.Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "resource_version", _sequence(), _text("resource_type", 64), _text("resource_id", 64), _text("version", 64),
        _text("digest", 64), _text("recorded_time", 32), sa.Column("content", sa.Text, nullable=True),
    )  # fmt: skip
    op.create_index("resource_version_resource", "resource_version", ["resource_type", "resource_id", "sequence"])
    op.create_table(
        "resource",
        sa.Column("resource_type", sa.String(64), primary_key=True),
        sa.Column("resource_id", sa.String(64), primary_key=True),
        sa.Column("version_sequence", sa.ForeignKey("resource_version.sequence"), nullable=False, type_=_SEQUENCE),
        _text("counted", 64), _text("last_updated", 64), _text("subject", 512), _text("authority", 256, nullable=True),
        _text("identifier", 256, nullable=True), _text("needs", 512),
    )  # fmt: skip
    op.create_index("resource_subject", "resource", ["subject"])
    op.create_index("resource_identity", "resource", ["authority", "identifier"])
    op.create_index("resource_needs", "resource", ["needs"])
    op.create_table(
        "statement", _sequence(), _text("authority", 256), _text("identifier", 256), _text("kind", 16),
        _text("key", 768), _text("recorded_time", 32), sa.Column("value", sa.Text, nullable=True),
    )  # fmt: skip
    op.create_index("statement_identity", "statement", ["authority", "identifier", "sequence"])
    op.create_table(
        "refusal", _sequence(), _text("source", 130), _text("element", 1024), _text("code", 32), _text("reason", 512),
        _text("recorded_time", 32),
    )  # fmt: skip
    op.create_table(
        "outbox", _sequence(), _text("request_id", 36), _text("authority", 256), _text("identifier", 256),
        sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32),
        _text("announced_time", 32, nullable=True),
    )  # fmt: skip
    op.create_index("outbox_open", "outbox", ["announced_time", "due_time"])
    clock = op.create_table("clock", sa.Column("name", sa.String(16), primary_key=True), _text("time", 32))
    op.bulk_insert(clock, [{"name": "latest", "time": "1970-01-01T00:00:00.000000+00:00"}])


def downgrade() -> None:
    for table in ("clock", "outbox", "refusal", "statement", "resource", "resource_version"):
        op.drop_table(table)
