"""Shape features of the region, by pyradiomics' own class on its box."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from shared.radiomics.prepared import Prepared
from shared.radiomics.sitk_images import simple_itk


def shape(features: Collection[str], of: Prepared) -> Iterator[tuple[str, float]]:
    """Yield the wanted features."""
    from radiomics.shape import RadiomicsShape

    mask = simple_itk().GetImageFromArray(of.inside.astype(np.uint8))
    mask.SetSpacing(of.image.GetSpacing())
    measured = RadiomicsShape(mask, mask, label=1)
    for name in features:
        yield name, float(np.squeeze(getattr(measured, f"get{name}FeatureValue")()))
