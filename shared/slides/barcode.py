"""The one thing label and macro images are opened for: does the barcode name the container that was ordered?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import zxingcpp
from PIL import Image

LABELS = ("label", "macro")
"""Names OpenSlide and tiffslide give the pictures of the glass: patient data."""


def barcode_agrees(images: Iterable[Image.Image], container: str) -> bool | None:
    """Compare what is decoded with ``container``, exactly; nothing decoded leaves this function.

    Returns:
        Whether any barcode on the images says ``container``; None where none can be read, or none is asked for.
    """
    if not container:
        return None
    found = False
    for image in images:
        for code in zxingcpp.read_barcodes(np.asarray(image.convert("RGB"))):
            found = True
            if code.text.strip() == container.strip():
                return True
    return False if found else None
