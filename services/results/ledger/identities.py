"""Which identity holds now: what merges and unlinks say, as seen inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from services.results.ledger.governance_tables import PATIENT_CHANGE
from services.results.ledger.keys import Keys
from services.results.ledger.tables import CASE
from shared.domain.governance import PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import survivor
from shared.domain.study import Study

# Any constant: it names the turn of changes of patients within one PostgreSQL database.
_TURN = 0x1DE_2717
TAKEN_BACK = "corrected"
"""Stands for the version of a study whose patient's identifier was corrected: whose its images are is open."""
ERASED = "#erased"
"""Stands for the authority where an erasure left the audit's name of a patient for the identifier."""
RETIRED = "PatientID: merged into a record that was erased"
_LINKS = (PatientChangeKind.MERGE.value, PatientChangeKind.UNLINK.value)


def hold_still(connection: sa.Connection, *, changing: bool = False) -> None:
    """Until the transaction ends no identity changes, or (``changing``) nobody else relies on any: take it first.

    A case opened beside a merge would else stay under the identity that ended. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        shared = "" if changing else "_shared"
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock{shared}(:turn)"), {"turn": _TURN})


@dataclass(frozen=True, slots=True)
class Links:
    """The merges that hold. What an erasure left of one is keyed: ``ERASED``, and the audit's name."""

    connection: sa.Connection
    keys: Keys
    known: tuple[PatientIdentity, ...] = ()
    """Identities at hand, by which a keyed end of a merge is told."""

    def surviving(self, identity: PatientIdentity) -> PatientIdentity:
        """Return the identity that holds now; keyed where it was erased and has not come again."""
        return survivor(identity, self.merged_into)

    def merged_into(self, identity: PatientIdentity) -> PatientIdentity | None:
        """Return the identity that ``identity`` was merged into, in one step; None where it was not."""
        mine = [_from(PATIENT_CHANGE, one) for one in {identity, self.keyed(identity)}]
        query = sa.select(PATIENT_CHANGE).where(sa.or_(*mine), PATIENT_CHANGE.c.kind.in_(_LINKS))
        last = self.connection.execute(query.order_by(PATIENT_CHANGE.c.change_id.desc()).limit(1)).first()
        if last is None or last.kind != PatientChangeKind.MERGE:
            return None
        into = PatientIdentity(last.to_authority, last.to_identifier)
        return self._named(into) if into.authority == ERASED else into

    def group(self, identity: PatientIdentity) -> tuple[PatientIdentity, ...]:
        """Return everybody who is one patient with ``identity`` now, the one that holds first."""
        holds = self.surviving(identity)
        table = PATIENT_CHANGE.c
        query = sa.select(table.from_authority, table.from_identifier).where(table.kind == PatientChangeKind.MERGE)
        ended = {PatientIdentity(*row) for row in self.connection.execute(query.distinct())}
        others = {one for one in ended if one.authority != ERASED and self.surviving(one) == holds} | {identity}
        return (holds, *sorted(others - {holds}, key=repr))

    def keyed(self, identity: PatientIdentity) -> PatientIdentity:
        """Return what an erasure leaves of an identity in the merges."""
        if identity.authority == ERASED:
            return identity
        return PatientIdentity(ERASED, self.keys.patient(identity))

    def _named(self, keyed: PatientIdentity) -> PatientIdentity:
        query = sa.select(CASE.c.authority, CASE.c.identifier).where(CASE.c.patient == keyed.identifier)
        row = self.connection.execute(query.where(CASE.c.authority != "").limit(1)).first()
        at_hand = next((one for one in self.known if self.keyed(one) == keyed), None)
        return at_hand or (PatientIdentity(*row) if row else keyed)


def forget(links: Links, group: tuple[PatientIdentity, ...], word: str) -> None:
    """Key what the merges say about a group of identities: later input still finds where they went."""
    for one in group:
        keyed = links.keyed(one)
        for side in ("from", "to"):
            authority, identifier = PATIENT_CHANGE.c[f"{side}_authority"], PATIENT_CHANGE.c[f"{side}_identifier"]
            mine = PATIENT_CHANGE.update().where(authority == one.authority, identifier == one.identifier)
            values = {authority.name: keyed.authority, identifier.name: keyed.identifier, "message": word}
            links.connection.execute(mine.values(values))


def attributed(links: Links, study: Study) -> Study:
    """Return the study under the identity that holds now; its images keep the one they were made with."""
    if study.identity is None:
        return study
    holds = links.surviving(study.identity)
    if holds.authority == ERASED:
        return replace(study, conflicts=(*study.conflicts, RETIRED))
    return study if holds == study.identity else replace(study, identity=holds)


def _from(table: sa.Table, one: PatientIdentity) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.from_authority == one.authority, table.c.from_identifier == one.identifier)
