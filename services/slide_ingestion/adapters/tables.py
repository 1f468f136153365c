"""The tables of slide ingestion. What is looked up has a column; the rest of a row is JSON."""

from __future__ import annotations

import sqlalchemy as sql

METADATA = sql.MetaData()

# Times are ISO 8601 in UTC with microseconds, always 32 characters: they sort as text, alike on every database.
_TIME = sql.String(32)
_ID = sql.String(32)
_SEQUENCE = sql.BigInteger().with_variant(sql.Integer, "sqlite")

SLIDES = sql.Table(
    "slide",
    METADATA,
    sql.Column("slide_id", _ID, primary_key=True),
    sql.Column("place_digest", sql.String(64), nullable=False, unique=True),
    sql.Column("door", sql.String(64), nullable=False),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("glass_digest", sql.String(64), nullable=False),
    sql.Column("order_id", sql.String(256), nullable=False),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("gone", sql.Boolean, nullable=False),
    sql.Column("seen_time", _TIME, nullable=False),
    sql.Column("state_time", _TIME, nullable=False),
    sql.Column("content", sql.Text, nullable=False),
    sql.Index("slide_door", "door"),
    sql.Index("slide_state", "state", "state_time"),
    sql.Index("slide_seen", "seen_time"),
    sql.Index("slide_digest", "digest"),
    sql.Index("slide_glass", "glass_digest"),
    sql.Index("slide_order_id", "order_id"),
)
"""Slides; ``content`` is ``ports.SlideRow``. Places and glass are looked up by their digests: they may be long."""

NAMES = sql.Table(
    "glass_name",
    METADATA,
    sql.Column("kind", sql.String(8), primary_key=True),
    sql.Column("owner", sql.String(256), primary_key=True),
    sql.Column("name_digest", sql.String(64), primary_key=True),
    sql.Index("glass_name_digest", "kind", "name_digest"),
)
"""Keys of glass (digests) that slides and orders go by; ``kind`` is ``slide`` or ``order``."""

ORDERS = sql.Table(
    "slide_order",
    METADATA,
    sql.Column("order_id", sql.String(256), primary_key=True),
    sql.Column("sequence", _SEQUENCE, nullable=False),
    sql.Column("status", sql.String(16), nullable=False),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("has_container", sql.Boolean, nullable=False),
    sql.Column("recorded_time", _TIME, nullable=False),
    sql.Column("kept_time", _TIME, nullable=False),
    sql.Column("content", sql.Text, nullable=False),
    sql.Index("slide_order_identity", "authority", "identifier"),
    sql.Index("slide_order_open", "status", "has_container", "sequence"),
)
"""Orders in their current version; ``content`` is ``shared.domain.slides.SlideOrder``."""

SUBMISSIONS = sql.Table(
    "submission",
    METADATA,
    sql.Column("key_digest", sql.String(64), primary_key=True),
    sql.Column("key", sql.Text, nullable=False),
    sql.Column("slide_id", _ID, nullable=False),
    sql.Column("request_id", sql.String(64), nullable=False),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("study", sql.Text, nullable=False),
    sql.Column("case_ids", sql.Text, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("submitted_time", _TIME, nullable=True),
    sql.Index("submission_open", "submitted_time", "due_time"),
    sql.Index("submission_identity", "authority", "identifier"),
    sql.Index("submission_slide", "slide_id"),
)
"""What results shall have of each slide, under one key for ever; also the outbox."""

NOTICES = sql.Table(
    "notice",
    METADATA,
    sql.Column("notice_id", _ID, primary_key=True),
    sql.Column("kind", sql.String(64), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("told_time", _TIME, nullable=True),
    sql.Index("notice_open", "told_time", "due_time"),
)
"""What people must see; also its outbox."""

ERASED = sql.Table(
    "erased",
    METADATA,
    sql.Column("mark", sql.String(64), primary_key=True),
    sql.Column("erased_time", _TIME, nullable=False),
)
"""Keyed digests of files that were erased and may still lie in the site's folders."""

REQUESTS = sql.Table(
    "request",
    METADATA,
    sql.Column("request_id", sql.String(128), primary_key=True),
    sql.Column("answer", sql.Text, nullable=False),
    sql.Column("time", _TIME, nullable=False),
    sql.Index("request_time", "time"),
)
"""What was answered to writes, for those that ask again."""
