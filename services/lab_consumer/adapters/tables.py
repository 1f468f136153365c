"""The lab consumer's tables. Everything but ``resource`` (the current version of each) and ``outbox`` only grows."""

from __future__ import annotations

import sqlalchemy as sql

METADATA = sql.MetaData()

# Times are ISO 8601 in UTC with microseconds, always 32 characters: they sort as text, alike on every database.
_TIME = sql.String(32)
_NAME = sql.String(64)

VERSIONS = sql.Table(
    "resource_version",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("resource_type", _NAME, nullable=False),
    sql.Column("resource_id", _NAME, nullable=False),
    sql.Column("version", sql.String(64), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("recorded_time", _TIME, nullable=False),
    sql.Column("content", sql.Text, nullable=True),
    sql.Index("resource_version_resource", "resource_type", "resource_id", "sequence"),
)

RESOURCES = sql.Table(
    "resource",
    METADATA,
    sql.Column("resource_type", _NAME, primary_key=True),
    sql.Column("resource_id", _NAME, primary_key=True),
    sql.Column("version_sequence", sql.ForeignKey(VERSIONS.c.sequence), nullable=False),
    sql.Column("counted", sql.String(64), nullable=False),
    sql.Column("last_updated", sql.String(64), nullable=False),
    sql.Column("subject", sql.String(512), nullable=False),
    sql.Column("authority", sql.String(256), nullable=True),
    sql.Column("identifier", sql.String(256), nullable=True),
    sql.Column("needs", sql.String(512), nullable=False),
    sql.Index("resource_subject", "subject", "resource_type"),
    sql.Index("resource_identity", "authority", "identifier"),
    sql.Index("resource_needs", "needs"),
)

STATEMENTS = sql.Table(
    "statement",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("key", sql.String(768), nullable=False),
    sql.Column("source", sql.String(130), nullable=False, server_default=""),
    sql.Column("recorded_time", _TIME, nullable=False),
    sql.Column("value", sql.Text, nullable=True),
    sql.Index("statement_identity", "authority", "identifier", "sequence"),
    sql.Index("statement_source", "authority", "identifier", "source", "sequence"),
)

REFUSALS = sql.Table(
    "refusal",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("source", sql.String(130), nullable=False),
    sql.Column("element", sql.String(1024), nullable=False),
    sql.Column("code", sql.String(32), nullable=False),
    sql.Column("reason", sql.String(512), nullable=False),
    sql.Column("recorded_time", _TIME, nullable=False),
)

OUTBOX = sql.Table(
    "outbox",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("request_id", sql.String(36), nullable=False),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("announced_time", _TIME, nullable=True),
    sql.Index("outbox_open", "announced_time", "due_time"),
    sql.Index("outbox_patient", "authority", "identifier", "announced_time", "sequence"),
)

PATIENT_CHANGES = sql.Table(
    "patient_change",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("request_id", sql.String(36), nullable=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("from_authority", sql.String(256), nullable=False),
    sql.Column("from_identifier", sql.String(256), nullable=False),
    sql.Column("to_authority", sql.String(256), nullable=False),
    sql.Column("to_identifier", sql.String(256), nullable=False),
    sql.Column("message", sql.String(256), nullable=False),
    sql.Column("recorded_time", _TIME, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("announced_time", _TIME, nullable=True),
    sql.Index("patient_change_from", "from_authority", "from_identifier", "sequence"),
    sql.Index("patient_change_to", "to_authority", "to_identifier"),
    sql.Index("patient_change_open", "announced_time", "due_time"),
)
"""Merges, unlinks and corrections, with the time they became known; also the outbox that tells results."""

PANELS = sql.Table(
    "panel",
    METADATA,
    sql.Column("uid", sql.String(64), primary_key=True),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("analytes", sql.String(512), nullable=False),
    sql.Column("first_date", sql.String(10), nullable=False),
    sql.Column("last_date", sql.String(10), nullable=False),
    sql.Column("facts", sql.Text, nullable=False),
    sql.Column("opened_time", _TIME, nullable=False),
    sql.Column("taken_back", sql.String(256), nullable=False),
    sql.Column("request_id", sql.String(36), nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("submitted_time", _TIME, nullable=True),
    sql.Index("panel_identity", "authority", "identifier"),
    sql.Index("panel_open", "submitted_time", "due_time"),
)
"""Panels under the identity they were opened for; also the outbox that hands them to results."""

PANEL_VALUES = sql.Table(
    "panel_value",
    METADATA,
    sql.Column("authority", sql.String(256), primary_key=True),
    sql.Column("identifier", sql.String(256), primary_key=True),
    sql.Column("fact_id", sql.String(256), primary_key=True),
    sql.Column("name", _NAME, nullable=False),
    sql.Column("effective_date", sql.String(10), nullable=False),
    sql.Index("panel_value_date", "authority", "identifier", "effective_date"),
)
"""The values panels are made of, by day: what is known now, under the identity that holds now."""

SLIDE_ORDERS = sql.Table(
    "slide_order",
    METADATA,
    sql.Column("order_id", sql.String(256), primary_key=True),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("content", sql.Text, nullable=False),
    sql.Column("request_id", sql.String(36), nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("recorded_time", _TIME, nullable=True),
    sql.Index("slide_order_identity", "authority", "identifier"),
    sql.Index("slide_order_open", "recorded_time", "due_time"),
)
"""Orders for slides as they were last handed over, or are to be: the outbox towards slide ingestion."""

CLOCK = sql.Table(
    "clock",
    METADATA,
    sql.Column("name", sql.String(16), primary_key=True),
    sql.Column("time", _TIME, nullable=False),
)
"""One row: the recorded time of the latest commit, so that time never runs backwards."""

PULLS = sql.Table(
    "pull",
    METADATA,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("resource_type", _NAME, nullable=False),
    sql.Column("resource_id", _NAME, nullable=False),
    sql.Column("authority", sql.String(256), nullable=False),
    sql.Column("identifier", sql.String(256), nullable=False),
    sql.Column("wishes", sql.Integer, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due_time", _TIME, nullable=False),
    sql.Column("done_time", _TIME, nullable=True),
    sql.Index("pull_what", "resource_type", "resource_id", "authority", "identifier", unique=True),
    sql.Index("pull_open", "done_time", "due_time"),
)
"""What is to be asked of the FHIR server: one resource by its id, or what it holds about an identity. A row about an
identity stays when it is done: whoever was asked about once is not asked about again."""

CURSORS = sql.Table(
    "poll_cursor",
    METADATA,
    sql.Column("server", sql.String(512), primary_key=True),
    sql.Column("resource_type", _NAME, primary_key=True),
    sql.Column("since", sql.String(64), nullable=False),
)
"""``meta.lastUpdated`` of the newest resource that was polled, by the server's clock."""

SUBSCRIPTIONS = sql.Table(
    "subscription",
    METADATA,
    sql.Column("name", sql.String(64), primary_key=True),
    sql.Column("event", sql.BigInteger, nullable=False),
)
"""Number of the last event heard of each subscription (name: digest of its reference)."""
