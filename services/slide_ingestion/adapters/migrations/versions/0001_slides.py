"""Slides, the orders they belong to, and what results has of them.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, length: int, *, key: bool = False, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=nullable)


def _long(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "slide", _text("slide_id", 32, key=True), sa.Column("place_digest", sa.String(64), nullable=False, unique=True),
        _text("door", 64), _text("state", 16), _text("digest", 64), _text("glass_digest", 64), _text("order_id", 256),
        _text("authority", 256), _text("identifier", 256), sa.Column("gone", sa.Boolean, nullable=False),
        _text("seen_time", 32), _text("state_time", 32), _long("content"),
    )  # fmt: skip
    op.create_table("glass_name", _text("kind", 8, key=True), _text("owner", 256, key=True),
                    _text("name_digest", 64, key=True))  # fmt: skip
    op.create_table(
        "slide_order", _text("order_id", 256, key=True), sa.Column("sequence", sa.BigInteger, nullable=False),
        _text("status", 16), _text("authority", 256), _text("identifier", 256),
        sa.Column("has_container", sa.Boolean, nullable=False), _text("recorded_time", 32), _text("kept_time", 32),
        _long("content"),
    )  # fmt: skip
    op.create_table(
        "submission", _text("key_digest", 64, key=True), _long("key"), _text("slide_id", 32), _text("request_id", 64),
        _text("authority", 256), _text("identifier", 256), _long("study"), _long("case_ids"),
        sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32),
        _text("submitted_time", 32, nullable=True),
    )  # fmt: skip
    op.create_table(
        "notice", _text("notice_id", 32, key=True), _text("kind", 64), _long("text"),
        sa.Column("tries", sa.Integer, nullable=False), _text("due_time", 32), _text("told_time", 32, nullable=True),
    )  # fmt: skip
    op.create_table("erased", _text("mark", 64, key=True), _text("erased_time", 32))
    op.create_table("request", _text("request_id", 128, key=True), _long("answer"), _text("time", 32))
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)


_INDEXES = (
    ("slide_door", "slide", ["door"]),
    ("slide_state", "slide", ["state", "state_time"]),
    ("slide_seen", "slide", ["seen_time"]),
    ("slide_digest", "slide", ["digest"]),
    ("slide_glass", "slide", ["glass_digest"]),
    ("slide_order_id", "slide", ["order_id"]),
    ("glass_name_digest", "glass_name", ["kind", "name_digest"]),
    ("slide_order_identity", "slide_order", ["authority", "identifier"]),
    ("slide_order_open", "slide_order", ["status", "has_container", "sequence"]),
    ("submission_open", "submission", ["submitted_time", "due_time"]),
    ("submission_identity", "submission", ["authority", "identifier"]),
    ("submission_slide", "submission", ["slide_id"]),
    ("notice_open", "notice", ["told_time", "due_time"]),
    ("request_time", "request", ["time"]),
)


def downgrade() -> None:
    for table in ("request", "erased", "notice", "submission", "slide_order", "glass_name", "slide"):
        op.drop_table(table)
