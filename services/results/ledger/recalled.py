"""Which bundles are recalled, as seen inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from services.results.ledger.governance_tables import RECALL
from services.results.ledger.tables import FINDING, FINDING_MODEL
from shared.domain.case import Pins
from shared.domain.prediction import NotAnalysed, Prediction

Named = tuple[str, str, str]
"""Id, version and digest of a bundle."""


def why_recalled(connection: sa.Connection, bundle_id: str, version: str = "", digest: str = "") -> str:
    """Return why a bundle must not be used; empty where it may.

    A recall of one version does not meet a bundle whose version is not stated: its answer, which states it, is met.
    """
    query = sa.select(RECALL.c.reason).where(
        RECALL.c.bundle_id == bundle_id, RECALL.c.version.in_(["", version]), RECALL.c.digest.in_(["", digest])
    )
    reason = connection.execute(query.limit(1)).scalar()
    return f"the model {bundle_id} was recalled: {reason}" if reason else ""


def why_any_recalled(connection: sa.Connection, bundles: Iterable[Named]) -> str:
    """Return why one of several bundles must not be used; empty where all may."""
    return next((why for one in bundles if (why := why_recalled(connection, *one))), "")


def pinned_bundles(pins: Pins) -> tuple[Named, ...]:
    """Return every bundle that may answer, the leading one first."""
    return tuple((one.bundle.bundle_id, one.bundle.version, one.bundle.digest) for one in pins.bundles)


def asked_bundles(pins: Pins | None, answer: Prediction | NotAnalysed | None) -> tuple[Named, ...]:
    """Return every bundle an answer names, the one that gave it first; a refusal may rest on any that was pinned."""
    if not isinstance(answer, Prediction):
        return pinned_bundles(pins) if pins else ()
    return tuple((one.bundle_id, one.version, one.digest) for one in answer.bundles)


def finding_recalled(connection: sa.Connection, finding: sa.Row[Any]) -> str:
    """Return why a finding (a row with its bundle) must reach nobody any more; empty where it may.

    A model's answer is recalled, and its refusal: a wrong range refuses wrongly. A refusal before any model was asked,
    and a withdrawal, name no bundle and stay true.
    """
    beside = sa.select(FINDING_MODEL.c.bundle_id, FINDING_MODEL.c.version, FINDING_MODEL.c.digest)
    rows = connection.execute(beside.where(FINDING_MODEL.c.finding_id == finding.finding_id))
    first = (finding.bundle_id, finding.bundle_version, finding.bundle_digest)
    return why_any_recalled(connection, (first, *((row.bundle_id, row.version, row.digest) for row in list(rows))))


def answered_by(recall: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Return the condition "this finding is an answer, or a refusal, of the recalled bundle, or shows its number"."""
    main = _named(recall, FINDING.c.bundle_id, FINDING.c.bundle_version, FINDING.c.bundle_digest)
    other = FINDING_MODEL
    beside = sa.select(other.c.finding_id).where(
        other.c.finding_id == FINDING.c.finding_id, _named(recall, other.c.bundle_id, other.c.version, other.c.digest)
    )
    return sa.or_(main, beside.exists())


def _named(
    recall: sa.Row[Any], bundle_id: sa.Column[str], version: sa.Column[str], digest: sa.Column[str]
) -> sa.ColumnElement[bool]:
    stated = [bundle_id == recall.bundle_id]
    if recall.version:
        stated.append(version == recall.version)
    if recall.digest:
        stated.append(digest == recall.digest)
    return sa.and_(*stated)
