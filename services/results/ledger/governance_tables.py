"""Tables of what is done *about* the ledger: audit, recalls, changes of patients, erasures (migration 0002)."""

from __future__ import annotations

import sqlalchemy as sa

from services.results.ledger.tables import METADATA, AwareTime

AUDIT = sa.Table(
    "ledger_audit",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("time", AwareTime, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("act", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("patient", sa.String(64), nullable=False, comment="HMAC of the identity; empty: about nobody"),
    sa.Column("detail", sa.Text, nullable=False, comment="JSON, at most 2000 characters"),
    sa.Column("previous", sa.String(64), nullable=False, comment="hash of the row before"),
    sa.Column("hash", sa.String(64), nullable=False, comment="sha256 over canonical JSON of this row"),
    sa.Index("ledger_audit_case", "case_id"),
    sa.Index("ledger_audit_patient", "patient"),
)

RECALL = sa.Table(
    "ledger_recall",
    METADATA,
    sa.Column("recall_id", sa.String(64), primary_key=True),
    sa.Column("bundle_id", sa.String(128), nullable=False),
    sa.Column("version", sa.String(64), nullable=False, comment="empty: every version"),
    sa.Column("digest", sa.String(64), nullable=False, comment="empty: every build"),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("deadline_time", AwareTime, nullable=False, comment="unfinished then: a person is told"),
    sa.Column("finished_time", AwareTime, nullable=True, comment="every sink confirmed"),
    sa.Column("told", sa.Boolean, nullable=False),
)

ACCEPTANCE = sa.Table(
    "ledger_acceptance",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the bundle's build"),
    sa.Column("bundle_id", sa.String(128), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("report_sha256", sa.String(64), nullable=False, comment="of the validation report"),
    sa.Column("accepted_by", sa.String(128), nullable=False, comment="a person or a board"),
    sa.Column("actor", sa.String(128), nullable=False, comment="who recorded it"),
    sa.Column("created_time", AwareTime, nullable=False),
)
"""Migration 0004."""

PATIENT_CHANGE = sa.Table(
    "ledger_patient_change",
    METADATA,
    sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False, comment="merge, unlink, correction"),
    sa.Column("from_authority", sa.String(128), nullable=False),
    sa.Column("from_identifier", sa.String(128), nullable=False),
    sa.Column("to_authority", sa.String(128), nullable=False),
    sa.Column("to_identifier", sa.String(128), nullable=False),
    sa.Column("message", sa.String(256), nullable=False, comment="which message said so"),
    sa.Column("time", AwareTime, nullable=False),
    sa.Index("ledger_patient_change_from", "from_authority", "from_identifier"),
    sa.Index("ledger_patient_change_to", "to_authority", "to_identifier"),
)

ERASURE = sa.Table(
    "ledger_erasure",
    METADATA,
    sa.Column("erasure_id", sa.String(64), primary_key=True),
    sa.Column("patient", sa.String(64), nullable=False, comment="HMAC of the identity"),
    sa.Column("blobs", sa.Text, nullable=False, comment="JSON: URIs that are still to be erased"),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("case_count", sa.Integer, nullable=False),
    sa.Column("created_time", AwareTime, nullable=False),
    sa.Column("deadline_time", AwareTime, nullable=False, comment="unfinished then: a person is told"),
    sa.Column("finished_time", AwareTime, nullable=True),
    sa.Column("told", sa.Boolean, nullable=False),
)
