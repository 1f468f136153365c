"""Which objects, lines and notices are a patient's: by identifier through the site's map, never by name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.dicom_listener.ports.erasure import Doomed, ErasureCatalogue, Objects
from services.dicom_listener.ports.records import InstanceQuarantined, InstanceStored
from shared.domain.identity import IdentityMap, PatientIdentity

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_SHORTEST_TEXT = 4
"""Characters of an identifier that is searched as bare bytes; a shorter one is in every file."""


@dataclass(slots=True)
class Selection:
    """Collects what belongs to one patient.

    A study in which nobody else has an identifier goes as a whole, together with objects that carry none. In a study
    that several patients share, instances whose current version is the patient's go with all their versions; of
    others only the versions that named the patient.
    """

    catalogue: ErasureCatalogue
    objects: Objects
    identities: IdentityMap
    identity: PatientIdentity
    gone: list[InstanceStored] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)
    """UIDs that must be named nowhere: study, series, instance."""
    sops: set[str] = field(default_factory=set)

    def doomed(self, erasure_id: str) -> Doomed:
        """Return the list; ``before`` is still open."""
        for study in self.catalogue.studies_where(self._is_mine):
            self._take_study(study)
        quarantined = [row for row in self.catalogue.all_quarantined() if self._is_mine_in_quarantine(row)]
        self.uids.update(uid for row in quarantined for uid in (row.sop_instance_uid, row.study_instance_uid) if uid)
        self.uids |= self.studies | self.sops
        names = {row.quarantine_id for row in quarantined}
        notices = {row.notice_id for row in self.catalogue.all_notices() if self.uids & set(_UID.findall(row.text))}
        asked = [
            row for row in self.catalogue.all_commitments() if any(pair[1] in self.uids for pair in row.references)
        ]
        return Doomed(
            erasure_id=erasure_id,
            before=0,
            instances=tuple((row.sop_instance_uid, row.version, row.blob_uri) for row in self.gone),
            sops=tuple(sorted(self.sops | {row.sop_instance_uid for row in quarantined} - {""})),
            studies=tuple(sorted(self.studies)),
            touched=tuple(sorted(self.touched)),
            quarantined=tuple(sorted(names)),
            notices=tuple(sorted(notices | names)),
            commitments=tuple(sorted((row.requestor, row.transaction_uid) for row in asked)),
        )

    def _is_mine(self, patient_id: str, issuer: str) -> bool:
        return self.identities.from_dicom(patient_id, issuer) == self.identity

    def _who(self, row: InstanceStored) -> PatientIdentity | None:
        return self.identities.from_dicom(row.patient_id, row.issuer)

    def _take_study(self, study: str) -> None:
        rows = self.catalogue.versions(study)
        current = {row.sop_instance_uid: row for row in rows}
        others = {self._who(row) for row in current.values()} - {None, self.identity}
        going = [row for row in rows if not others or self.identity in (self._who(row), self._who(current[_sop(row)]))]
        self.gone += going
        staying = {_sop(row) for row in rows if row not in going}
        self.sops |= {_sop(row) for row in going} - staying
        if others:
            self.touched.add(study)
            return
        self.studies.add(study)
        self.sops.update(self.catalogue.own_outputs(study))
        self.uids.update(row.series_instance_uid for row in going)

    def _is_mine_in_quarantine(self, row: InstanceQuarantined) -> bool:
        stated = self.objects.patient_of_quarantined(row.quarantine_id)
        who = self.identities.from_dicom(*stated) if stated else None
        if who is not None:
            return who == self.identity
        if row.sop_instance_uid in self.sops or row.study_instance_uid in self.studies:
            return True
        text = self.identity.identifier
        return len(text) >= _SHORTEST_TEXT and self.objects.quarantined_contains(row.quarantine_id, text)


def digest_of(doomed: Doomed) -> str:
    """Return the digest of a list, which names nobody."""
    return _digest(f"{sop}|{version}" for sop, version, _ in doomed.instances) if doomed.instances else ""


def _digest(parts: Iterable[str]) -> str:
    ordered: Sequence[str] = sorted(parts)
    return hashlib.sha256("\n".join(ordered).encode()).hexdigest()


def _sop(row: InstanceStored) -> str:
    return row.sop_instance_uid
