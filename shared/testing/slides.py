"""Builders of slides, of what is pinned about them, and of what a network may have said of their patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.case import PinnedInstance, Pins
from shared.domain.prediction import BundleReference, IntendedUse, Outcome
from shared.domain.slide_answers import QualityRow
from shared.domain.slides import (
    Cropping,
    PinnedSlide,
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
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract, StainReference
from shared.pathology.patch_table import PatchTable
from shared.pathology.stain_fit import StainFit
from shared.predictors.contract import SlideMeasured
from shared.predictors.her2.gate import pass_gate
from shared.predictors.slides import PatchLooks, SlideContract
from shared.testing.cases import PATIENT, START, a_study, some_facts

BUNDLE = BundleReference("her2-tl_pa-test", "1.0.0", "d" * 64, IntendedUse.DEMONSTRATION)
OUTCOME = Outcome(
    "her2_positive", "HER2-positive by IHC/ISH (3+ or 2+ with FISH amplification)", "her2_negative",
    "HER2-negative by IHC/ISH", favourable=False,
)  # fmt: skip
STAIN = StainReference((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (1.9, 1.0))
CONTRACT = SlideContract(
    PatchContract(128.0, 32, 500.0, 0.5, STAIN, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 2, "mean colour"), 1.0,
    ("Leica Aperio AT2",),
)  # fmt: skip
FIT = StainFit(np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]]), np.array([1.9, 1.0]), 0.05, 40.0, "vahadane")
CHECKED = (
    QualityRow("tissue", checked=True, area_mm2=30.0, share=0.25),
    QualityRow("blur", checked=True),
    QualityRow("pen", checked=True),
    QualityRow("fold", checked=False, text="not looked for"),
)


def a_slide(**changes: Any) -> Slide:
    """Return a slide of breast, stained with H&E, that passed the metadata gate."""
    slide = Slide(
        Specimen("S26-1", "S26-1-A", "A1", "A1-1"), "generic-tiff", 8192, 8192, (PyramidLevel(8192, 8192, 1.0),),
        ReadBy("openslide 4.0.1"), Scanner("Leica", "Aperio AT2"), "5" * 64, "hl7 LIS/1",
        Resolution(0.5, 0.5, ResolutionSource.TIFF), "he", "breast",
        after_therapy=False, colour="as stored", container="S26-1-A1-1",
    )  # fmt: skip
    return replace(slide, **changes)


def a_slide_study(slide: Slide | None = None, **changes: Any) -> Study:
    """Return the question about one slide of ``PATIENT``, a file in a scanner's folder."""
    glass = slide or a_slide()
    file = Instance("2.25.7", "", "2.25.8", "SM", "5" * 64, "6" * 64, "file:///slides/one.tiff")
    done = Completeness(CompletenessEvidence.WRITER_FINISHED, "size and time stood still for 10 s", START)
    study = replace(
        a_study(), study_instance_uid="2.25.9", body_part="", instances=(file,), completeness=done,
        sender="slide_ingestion", slide=glass,
    )  # fmt: skip
    return replace(study, **changes)


def slide_pins(slide: PinnedSlide | None = None, **changes: Any) -> Pins:
    """Return pins of ``a_slide_study``."""
    glass = slide or PinnedSlide(a_slide(), SlidePolicy())
    study = a_slide_study(glass.slide)
    ready = pass_gate(study, replace(some_facts(), facts=()))
    files = tuple(
        PinnedInstance(
            i.sop_instance_uid, i.sop_class_uid, i.series_instance_uid, i.content_digest, i.identity_digest, i.blob_uri
        )
        for i in study.instances
    )  # fmt: skip
    pins = Pins(
        PATIENT, study.study_instance_uid, study.study_date, ready.side, ready.variant, BUNDLE.bundle_id, BUNDLE.digest,
        ready.inputs, (), files, START, ready.notes, BUNDLE.intended_use, study.demographics, BUNDLE.version,
        slide=glass,
    )  # fmt: skip
    return replace(pins, **changes)


def a_grid(columns: int = 40, rows: int = 40, cropping: Cropping = Cropping.MICROMETRES) -> CropGrid:
    """Return a grid of patches of 128 micrometres at half a micrometre a pixel."""
    return CropGrid(cropping, 256, 128.0, columns, rows)


def a_table(
    positive: NDArray[np.floating], *, tumour: NDArray[np.bool_] | None = None, tissue: NDArray[np.bool_] | None = None,
    cropping: Cropping = Cropping.MICROMETRES, artefacts: NDArray[np.uint8] | None = None,
) -> PatchTable:  # fmt: skip
    """Return a table from maps of (rows, columns).

    Args:
        positive: p of HER2+ of each patch.
        tumour: Which are tumour; everywhere unless stated. What is left of 1 goes to the class that makes it so; where
            that is not enough, p is cut to .45.
        tissue: Which have tissue; everywhere unless stated.
        cropping: What the grid says of itself.
        artefacts: Bits of each patch; none unless stated.
    """
    rows, columns = positive.shape
    keep = np.ones(positive.shape, dtype=np.bool_) if tissue is None else tissue
    is_tumour = np.ones(positive.shape, dtype=np.bool_) if tumour is None else tumour
    p = np.where(is_tumour, positive, np.minimum(positive, 0.45))[keep].astype(np.float32)
    rest = np.float32(1.0) - p
    negative = np.where(is_tumour[keep], rest, 0.0)
    chances = np.stack([rest - negative, negative, p], axis=1).astype(np.float32)
    bits = np.zeros(positive.shape, dtype=np.uint8) if artefacts is None else artefacts
    index = np.flatnonzero(keep.ravel()).astype(np.int32)
    n = len(index)
    return PatchTable(
        a_grid(columns, rows, cropping), index, chances, np.ones(n, dtype=np.float32), bits[keep],
        np.zeros((n, 2, 2), dtype=np.float16), columns * 256, rows * 256, 0.5,
    )  # fmt: skip


def measured(*tables: PatchTable, checked: tuple[QualityRow, ...] = CHECKED) -> SlideMeasured:
    """Return what reading and judging a slide gave."""
    return SlideMeasured(tables, FIT, checked, "onnxruntime 1.23 CPUExecutionProvider", "float32")


@dataclass(frozen=True, slots=True)
class SlideModelDouble:
    """A bundle whose network looks at the mean of red, and whose score rises with the probability."""

    contract: SlideContract = CONTRACT
    reference: BundleReference = BUNDLE
    outcome: Outcome = OUTCOME
    runtime: str = "onnxruntime 1.23 CPUExecutionProvider"
    precision: str = "float64"

    @property
    def slides(self) -> SlideContract | None:
        """Return the contract."""
        return self.contract

    def score(self, features: Mapping[str, float]) -> float:
        """Return a logistic function of the score."""
        return 1.0 / (1.0 + math.exp(4.0 - 20.0 * features["score"]))

    def scores(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return the one output."""
        return (self.score(features),)

    def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
        """Return p of HER2+ as the mean of the first channel."""
        n, cells = len(patches), self.contract.patches.heat_cells
        p = patches[:, 0].mean(axis=(1, 2)).clip(0, 1)
        chances = np.stack([0 * p, 1 - p, p], axis=1).astype(np.float32)
        heat = np.broadcast_to(p[:, None, None], (n, cells, cells)).astype(np.float32)
        return PatchLooks(chances, heat, self.runtime, "float32")
