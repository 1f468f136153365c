"""What is altered, one thing at a time: the region, who drew it, the bins, the resampling, the phase.

After Zwanenburg et al., Sci Rep 2019;9:614 (doi 10.1038/s41598-018-36938-4), and the robustness part of the
Radiomics Quality Score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from shared.imaging.perturb import perturbations
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask, Volume
from shared.predictors.imaging import RadiomicsSettings

Kind = Literal["as it is", "region", "reader", "automatic", "bins", "resampling", "phase"]
BIN_FACTORS = (0.5, 2.0)
VOXEL_FACTORS = (0.75, 1.5)


@dataclass(frozen=True, slots=True, eq=False)
class Alteration:
    """One way of measuring the same tumour."""

    name: str
    """Machine-readable; the first is ``as_it_is``."""
    kind: Kind
    image: Volume
    mask: Mask
    settings: RadiomicsSettings


def alterations(
    images: BreastImages, settings: RadiomicsSettings, automatic: Mask | None = None
) -> Iterator[Alteration]:
    """Yield the measurement as it is, then every alteration these images allow.

    Args:
        images: The volumes and the region as they are measured.
        settings: As they are measured.
        automatic: The region that would have been found, had none been drawn.
    """
    plain = Alteration("as_it_is", "as it is", images.early, images.region.mask, settings)
    yield plain
    # A millimetre less is nothing on a coarse grid: what changed nothing would count as agreement.
    for one in (one for one in perturbations(plain.mask) if (one.mask.bits != plain.mask.bits).any()):
        yield replace(plain, name=one.name, kind="region", mask=one.mask)
    if images.second_reader is not None:
        yield replace(plain, name="second_reader", kind="reader", mask=images.second_reader)
    if automatic is not None:
        yield replace(plain, name="automatic_region", kind="automatic", mask=automatic)
    for factor in BIN_FACTORS:
        name, altered = _bins(settings, factor)
        yield replace(plain, name=name, kind="bins", settings=altered)
    if settings.resampled_mm is not None:
        x, y, z = settings.resampled_mm
        for factor in VOXEL_FACTORS:
            altered = replace(settings, resampled_mm=(x * factor, y * factor, z * factor))
            yield replace(plain, name=f"voxels_times_{factor:g}", kind="resampling", settings=altered)
    if images.late is not None:
        yield replace(plain, name="late_phase", kind="phase", image=images.late)


def _bins(settings: RadiomicsSettings, factor: float) -> tuple[str, RadiomicsSettings]:
    if settings.bin_width is not None:
        return f"bin_width_times_{factor:g}", replace(settings, bin_width=settings.bin_width * factor)
    count = max(2, round((settings.bin_count or 2) * factor))
    return f"{count}_bins", replace(settings, bin_count=count)
