"""Which images an answer rests on, in words: phases, region, and where in the patient it lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shared.domain.images import ImageBasis, PinnedRegion, RegionOrigin, UsedPhase, UsedRegion
from shared.imaging.dynamic import DynamicChoice, ImageTrouble
from shared.imaging.quantities import longest_diameter_mm
from shared.imaging.region import BreastImages, Region


def basis_of(images: BreastImages, confirmed: PinnedRegion | None) -> ImageBasis:
    """Return the phases, why these, and the region; one a person confirmed bears that person's name."""
    region = used_region(images.region)
    if confirmed is not None:
        region = replace(
            region, origin=RegionOrigin.PERSON, author=confirmed.confirmed_by, method=confirmed.method or region.method
        )
    found = _of_choice(images.choice)
    return replace(found, region=region, remarks=found.remarks + images.region.remarks)


def basis_of_trouble(trouble: ImageTrouble) -> ImageBasis | None:
    """Return what was chosen before the trouble; None where nothing was."""
    return _of_choice(trouble.choice) if trouble.choice else None


def used_region(region: Region) -> UsedRegion:
    """Return the region as an answer states it."""
    mask = region.mask
    return UsedRegion(
        region.origin, region.method, mask.count, mask.volume_mm3, region.author, region.source_instance_uid
    )


def placed(images: BreastImages) -> str:
    """Return one sentence: how large the region is, and where."""
    mask = images.region.mask
    (first, _, _), (behind, _, _) = mask.box
    x = float(mask.grid.place(np.argwhere(mask.bits).astype(np.float64)).mean(axis=0)[0])
    # x of LPS grows towards the patient's left (PS3.3 C.7.6.2.1.1).
    half = "left" if x > 0 else "right"
    size = f"{mask.volume_mm3 / 1000:.2f} cm3, longest diameter {longest_diameter_mm(mask):.0f} mm"
    where = f"slices {first + 1} to {behind} of {mask.grid.shape[0]}"
    return f"an automatic region of {size}, {where}, {abs(x):.0f} mm to the {half} of the scanner's middle"


def _of_choice(choice: DynamicChoice) -> ImageBasis:
    phases = tuple(UsedPhase(one.series_instance_uid, one.number, one.role, one.seconds) for one in choice.phases)
    return ImageBasis(phases, choice.why, None, choice.rejected, choice.remarks)
