"""Where a region of interest comes from; it is part of every result that rests on it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.images import DRAWN, RegionOrigin
from shared.imaging.dynamic import DynamicChoice
from shared.imaging.volume import Mask, Volume


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A mask on the grid of the measured phase, with where it comes from."""

    mask: Mask
    origin: RegionOrigin
    method: str
    """How it was made, in words: "functional tumour volume: ..." or what the object says of its algorithm."""
    author: str = ""
    """Content Creator's role or the person who confirmed it as the site knows them; never a patient's name."""
    source_instance_uid: str = ""
    """SOP Instance UID of the SEG or RTSTRUCT."""
    segment_number: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def by_algorithm(self) -> bool:
        """Tell whether no person drew it, corrected it or confirmed it: ours, or that of another system."""
        if self.origin is RegionOrigin.PERSON:
            return False
        return self.origin is RegionOrigin.AUTOMATIC or DRAWN["AUTOMATIC"] in self.method


@dataclass(frozen=True, slots=True, eq=False)
class BreastImages:
    """Everything a predictor gets of a study: the volumes it needs, the region, and how both were chosen.

    All volumes share one grid.
    """

    choice: DynamicChoice
    early: Volume
    """The measured post-contrast phase."""
    region: Region
    pre: Volume | None = None
    late: Volume | None = None
    second_reader: Mask | None = None
    """Another reader's mask of the same tumour, for the features' stability."""
    acquisition: Acquisition | None = None


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How the measured phase was taken: what a model compares with what it has seen."""

    manufacturer: str = ""
    field_tesla: float | None = None
    seconds: float | None = None
    """Time of the measured phase after the injection."""
