"""How a patch is prepared for the network; the same in training and serving. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StainReference:
    """The stains every patch is brought to: those of the training's reference slide."""

    haematoxylin: tuple[float, float, float]
    eosin: tuple[float, float, float]
    """Optical density of red, green, blue; unit length."""
    strengths: tuple[float, float]
    """99th percentile of each concentration there."""


@dataclass(frozen=True, slots=True)
class PatchContract:
    """What the network takes and gives; the same in training and serving."""

    side_um: float
    """Side of a patch for ``Cropping.MICROMETRES``."""
    input_px: int
    """Side of the network's input, to which a patch is resized (area average down, bilinear up)."""
    background_variance: float
    """A patch whose variance is below it is background (paper 003: 500; of the grey values 0-255, see methods)."""
    least_tissue: float
    """Share of tissue, by the mask at 8 micrometres, that a patch must have."""
    stain: StainReference
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    """Of red, green, blue in [0, 1], after stain normalisation: (value - mean) / deviation is the input."""
    heat_cells: int
    """Rows and columns of the heat of one patch."""
    architecture: str
    """For example ``Swin-T``; a reduced width says so."""
