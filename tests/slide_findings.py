"""Findings about slides for tests: one typed answer with patches and an overview in a blob store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.results.deliver.formats.slide_basis import counted_patches
from services.results.ledger.findings import Finding
from shared.domain.case import FindingKind, Pins, ReviewState
from shared.domain.identity import Demographics, PatientIdentity, Sex
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.prediction import (
    BundleReference,
    Flag,
    IntendedUse,
    NotAnalysed,
    NotAnalysedReason,
    Outcome,
    Prediction,
    UsedInput,
)
from shared.domain.slide_answers import (
    CropAnswer,
    GradeCount,
    GradientPoint,
    LevelShare,
    QualityRow,
    SlideAnswer,
    SlideLevel,
    StainVectors,
    Term,
)
from shared.domain.slides import (
    AreaReading,
    Cropping,
    Exclusion,
    PinnedSlide,
    Point,
    PyramidLevel,
    ReadBy,
    Resolution,
    ResolutionSource,
    Scanner,
    Slide,
    SlidePolicy,
    Specimen,
)
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study
from shared.pathology.grid import CropGrid, crop_grid
from shared.pathology.patch_bytes import encode_patches
from shared.pathology.patch_table import PatchTable
from shared.storage.blobs import LocalBlobs

MADE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
IDENTITY = PatientIdentity("hospital", "PAT-0042")
WIDTH, HEIGHT, MICRONS = 4096, 3072, 0.5
SIDE_UM = 128.0
SCORE, INTERVAL, PROBABILITY = 0.2312345678, (0.2104, 0.2475), 0.6123456789
SHARES = (0.0, 0.0, 0.012, 0.951, 0.037)
BUNDLE = "her2-tl_pa-demonstration"
OUTCOME = Outcome(
    "her2_positive",
    "HER2-positive by IHC/ISH (3+ or 2+ with FISH amplification)",
    "her2_negative",
    "HER2-negative by IHC/ISH",
    favourable=False,
)
REGION = Exclusion(
    (Point(1300, 800), Point(1900, 800), Point(1900, 1500), Point(1300, 1400)),
    "path.meyer", "Necrosis & crush artefact", MADE - timedelta(minutes=5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlideFindings:
    """Builds findings about one slide; artefacts are written into ``blobs``, the same bytes every time."""

    blobs: LocalBlobs
    frame_of_reference_uid: str = ""
    instances: tuple[Instance, ...] = ()
    """Of a slide that came as DICOM."""

    def prediction(self, answer: SlideAnswer | None = None, *, use: IntendedUse = IntendedUse.DEMONSTRATION) -> Finding:
        """Return a first revision that answers."""
        study = self.study()
        said = Prediction(
            "her2", "tl_pa", BundleReference(BUNDLE, "1.0.0", "5e" * 32, use), OUTCOME, PROBABILITY,
            (UsedInput("score", repr((answer or slide_answer()).score), "slide"),),
            flags=(Flag("unknown_scanner", "No calibration is known for this scanner."),),
            runtime="onnxruntime 1.20 CPU", precision="float32", slide=answer or slide_answer(),
            artefacts=self.artefacts(),
        )  # fmt: skip
        return Finding(
            "f1", "case-7", "her2", 1, FindingKind.PREDICTION, "a7" * 32, MADE, IDENTITY, study, None,
            ReviewState.NOT_REQUIRED, pins(study), said,
        )  # fmt: skip

    def not_analysed(self) -> Finding:
        """Return a first revision that could not answer."""
        refusal = NotAnalysed(
            "her2", NotAnalysedReason.RESOLUTION_UNKNOWN, "The slide does not say how many micrometres a pixel has."
        )
        return replace(
            self.prediction(), kind=FindingKind.NOT_ANALYSED, result_key="b7" * 32, pins=None, prediction=None,
            not_analysed=refusal,
        )  # fmt: skip

    def withdrawal(self, earlier: Finding) -> Finding:
        """Return the next revision, which takes the earlier one back."""
        return replace(
            earlier, finding_id=f"f{earlier.revision + 1}", revision=earlier.revision + 1, result_key="d7" * 32,
            kind=FindingKind.WITHDRAWN, pins=None, prediction=None, not_analysed=None,
            reason="The order was withdrawn.",
        )  # fmt: skip

    def study(self) -> Study:
        """Return the study of one file slide, or of a DICOM slide where its frame of reference is given."""
        complete = Completeness(CompletenessEvidence.WRITER_FINISHED, "size and time stable", MADE)
        file = Instance("2.25.11", "", "2.25.10", "SM", "c4" * 32, "0" * 64, "file:///slides/a.svs")
        return Study(
            "2.25.9", IDENTITY, Demographics(date(1971, 4, 5), Sex.FEMALE), date(2026, 3, 1), "BREAST", None,
            self.instances or (file,), complete, "scanner", slide=slide(self.frame_of_reference_uid),
        )  # fmt: skip

    def artefacts(self) -> tuple[Artefact, ...]:
        """Return the stored patches and overview."""
        rows = ((ArtefactKind.PATCHES, encode_patches(patches())), (ArtefactKind.OVERVIEW, overview()))
        stored = [(kind, *self.blobs.put(content)) for kind, content in rows]
        return tuple(Artefact(kind, uri, digest) for kind, uri, digest in stored)


def indeterminate() -> SlideAnswer:
    """Return an answer that states no level."""
    return replace(
        slide_answer(), score_interval=(0.17, 0.24), levels=_shares((0.0, 0.0, 0.41, 0.55, 0.04)),
        indeterminate="The interval of the score crosses .20, where the advice would change.",
    )  # fmt: skip


def slide_answer() -> SlideAnswer:
    """Return an answer with everything an answer can have."""
    grid = patch_grid()
    return SlideAnswer(
        SCORE, SlideLevel.RESEMBLES_2_FISH_POSITIVE, 0.4375, _shares(SHARES),
        (
            CropAnswer(Cropping.MICROMETRES, grid.side_px, grid.side_um, int(counted().sum()), tumour_count(), SCORE,
                       SlideLevel.RESEMBLES_2_FISH_POSITIVE),
            CropAnswer(Cropping.PAPER, 57, 28.5, 2210, 690, 0.1911, SlideLevel.RESEMBLES_2_FISH_NEGATIVE),
        ),
        (
            Term("N[p > 0.33]", AreaReading.TUMOUR, "Tumour patches only."),
            Term("0.3 * Area_tumour", "floor", "Rounded down."),
        ),
        StainVectors("vahadane", (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), 38.2),
        (GradeCount("I", 12), GradeCount("II", 9), GradeCount("III", 4), GradeCount("IV", 2), GradeCount("V", 1)),
        (
            QualityRow("tissue", checked=True, area_mm2=2.75, share=0.87),
            QualityRow("blur", checked=True, area_mm2=0.12, share=0.04, patches=2, score_without=0.2288),
            QualityRow("pen", checked=True),
            QualityRow("fold", checked=False, text="The overview is too coarse."),
        ),
        INTERVAL, "",
        (GradientPoint(-100.0, 0.2, 3), GradientPoint(50.0, 0.4, 10), GradientPoint(250.0, 0.5, 7)), 0.42,
        "No calibration record is known for this scanner.", (REGION,),
    )  # fmt: skip


def slide(frame_of_reference_uid: str = "") -> Slide:
    """Return the glass."""
    return Slide(
        Specimen("S26-1234", "S26-1234-A", "A2", "A2-3"),
        "dicom" if frame_of_reference_uid else "aperio", WIDTH, HEIGHT,
        (PyramidLevel(WIDTH, HEIGHT, 1.0), PyramidLevel(1024, 768, 4.0), PyramidLevel(256, 192, 16.0)),
        ReadBy("openslide 4.0.1"), Scanner("Leica Biosystems", "GT450"), "c4" * 32, "lis|P-77",
        Resolution(MICRONS, MICRONS, ResolutionSource.VENDOR, objective_power=20.0), "he", "breast", False, "icc",
        container="B-000123", frame_of_reference_uid=frame_of_reference_uid, placer="P-77",
        placer_authority=("LIS", "1.2.840.99", "ISO"),
    )  # fmt: skip


def pins(study: Study) -> Pins:
    """Return what the answer rests on."""
    found = study.slide
    assert found is not None
    return Pins(
        IDENTITY, study.study_instance_uid, study.study_date, None, "tl_pa", BUNDLE, "5e" * 32, (), (), (), MADE,
        slide=PinnedSlide(found, SlidePolicy(sensitivity=True), exclusions=(REGION,)),
    )  # fmt: skip


def patch_grid() -> CropGrid:
    """Return the grid that made the result."""
    return crop_grid(Cropping.MICROMETRES, WIDTH, HEIGHT, MICRONS, SIDE_UM)


def patches() -> PatchTable:
    """Return patches of a tumour in the middle of the tissue; some lie in the region that was left out."""
    grid = patch_grid()
    rng = np.random.default_rng(11)
    place = np.arange(len(grid))
    x, y = place % grid.columns, place // grid.columns
    tissue = (x - grid.columns / 2) ** 2 / 40 + (y - grid.rows / 2) ** 2 / 20 < 1
    index = place[tissue].astype(np.int32)
    inside = (x[tissue] - 8) ** 2 + (y[tissue] - 6) ** 2 < 9
    raw = rng.random((len(index), 3)) + np.where(inside[:, None], [0.0, 0.8, 1.4], [1.6, 0.3, 0.2])
    return PatchTable(
        grid, index, (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32),
        np.full(len(index), 0.9, np.float32), (rng.random(len(index)) < 0.1).astype(np.uint8),
        rng.random((len(index), 2, 2)).astype(np.float16), WIDTH, HEIGHT, MICRONS,
    )  # fmt: skip


def tumour_count() -> int:
    """Return how many of the patches are tumour, and counted."""
    return int(((patches().probabilities.argmax(axis=1) > 0) & counted()).sum())


def counted() -> NDArray[np.bool_]:
    """Return which patches count: not those in the region that was left out."""
    return counted_patches(patches(), (REGION,))


def overview() -> bytes:
    """Return a PNG of the slide at 8 micrometres a pixel."""
    stream = BytesIO()
    Image.fromarray(overview_pixels(), "RGB").save(stream, "PNG")
    return stream.getvalue()


def overview_pixels() -> NDArray[np.uint8]:
    """Return pink tissue on white glass."""
    rows, columns = round(HEIGHT * MICRONS / 8), round(WIDTH * MICRONS / 8)
    y, x = np.mgrid[0:rows, 0:columns]
    tissue = ((x - columns / 2) / (columns / 2.4)) ** 2 + ((y - rows / 2) / (rows / 2.6)) ** 2 < 1
    return np.where(tissue[..., None], np.array([222, 170, 205]), np.array([244, 243, 245])).astype(np.uint8)


def _shares(values: tuple[float, ...]) -> tuple[LevelShare, ...]:
    return tuple(LevelShare(level, share) for level, share in zip(SlideLevel, values, strict=True))
