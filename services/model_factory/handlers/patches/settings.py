"""Which patches are cut for learning: how large, how many, and what counts as tumour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.model_factory.handlers.training.stated import Preset


@dataclass(frozen=True, slots=True)
class CutSettings:
    """How the patches to learn from are cut; part of the run's digest.

    Raises:
        ValueError: If no size is given, or a share is none.
    """

    sides_px: tuple[int, ...] = ()
    """Of level 0."""
    sides_um: tuple[float, ...] = ()
    inside: float = 0.5
    """A patch with this share of tumour or more is tumour."""
    outside: float = 0.5
    """A patch with less is non-tumour; what lies between both is not learned from."""
    most_per_slide: int | None = None
    """Patches of each kind, drawn at random; None: all."""

    def __post_init__(self) -> None:
        if not (self.sides_px or self.sides_um) or not 0 <= self.outside <= self.inside <= 1 or self.inside == 0:
            raise ValueError("patches need a size, and shares of tumour with 0 <= outside <= inside <= 1")


CUT_SETTINGS: Mapping[Preset, CutSettings] = {
    # 1024 x 1024 and 2048 x 2048 from annotated tumour; whatever is not tumour is non-tumour (methods.md, paper 3).
    "paper": CutSettings(sides_px=(1024, 2048)),
    # The size that is served, so that learning and serving see the same scale; edges of the tumour are left out.
    "corrected": CutSettings(sides_um=(256.0,), outside=0.05, most_per_slide=400),
}
