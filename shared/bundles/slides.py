"""The part of ``bundle.json`` that is about slides, typed, and as the contract the predictors know."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.bundles.imaging import FileName, PrecisionPart, Text
from shared.domain.slides import AreaReading, Cropping, Rounding
from shared.pathology.patch_contract import PatchContract, StainReference
from shared.predictors.slides import SlideContract

Colour = tuple[float, float, float]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StainPart(_Part):
    """The reference every patch is brought to (``StainReference``)."""

    haematoxylin: Colour
    eosin: Colour
    strengths: tuple[float, float]


class PatchGolden(_Part):
    """One patch with what the network must say of it."""

    patch: FileName
    """``.npy``, float32, (3, input_px, input_px): normalised as it is given to the network."""
    probabilities: tuple[Share, Share, Share]
    """Non-tumour, negative, positive."""
    tolerance: float = Field(gt=0, le=1e-3)
    """Of each, in float32."""


class GoldenSlide(_Part):
    """A patch table of a whole slide with its score and level: what a cheaper arithmetic may not change."""

    name: Text
    score: float
    level: FileName


class SlidesPart(_Part):
    """How slides are cut and judged (``SlideContract``)."""

    graph: FileName
    """ONNX; input ``crop`` [n, 3, input_px, input_px] float32, outputs ``probability`` [n, 3] (non-tumour, negative,
    positive) and ``heat`` [n, cells, cells]."""
    side_um: float = Field(gt=0, le=4096)
    input_px: int = Field(ge=16, le=2048)
    background_variance: float = Field(ge=0)
    least_tissue: Share
    stain: StainPart
    mean: Colour
    deviation: Colour
    heat_cells: int = Field(ge=1, le=64)
    architecture: Text
    parameters: int = Field(gt=0)
    pretrained: str = ""
    """Where its first weights came from, with sha256; empty: random."""
    coarsest_um: float = Field(gt=0)
    scanners: tuple[str, ...] = ()
    cropping: Cropping = Cropping.MICROMETRES
    area_reading: AreaReading = AreaReading.TUMOUR
    rounding: Rounding = Rounding.FLOOR
    """How the scores were cut and read that the graph from score to probability was fitted on."""
    precisions: tuple[PrecisionPart, ...] = ()
    """Cheaper arithmetics that passed the gate: no golden slide changes its level, none its score by more than .005."""
    golden: tuple[PatchGolden, ...] = Field(min_length=1)
    golden_slides: tuple[GoldenSlide, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Return every file it names."""
        return self.graph, *(one.graph for one in self.precisions), *(one.patch for one in self.golden)


def contract_of(part: SlidesPart) -> SlideContract:
    """Return the part as predictors know it."""
    stain = StainReference(part.stain.haematoxylin, part.stain.eosin, part.stain.strengths)
    patches = PatchContract(
        part.side_um, part.input_px, part.background_variance, part.least_tissue, stain, part.mean, part.deviation,
        part.heat_cells, part.architecture,
    )  # fmt: skip
    return SlideContract(
        patches, part.coarsest_um, part.scanners, part.cropping, part.area_reading, part.rounding
    )  # fmt: skip
