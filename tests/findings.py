"""Findings for tests: a study with real DICOM objects in a blob store, and what was found about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from services.results.ledger.findings import Finding, Predecessor
from shared.domain.case import FindingKind, PinnedInput, PinnedInstance, Pins, ReviewState
from shared.domain.facts import Fact, FactName, FactStatus, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Sex, Side
from shared.domain.prediction import (
    Alternative,
    BundleReference,
    Flag,
    IntendedUse,
    NotAnalysed,
    NotAnalysedReason,
    Outcome,
    Prediction,
    UsedInput,
)
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study
from shared.storage.blobs import LocalBlobs

MADE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
IDENTITY = PatientIdentity("hospital", "PAT-0042")
PROBABILITY = 0.5314159265358979
BUNDLE = "ln_pcr-clinical-published"
STUDY_UID = "1.2.826.0.1.3680043.10.1490.77.1"
OUTCOME = Outcome(
    "axillary_pcr",
    "Pathologic complete response of the axillary lymph nodes (no residual nodal disease)",
    "residual_nodal_disease",
    "Residual nodal disease",
    favourable=True,
)
NOTE = Flag("note", "No start of therapy is on record.")


@dataclass(frozen=True, slots=True)
class Findings:
    """Builds findings about one study whose objects lie in ``blobs``."""

    blobs: LocalBlobs
    slices: int = 3

    def study(self) -> Study:
        """Return the study; its objects are written on the way (the same bytes every time)."""
        complete = Completeness(CompletenessEvidence.ASSOCIATION_RELEASED, "association released", MADE)
        return Study(
            STUDY_UID, IDENTITY, Demographics(date(1971, 4, 5), Sex.FEMALE), date(2026, 3, 1), "BREAST", Side.LEFT,
            tuple(self._instance(number) for number in range(1, self.slices + 1)), complete, "MODALITY",
        )  # fmt: skip

    def prediction(self, *, probability: float = PROBABILITY, use: IntendedUse = IntendedUse.DEMONSTRATION) -> Finding:
        """Return a first revision that answers."""
        study = self.study()
        return Finding(
            "f1", "case-1", "ln_pcr", 1, FindingKind.PREDICTION, "a1" * 32, MADE, IDENTITY, study, Side.LEFT,
            ReviewState.NOT_REQUIRED, pins(study), answer(probability, use),
        )  # fmt: skip

    def not_analysed(self) -> Finding:
        """Return a first revision that could not answer."""
        refusal = NotAnalysed(
            "ln_pcr",
            NotAnalysedReason.MISSING_INPUT,
            "The HER2 status of the left tumour is missing.",
            answer().inputs[:1],
        )
        return replace(
            self.prediction(), kind=FindingKind.NOT_ANALYSED, result_key="b2" * 32, pins=None, prediction=None,
            not_analysed=refusal,
        )  # fmt: skip

    def later(self, earlier: Finding, *, probability: float = 0.25, key: str = "c3") -> Finding:
        """Return the next revision, with another answer."""
        return replace(
            earlier, finding_id=f"f{earlier.revision + 1}", revision=earlier.revision + 1,
            result_key=_next_key(earlier, key),
            created_time=earlier.created_time + timedelta(hours=1), kind=FindingKind.PREDICTION, not_analysed=None,
            pins=pins(earlier.study), prediction=answer(probability), reason="The HER2 status arrived.",
        )  # fmt: skip

    def withdrawal(self, earlier: Finding) -> Finding:
        """Return the next revision, which takes the earlier one back."""
        return replace(
            earlier, finding_id=f"f{earlier.revision + 1}", revision=earlier.revision + 1,
            result_key=_next_key(earlier, "d4"),
            kind=FindingKind.WITHDRAWN, pins=None, prediction=None, not_analysed=None,
            reason="The bundle was recalled.",
        )  # fmt: skip

    def _instance(self, number: int) -> Instance:
        data = mr_slice(number)
        uri, digest = self.blobs.put(encoded(data))
        return Instance(data.SOPInstanceUID, data.SOPClassUID, data.SeriesInstanceUID, "MR", digest, "0" * 64, uri)


def _next_key(earlier: Finding, salt: str) -> str:
    return hashlib.sha256(f"{earlier.result_key}/{salt}".encode()).hexdigest()


def left_behind(finding: Finding, object_id: str, location: str = "") -> Predecessor:
    """Return what ``finding`` left at a sink."""
    return Predecessor(finding.finding_id, finding.revision, finding.kind, object_id, location)


def answer(probability: float = PROBABILITY, use: IntendedUse = IntendedUse.DEMONSTRATION) -> Prediction:
    """Return a typed answer with inputs, flags and an alternative."""
    return Prediction(
        "ln_pcr", "clinical", BundleReference(BUNDLE, "1.0.0", "5e" * 32, use), OUTCOME, probability,
        (
            UsedInput("er", "positive", "Observation/er", "1", "2026-02-20"),
            UsedInput("her2", "negative", "Observation/her2", "1", "2026-02-20"),
            UsedInput("t", "3", "Observation/ct", "1", "2026-02-22"),
        ),
        flags=(Flag("no_interval", "No interval: the paper publishes no covariance of its coefficients."), NOTE),
        alternatives=(Alternative("her2=low", 0.4412345),), runtime="onnxruntime 1.20 CPU", precision="float64",
    )  # fmt: skip


def pins(study: Study) -> Pins:
    """Return what the answer rests on."""
    tumour = Tumour("Condition/tumour", Side.LEFT)
    rows = (
        (FactName.ESTROGEN_RECEPTOR, "positive", "er", date(2026, 2, 20)),
        (FactName.HER2_INTERPRETATION, "negative", "her2", date(2026, 2, 20)),
        (FactName.CLINICAL_T, "T3", "ct", date(2026, 2, 22)),
    )
    facts = tuple(
        Fact(key, name, value, "", None, day, MADE, FactStatus.FINAL, f"Observation/{key}", "1", tumour)
        for name, value, key, day in rows
    )
    instances = tuple(
        PinnedInstance(
            row.sop_instance_uid, row.sop_class_uid, row.series_instance_uid, row.content_digest, row.identity_digest,
            row.blob_uri,
        )
        for row in study.instances
    )  # fmt: skip
    inputs = (
        PinnedInput("er", "positive", ("er",)),
        PinnedInput("her2", "negative", ("her2",)),
        PinnedInput("t", "3", ("ct",)),
    )
    return Pins(
        IDENTITY, study.study_instance_uid, study.study_date, Side.LEFT, "clinical", BUNDLE, "5e" * 32,
        inputs, facts, instances, MADE,
    )  # fmt: skip


def mr_slice(number: int) -> Dataset:
    """Return a small MR image (PS3.3 A.4) of an invented patient, the same for the same number."""
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 100"
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, f"{STUDY_UID}.2.{number}"
    data.StudyInstanceUID, data.SeriesInstanceUID = STUDY_UID, f"{STUDY_UID}.2"
    data.FrameOfReferenceUID = f"{STUDY_UID}.3"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = (
        "Müster^Änne",
        "PAT-0042",
        "19710405",
        "F",
    )
    data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20260301", "081500", "S1", "ACC-7"
    data.ReferringPhysicianName, data.Modality, data.Manufacturer = "", "MR", "Phantom"
    data.SeriesNumber, data.InstanceNumber, data.Laterality = 2, number, "L"
    data.ImageType, data.ScanningSequence, data.SequenceVariant = ["ORIGINAL", "PRIMARY", "OTHER"], "GR", "SP"
    data.ScanOptions, data.MRAcquisitionType, data.EchoTime, data.EchoTrainLength = "", "3D", "2.4", 1
    data.RepetitionTime, data.PositionReferenceIndicator = "5.1", ""
    data.PixelSpacing, data.SliceThickness = [1.0, 1.0], 2.0
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2.0 * number]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.Rows, data.Columns = 1, "MONOCHROME2", 4, 4
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = bytes([number % 256]) * 32
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def encoded(data: Dataset) -> bytes:
    """Return the DICOM file."""
    stream = BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
