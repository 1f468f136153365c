"""One frame of a stored object, decoded and rescaled, wherever in a file the object lies."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import RLELossless

from shared.dicom.frame_pixels import LARGEST_PIXELS, frame_pixels
from shared.domain.errors import InvalidInputError
from shared.storage.blobs import LocalBlobs
from tests.findings import encoded
from tests.imaged import Imaged

ROWS, COLUMNS = 24, 32


def values(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(ROWS, COLUMNS)


@pytest.mark.parametrize("compressed", [False, True])
def test_values_are_decoded_and_rescaled(compressed: bool, tmp_path: Path) -> None:
    imaged = Imaged(LocalBlobs(tmp_path / "blobs"))
    image = imaged.objects()[3]
    image.RescaleSlope, image.RescaleIntercept = "2", "-5"
    if compressed:
        image.compress(RLELossless)
    content = encoded(image)
    (tmp_path / "segment").write_bytes(b"before" + content + b"after")
    found = values(frame_pixels(str(tmp_path / "segment"), 6, len(content), 1, ROWS, COLUMNS))
    assert np.array_equal(found, 2.0 * imaged.voxels()[3] - 5.0)


def test_a_frame_of_an_enhanced_object_is_that_frame(tmp_path: Path) -> None:
    imaged = Imaged(LocalBlobs(tmp_path / "blobs"), multi_frame=True)
    path = tmp_path / "enhanced"
    path.write_bytes(encoded(imaged.objects()[0]))
    assert np.array_equal(values(frame_pixels(str(path), 0, None, 9 + 4, ROWS, COLUMNS)), imaged.voxels()[3])
    assert not values(frame_pixels(str(path), 0, None, 4, ROWS, COLUMNS)).any()


@pytest.mark.parametrize(
    ("number", "rows", "columns"),
    [(0, ROWS, COLUMNS), (19, ROWS, COLUMNS), (1, ROWS, COLUMNS - 1), (1, 1, LARGEST_PIXELS + 1)],
)
def test_what_is_not_that_frame_is_refused(number: int, rows: int, columns: int, tmp_path: Path) -> None:
    path = tmp_path / "enhanced"
    path.write_bytes(encoded(Imaged(LocalBlobs(tmp_path / "blobs"), multi_frame=True).objects()[0]))
    with pytest.raises(InvalidInputError):
        frame_pixels(str(path), 0, None, number, rows, columns)
