"""What every object of a simulated study says of the patient, the study, the series and the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian

from shared.domain.identity import Side
from shared.phantoms.dce.scanners import Scanner
from shared.phantoms.modules import PatientAttributes, coded, date_and_time, derived_uid, describe_patient, file_meta

_SIDES = {Side.LEFT: "L", Side.RIGHT: "R"}


@dataclass(frozen=True, slots=True)
class StudyLabel:
    """Who and when: names nobody. UIDs are derived from ``seed``: the same seed, the same bytes."""

    seed: str
    patient: PatientAttributes = field(default_factory=PatientAttributes)
    injected: datetime = datetime(2026, 1, 15, 9, 30)  # noqa: DTZ001  # DICOM times are the scanner's own
    accession_number: str = "ACC1"
    side: Side | None = None
    """Laterality of the series; None: both breasts, sent without a value (type 2C)."""

    @property
    def study_uid(self) -> str:
        """Return Study Instance UID."""
        return derived_uid(self.seed)

    @property
    def frame_of_reference_uid(self) -> str:
        """Return Frame of Reference UID: one for the whole study."""
        return derived_uid(self.seed, "frame of reference")

    def at(self, seconds: float) -> datetime:
        """Return the time so many seconds after the injection."""
        return self.injected + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class SeriesLabel:
    """One series."""

    number: int
    description: str
    began: datetime


def described(label: StudyLabel, series: SeriesLabel, scanner: Scanner, sop_class: UID, *instance: object) -> Dataset:
    """Return a data set with the modules all objects share (PS3.3 C.7.1 to C.7.5, C.12.1) and file meta information."""
    one = Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.SOPClassUID = sop_class
    one.SOPInstanceUID = derived_uid(label.seed, series.number, *instance)
    describe_patient(one, label.patient)
    _study(one, label)
    one.Modality = "MR"
    one.SeriesInstanceUID = derived_uid(label.seed, series.number)
    one.SeriesNumber = series.number
    one.SeriesDescription = series.description
    one.SeriesDate, one.SeriesTime = date_and_time(series.began)
    one.PatientPosition = "HFP"
    one.BodyPartExamined = "BREAST"
    one.Laterality = _SIDES.get(label.side, "") if label.side else ""
    one.FrameOfReferenceUID = label.frame_of_reference_uid
    one.PositionReferenceIndicator = ""
    _machine(one, scanner)
    one.file_meta = file_meta(one, ExplicitVRLittleEndian)
    return one


def breast_code() -> Sequence:
    """Return Anatomic Region Sequence: breast (CID 4030)."""
    return Sequence([coded(codes.SCT.Breast)])


def _study(one: Dataset, label: StudyLabel) -> None:
    one.StudyInstanceUID = label.study_uid
    one.StudyDate, one.StudyTime = date_and_time(label.at(-600.0))
    one.StudyID = "1"
    one.AccessionNumber = label.accession_number
    one.ReferringPhysicianName = ""
    one.StudyDescription = "SIMULATED MR BREAST"


def _machine(one: Dataset, scanner: Scanner) -> None:
    one.Manufacturer = scanner.manufacturer
    one.ManufacturerModelName = "SIMULATED"
    one.DeviceSerialNumber = "0"
    one.SoftwareVersions = "1"
    one.MagneticFieldStrength = f"{scanner.field_tesla:g}"
