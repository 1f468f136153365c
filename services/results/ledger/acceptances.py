"""Which bundles the site has accepted: recorded once per build, told to the audit, asked before a clinical sink."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.cases import Step
from services.results.ledger.database import reading, writing
from services.results.ledger.governance_tables import ACCEPTANCE
from services.results.ledger.requests import once
from shared.domain.errors import InvalidInputError
from shared.domain.governance import Acceptance
from shared.domain.prediction import BundleReference

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Acceptances:
    """The ledger's side of AcceptBundle."""

    engine: sa.Engine

    def accept(
        self, request_id: str, bundle: tuple[str, str, str], report_sha256: str, accepted_by: str, step: Step
    ) -> Acceptance:
        """Record an acceptance of ``bundle`` (id, version, digest); the first one of a build stays.

        Raises:
            InvalidInputError: If a part is missing or no sha256.
        """
        bundle_id, version, digest = bundle
        _refuse_incomplete(bundle_id, version, digest, report_sha256, accepted_by)
        with writing(self.engine) as connection:
            values = {
                "digest": digest, "bundle_id": bundle_id, "version": version, "report_sha256": report_sha256,
                "accepted_by": accepted_by, "actor": step.actor, "created_time": step.time,
            }  # fmt: skip
            once(
                connection, request_id, "AcceptBundle", step.time,
                lambda: _record(connection, values, step), actor=step.actor,
            )  # fmt: skip
            return _shown(connection.execute(sa.select(ACCEPTANCE).where(ACCEPTANCE.c.digest == digest)).one())

    def all(self) -> tuple[Acceptance, ...]:
        """Return every acceptance, newest first."""
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(ACCEPTANCE).order_by(ACCEPTANCE.c.created_time.desc()))
            return tuple(_shown(row) for row in rows)


def is_accepted(connection: sa.Connection, bundle: BundleReference) -> bool:
    """Tell whether the site has accepted this build under this name and version."""
    query = sa.select(ACCEPTANCE.c.digest).where(
        ACCEPTANCE.c.digest == bundle.digest,
        ACCEPTANCE.c.bundle_id == bundle.bundle_id,
        ACCEPTANCE.c.version == bundle.version,
    )
    return connection.execute(query).first() is not None


def _refuse_incomplete(bundle_id: str, version: str, digest: str, report_sha256: str, accepted_by: str) -> None:
    for name, value in (("bundle_id", bundle_id), ("version", version), ("accepted_by", accepted_by)):
        if not value.strip() or len(value) > 64 + 64 * (name != "version"):
            raise InvalidInputError(name, "is missing or too long")
    for name, value in (("digest", digest), ("report_sha256", report_sha256)):
        if not _SHA256.fullmatch(value):
            raise InvalidInputError(name, "is no sha256 (64 hexadecimal digits)")


def _record(connection: sa.Connection, values: dict[str, Any], step: Step) -> str:
    digest = str(values["digest"])
    if connection.execute(sa.select(ACCEPTANCE.c.digest).where(ACCEPTANCE.c.digest == digest)).first() is None:
        connection.execute(ACCEPTANCE.insert().values(**values))
        audit.note(connection, "acceptance", digest, time=step.time, actor=step.actor, bundle=values["bundle_id"],
                   version=values["version"], report_sha256=values["report_sha256"],
                   accepted_by=values["accepted_by"], reason=step.reason)  # fmt: skip
    return digest


def _shown(row: sa.Row[Any]) -> Acceptance:
    return Acceptance(
        row.bundle_id, row.version, row.digest, row.report_sha256, row.accepted_by, row.actor, row.created_time
    )
