"""Studies to send: encoded once each, every further object is the same bytes with another UID and other pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.uid import UID

from shared.phantoms.blob import blob_volume
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.testing.dicom import data_set_bytes
from tests.patients import BIRTH_DATE, STUDY_DATE, Someone
from tests.system import ISSUER

_COLUMNS = 64
_FIRST = 10**30
_NAME, _CORRECTED = b"SIMULATED^PATIENT", b"CORRECTED^PATIENT"
_TEMPLATE = UID(f"2.25.{_FIRST}")


@dataclass(frozen=True, slots=True)
class Instance:
    """One object to send."""

    sop_instance_uid: str
    data_set: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.data_set).digest()


@dataclass(frozen=True, slots=True)
class StudyToSend:
    """One study of one patient; the objects are made when they are asked for."""

    someone: Someone
    count: int
    size_bytes: int
    corrected: bool = False
    """Every object comes once more, with the patient's corrected name: the version that must be current in the end."""

    @property
    def study_uid(self) -> str:
        return self.someone.study_uid

    def instances(self) -> Iterator[Instance]:
        """Yield the objects in order; the same every time."""
        template = self._template()
        middle = len(template) - self.size_bytes // 2
        for index in range(self.count):
            uid = f"2.25.{_FIRST + self.someone.number * 10**6 + index + 1}"
            pixels = hashlib.sha256(uid.encode()).digest()[:16]
            content = template.replace(_TEMPLATE.encode(), uid.encode())
            yield Instance(uid, content[:middle] + pixels + content[middle + 16 :])

    def corrections(self) -> Iterator[Instance]:
        """Yield the corrected objects, where there are any: same UIDs and pixels, another name."""
        if self.corrected:
            for one in self.instances():
                yield Instance(one.sop_instance_uid, one.data_set.replace(_NAME, _CORRECTED))

    def _template(self) -> bytes:
        rows = max(2, self.size_bytes // (2 * _COLUMNS))
        name = self.someone.identifier
        attributes = PatientAttributes(name, ISSUER, _NAME.decode(), BIRTH_DATE)
        described = StudyAttributes(seed=name, study_date=STUDY_DATE)
        volume = blob_volume((1, rows, _COLUMNS), seed=self.someone.number)
        (image,) = mr_series(volume, VolumeGeometry(1.0, 1.0, 2.0), attributes, described)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = _TEMPLATE
        return data_set_bytes(image)
