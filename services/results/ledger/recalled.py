"""Which bundles are recalled, as seen inside a transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.results.ledger.governance_tables import RECALL
from services.results.ledger.tables import FINDING


def why_recalled(connection: sa.Connection, bundle_id: str, version: str = "", digest: str = "") -> str:
    """Return why a bundle must not be used; empty where it may.

    A recall of one version does not meet a bundle whose version is not stated: its answer, which states it, is met.
    """
    query = sa.select(RECALL.c.reason).where(
        RECALL.c.bundle_id == bundle_id, RECALL.c.version.in_(["", version]), RECALL.c.digest.in_(["", digest])
    )
    reason = connection.execute(query.limit(1)).scalar()
    return f"the model {bundle_id} was recalled: {reason}" if reason else ""


def finding_recalled(connection: sa.Connection, finding: sa.Row[Any]) -> str:
    """Return why a finding (a row with its bundle) must reach nobody any more; empty where it may.

    A model's answer is recalled, and its refusal: a wrong range refuses wrongly. A refusal before any model was asked,
    and a withdrawal, name no bundle and stay true.
    """
    return why_recalled(connection, finding.bundle_id, finding.bundle_version, finding.bundle_digest)


def answered_by(recall: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Return the condition "this finding is an answer, or a refusal, of the recalled bundle"."""
    stated = [FINDING.c.bundle_id == recall.bundle_id]
    if recall.version:
        stated.append(FINDING.c.bundle_version == recall.version)
    if recall.digest:
        stated.append(FINDING.c.bundle_digest == recall.digest)
    return sa.and_(*stated)
