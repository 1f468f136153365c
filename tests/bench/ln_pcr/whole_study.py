"""A study of 5 phases x 120 slices in a blob store, and the two processes it goes through, put together in this one."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.inference.adapters.studies import JailedReader, StoredArtefacts, StoredStudies
from services.inference.handlers.answer_images import AnswerImages
from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.slice_pixels import LIMITS, SlicePixels
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.parts import CLASSES
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.taking_back import Withdrawal
from services.results.ledger.findings import Finding
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.keys import load_keys
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.domain.case import Claim, FindingKind, PinnedBundle, Pins, ReviewState
from shared.domain.identity import Side
from shared.domain.images import ImagingPolicy
from shared.domain.prediction import Prediction
from shared.domain.study import Instance, Study
from shared.jail.jail import Jail
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.scanners import full_scanner
from shared.phantoms.dce.segmentation import segmentation_object
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.dce.writing import encoded
from shared.phantoms.modules import PatientAttributes
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import Model
from shared.radiomics.engine import installed_engine
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings, pins
from tests.variant_bundles import bundle_id, variant_bundles

CLINICAL = "ln_pcr-clinical-published"
PHASES, SLICES, MATRIX = 5, 120, 256


@dataclass(frozen=True)
class Opened:
    """Opened once, before anything is timed."""

    models: dict[str, Model]

    def open(self, name: str, _digest: str) -> Model:
        """Return the model of a bundle."""
        return next(one for one in self.models.values() if one.reference.bundle_id == name)


@dataclass(frozen=True)
class WholeStudy:
    """The study, and what is asked about it."""

    blobs: LocalBlobs
    study: Study
    pins: Pins
    opened: Opened
    about: Finding

    @classmethod
    def simulated(cls, folder: Path, *, slices: int = SLICES, matrix: int = MATRIX) -> WholeStudy:
        """Simulate the study with a drawn region and store it."""
        blobs = LocalBlobs(folder / "blobs")
        about = Findings(blobs).prediction()
        patient = PatientAttributes(about.identity.identifier, "", "SIMULATED^PATIENT", about.demographics.birth_date)
        one = scan(draw_cohort(2, 1), 0, scanners=(full_scanner(slices=slices, matrix=matrix),), phases=PHASES)
        label = StudyLabel("bench whole study", patient)
        dynamic = dynamic_objects(one.study, label)
        rows = []
        for document in (*dynamic, segmentation_object(one.study, label, dynamic)):
            uri, digest = blobs.put(encoded(document))
            uids = (str(document.SOPInstanceUID), str(document.SOPClassUID), str(document.SeriesInstanceUID))
            rows.append(Instance(*uids, str(document.Modality), digest, "0" * 64, uri))
        study = replace(about.study, study_instance_uid=label.study_uid, instances=tuple(rows))
        opened = opened_models(*variant_bundles(folder))
        first, second, last = (
            opened.models[name].reference for name in ("clinical_dlr", "clinical_radiomics", "clinical")
        )
        asked = replace(
            pins(study), study_instance_uid=label.study_uid, variant="clinical_dlr", bundle_id=first.bundle_id,
            bundle_digest=first.digest, side=None, imaging=ImagingPolicy(),
            others=(PinnedBundle("clinical_radiomics", second), PinnedBundle("clinical", last)),
        )  # fmt: skip
        return cls(blobs, study, asked, opened, about)

    def answerer(self, device_uid: str = "2.25.1") -> AnswerImages:
        """Return what the inference worker uses, jail and all."""
        studies = StoredStudies(self.blobs, JailedReader(device_uid))
        artefacts = StoredArtefacts(self.blobs.root)
        return AnswerImages(self.opened, studies, artefacts, installed_engine, nullcontext, lambda: None)

    def renderer(self, opened: ExitStack) -> ArchiveObjects:
        """Return what the delivery process uses, jail and all."""
        jail = Jail((FRAME_PIXELS,), LIMITS)
        opened.callback(jail.close)
        look = SourceImages(self.blobs, SlicePixels(jail, self.blobs))
        return ArchiveObjects(SourceHeaders(self.blobs), look, STYLE, Withdrawal("sr", "quality"))

    def claim(self) -> Claim:
        """Return the claim a worker would have."""
        return Claim("case-whole", 1, 60.0, "ln_pcr", self.pins)

    def finding(self, answer: Prediction) -> Finding:
        """Return the finding the ledger would make of an answer."""
        return Finding(
            "f1", "case-whole", "ln_pcr", 1, FindingKind.PREDICTION, "0" * 64, datetime(2026, 3, 1, tzinfo=UTC),
            self.about.identity, self.study, Side.LEFT, ReviewState.NOT_REQUIRED, self.pins, answer,
        )  # fmt: skip


STYLE = Style("2.25.1", "2.25.1.1", timedelta(days=90), pictures=tuple(CLASSES))
PREDICTOR = LnPcr()


def opened_models(bundles: Path, keys: Path) -> Opened:
    """Open the bundles of all variants: small ones, signed here; the time of a full network is ``resnet3d50``."""
    own = Catalog.load([bundles], load_keys([keys]))
    names = {variant: bundle_id(variant) for variant in ("clinical_dlr", "clinical_radiomics")}
    models = {variant: own.open(name, own.find(name).reference.digest) for variant, name in names.items()}
    shipped = installed_catalog()
    models["clinical"] = shipped.open(CLINICAL, shipped.find(CLINICAL).reference.digest)
    return Opened(models)
