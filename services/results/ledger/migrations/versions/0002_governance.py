"""Audit chain, recalls, changes of patients, erasures; who a case and which model a finding is about, in columns.

Expand only: rows of revision 0001 keep their meaning, and what is new in them is filled here (models) or by the first
start of ``serve`` (the patients' keyed names, which need the site's secret).
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_CASE = ("patient", "sent_authority", "sent_identifier")
_FINDING = ("bundle_id", "bundle_version", "bundle_digest")
_LENGTH = {"sent_authority": 128, "sent_identifier": 128, "bundle_id": 128}
_BATCH = 500

_METADATA = sa.MetaData()

sa.Table(
    "ledger_audit",
    _METADATA,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("act", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("patient", sa.String(64), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ledger_audit_case", "case_id"),
    sa.Index("ledger_audit_patient", "patient"),
)
sa.Table(
    "ledger_recall",
    _METADATA,
    sa.Column("recall_id", sa.String(64), primary_key=True),
    sa.Column("bundle_id", sa.String(128), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_time", sa.BigInteger, nullable=False),
    sa.Column("deadline_time", sa.BigInteger, nullable=False),
    sa.Column("finished_time", sa.BigInteger, nullable=True),
    sa.Column("told", sa.Boolean, nullable=False),
)
sa.Table(
    "ledger_patient_change",
    _METADATA,
    sa.Column("change_id", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("from_authority", sa.String(128), nullable=False),
    sa.Column("from_identifier", sa.String(128), nullable=False),
    sa.Column("to_authority", sa.String(128), nullable=False),
    sa.Column("to_identifier", sa.String(128), nullable=False),
    sa.Column("message", sa.String(256), nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Index("ledger_patient_change_from", "from_authority", "from_identifier"),
    sa.Index("ledger_patient_change_to", "to_authority", "to_identifier"),
)
sa.Table(
    "ledger_erasure",
    _METADATA,
    sa.Column("erasure_id", sa.String(64), primary_key=True),
    sa.Column("patient", sa.String(64), nullable=False),
    sa.Column("blobs", sa.Text, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("case_count", sa.Integer, nullable=False),
    sa.Column("created_time", sa.BigInteger, nullable=False),
    sa.Column("deadline_time", sa.BigInteger, nullable=False),
    sa.Column("finished_time", sa.BigInteger, nullable=True),
    sa.Column("told", sa.Boolean, nullable=False),
)

_SQLITE_GUARD = """
CREATE TRIGGER ledger_audit_no_{event} BEFORE {event} ON ledger_audit
BEGIN SELECT RAISE(ABORT, 'ledger_audit is append-only'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION ledger_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'ledger_audit is append-only'; END $$
"""
_POSTGRESQL_GUARD = """
CREATE TRIGGER ledger_audit_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_audit
FOR EACH STATEMENT EXECUTE FUNCTION ledger_audit_refuse()
"""


def upgrade() -> None:
    """Add tables, columns and the guard of the audit; fill in which model made which finding."""
    connection = op.get_bind()
    _METADATA.create_all(connection)
    for table, names in (("ledger_case", _CASE), ("ledger_finding", _FINDING)):
        for name in names:
            kind = sa.String(_LENGTH.get(name, 64))
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=""))
    op.create_index("ledger_finding_bundle", "ledger_finding", ["bundle_id", "currency"])
    _guard(connection)
    _fill_bundles(connection)


def downgrade() -> None:
    """Take all of it away; the audit is lost, so export it first."""
    op.drop_index("ledger_finding_bundle", "ledger_finding")
    for table, names in (("ledger_case", _CASE), ("ledger_finding", _FINDING)):
        for name in names:
            op.drop_column(table, name)
    _METADATA.drop_all(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_audit_refuse()")


def _guard(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        op.execute(_POSTGRESQL_FUNCTION)
        op.execute(_POSTGRESQL_GUARD)
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(_SQLITE_GUARD.format(event=event))


def _fill_bundles(connection: sa.Connection) -> None:
    columns = [sa.column(name) for name in ("finding_id", "body", *_FINDING)]
    finding = sa.table("ledger_finding", *columns)
    last = ""
    while True:
        query = sa.select(finding.c.finding_id, finding.c.body).where(finding.c.finding_id > last)
        rows = list(connection.execute(query.order_by(finding.c.finding_id).limit(_BATCH)))
        if not rows:
            return
        last = rows[-1].finding_id
        for row in rows:
            if not row.body:  # erased or purged: nothing says any more which model it was
                continue
            bundle = (json.loads(row.body).get("prediction") or {}).get("bundle")
            if bundle:
                values = {"bundle_id": bundle["bundle_id"], "bundle_version": bundle["version"],
                          "bundle_digest": bundle["digest"]}  # fmt: skip
                connection.execute(finding.update().where(finding.c.finding_id == row.finding_id).values(**values))
