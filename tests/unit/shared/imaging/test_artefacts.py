"""What a worker stores is what a renderer reads."""

from __future__ import annotations

import numpy as np
import pytest

from shared.domain.errors import InvalidInputError
from shared.imaging.artefacts import decode_heatmap, decode_region, encode_heatmap, encode_region
from shared.imaging.volume import Frame, Grid, Mask, Volume


def _grid() -> Grid:
    affine = np.array([[0, 0.1, 0.7, -30.0], [0, 0.7, -0.1, 12.5], [2.1, 0, 0, 4.0], [0, 0, 0, 1.0]])
    return Grid((3, 5, 7), affine, "1.2.3", tuple(Frame(f"1.2.{n}", n) for n in (1, 2, 3)))


def test_a_region_comes_back_with_its_grid() -> None:
    bits = np.random.default_rng(1).random((3, 5, 7)) > 0.5
    back = decode_region(encode_region(Mask(bits, _grid())))
    assert (back.bits == bits).all()
    assert back.grid.frames == _grid().frames
    assert back.grid.frame_of_reference_uid == "1.2.3"
    assert (back.grid.affine == _grid().affine).all()


def test_a_heatmap_comes_back_and_has_the_same_bytes_each_time() -> None:
    values = np.random.default_rng(2).random((3, 5, 7)).astype(np.float32)
    volume = Volume(values, _grid())
    assert encode_heatmap(volume) == encode_heatmap(volume)
    assert (decode_heatmap(encode_heatmap(volume)).voxels == values).all()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04nothing", encode_region(Mask(np.ones((3, 5, 7), bool), _grid()))[:-40]]
)
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_region(content)


def test_a_heatmap_is_no_region() -> None:
    with pytest.raises(InvalidInputError, match="another kind"):
        decode_region(encode_heatmap(Volume(np.zeros((3, 5, 7), np.float32), _grid())))


def test_a_part_of_a_grid_lies_where_it_lay() -> None:
    grid = _grid()
    part = grid.part((1, 2, 3), (3, 4, 6))
    assert part.shape == (2, 2, 3)
    assert part.frames == grid.frames[1:3]
    assert np.allclose(part.place(np.array([1.0, 1.0, 2.0])), grid.place(np.array([2.0, 3.0, 5.0])))
    assert np.allclose(grid.index(grid.place(np.array([2.0, 3.0, 5.0]))), [2, 3, 5])
