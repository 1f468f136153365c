"""What a mask file's header lacks is not made up, and what it points at is not followed."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.dicom.drawing import Meaning
from shared.dicom.mask_file import drawings_in_file
from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Grid, Mask
from shared.testing.drawn_regions import save_mask_file

AFFINE = np.array([[0, 0, 0.7, -20.0], [0, 0.8, 0, -30.0], [2.0, 0, 0, 5.0], [0, 0, 0, 1]])
GRID = Grid((6, 10, 12), AFFINE)
BITS = np.random.default_rng(5).random(GRID.shape) < 0.2


def nrrd(path: Path, bits: NDArray[np.generic], *lines: str, kind: str = "uint8") -> Path:
    """Write a bare NRRD whose first (fastest) axis is the array's last."""
    sizes = " ".join(str(n) for n in bits.shape[::-1])
    header = [
        "NRRD0004",
        f"type: {kind}",
        f"dimension: {bits.ndim}",
        f"sizes: {sizes}",
        "encoding: raw",
        "endian: little",
    ]
    path.write_bytes("\n".join([*header, *lines, "", ""]).encode() + bits.tobytes())
    return path


def nifti(path: Path, bits: NDArray[np.bool_], *, sform_code: int, qform_code: int = 0) -> Path:
    """Write a bare NIfTI-1 (nifti1.h) with an identity matrix, as tools do that know no geometry."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *bits.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<2h", header, 252, qform_code, sform_code)
    struct.pack_into("<12f", header, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(gzip.compress(bytes(header) + bits.astype(np.uint8).tobytes()))
    return path


def test_a_header_without_geometry_is_matched_by_dimensions_and_that_is_said(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "mask.nrrd", BITS.astype(np.uint8))

    placed = drawings_in_file(path)[0].place(GRID)

    assert np.array_equal(placed.mask.bits, BITS)
    assert placed.remark == "the mask file states no geometry: matched by dimensions"


def test_a_slice_first_file_without_geometry_is_matched_where_one_order_fits(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "mask.nrrd", np.ascontiguousarray(BITS.transpose()).astype(np.uint8))

    assert np.array_equal(drawings_in_file(path)[0].place(GRID).mask.bits, BITS)


@pytest.mark.parametrize("sform_code", [0, 1, 2])
def test_a_matrix_of_ones_at_the_origin_is_no_geometry_whatever_its_code_says(tmp_path: Path, sform_code: int) -> None:
    path = nifti(tmp_path / "mask.nii.gz", BITS, sform_code=sform_code)

    placed = drawings_in_file(path)[0].place(GRID)

    assert np.array_equal(placed.mask.bits, BITS)
    assert "no geometry" in placed.remark


def test_a_matrix_of_ones_is_believed_where_the_images_have_the_same(tmp_path: Path) -> None:
    cube = Grid((8, 8, 8), np.diag((1.0, 1.0, 1.0, 1.0))[[2, 1, 0, 3]])
    bits = np.random.default_rng(5).random(cube.shape) < 0.2
    path = save_mask_file(Mask(bits, cube), tmp_path / "mask.nrrd")

    placed = drawings_in_file(path)[0].place(cube)

    assert np.array_equal(placed.mask.bits, bits)
    assert placed.remark == ""


def test_dimensions_that_fit_twice_are_refused(tmp_path: Path) -> None:
    square = Grid((6, 10, 10), AFFINE)
    path = nrrd(tmp_path / "mask.nrrd", np.ones(square.shape, dtype=np.uint8))

    with pytest.raises(InvalidInputError, match="more than one order"):
        drawings_in_file(path)[0].place(square)


def test_other_dimensions_without_geometry_are_refused(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "mask.nrrd", np.ones((6, 10, 11), dtype=np.uint8))

    with pytest.raises(InvalidInputError, match="other dimensions"):
        drawings_in_file(path)[0].place(GRID)


def test_a_space_that_is_not_the_patients_is_no_geometry(tmp_path: Path) -> None:
    path = nrrd(
        tmp_path / "mask.nrrd", BITS.astype(np.uint8),
        "space: scanner-xyz", "space directions: (0.7,0,0) (0,0.8,0) (0,0,2)", "space origin: (1,2,3)",
    )  # fmt: skip

    assert "no geometry" in drawings_in_file(path)[0].place(GRID).remark


def test_a_file_in_ras_lands_where_one_in_lps_does(tmp_path: Path) -> None:
    path = nrrd(
        tmp_path / "mask.nrrd", BITS.astype(np.uint8),
        "space: right-anterior-superior", "space directions: (-0.7,0,0) (0,-0.8,0) (0,0,2)", "space origin: (20,30,5)",
    )  # fmt: skip

    placed = drawings_in_file(path)[0].place(GRID)

    assert placed.exact
    assert np.array_equal(placed.mask.bits, BITS)


def test_fractions_of_more_than_a_half_belong_to_the_region(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "mask.nrrd", np.where(BITS, 0.8, 0.2).astype("<f4"), kind="float")

    assert np.array_equal(drawings_in_file(path)[0].place(GRID).mask.bits, BITS)


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        (BITS.astype(np.uint8) + (np.arange(BITS.size).reshape(BITS.shape) % 7 == 0), "uint8", "labels"),
        (np.where(BITS, np.nan, 0).astype("<f4"), "float", "no numbers"),
        (np.ones((2, *BITS.shape), dtype=np.uint8), "uint8", "not one volume"),
    ],
)
def test_what_is_no_single_mask_is_refused(tmp_path: Path, values: NDArray[np.generic], kind: str, reason: str) -> None:
    path = nrrd(tmp_path / "mask.nrrd", values, kind=kind)

    with pytest.raises(InvalidInputError, match=reason):
        drawings_in_file(path)[0].place(GRID)


@pytest.mark.parametrize("field", ["data file: ../secret.raw", "datafile: LIST", "DATA FILE: x%d.raw 1 5 1"])
def test_a_header_that_points_at_another_file_is_not_followed(tmp_path: Path, field: str) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(BITS.size))
    path = nrrd(tmp_path / "mask.nrrd", BITS.astype(np.uint8), field)

    with pytest.raises(InvalidInputError, match="in another file"):
        drawings_in_file(path)[0].place(GRID)


@pytest.mark.parametrize("content", [b"", b"NRRD0004\n", b"\x5c\x01\0\0", bytes(400), gzip.compress(b"short", mtime=0)])
@pytest.mark.parametrize("name", ["mask.nrrd", "mask.nii", "mask.nii.gz"])
def test_broken_files_are_refused_without_quoting_their_names(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(InvalidInputError) as refused:
        drawings_in_file(path)[0].place(GRID)
    assert str(tmp_path) not in str(refused.value)


def test_a_header_that_promises_more_than_any_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.nrrd"
    path.write_bytes(
        b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4096 4096 4096\nencoding: raw\nendian: little\n\n" + bytes(100)
    )

    with pytest.raises(InvalidInputError, match="larger than any study"):
        drawings_in_file(path)[0].place(GRID)


@pytest.mark.parametrize("name", ["mask.nhdr", "mask.hdr", "mask.mha", "mask.png"])
def test_other_kinds_of_files_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="none of"):
        drawings_in_file(Path(name))


def test_segments_that_a_header_names_are_drawings_of_their_own(tmp_path: Path) -> None:
    breast = ~BITS & (np.random.default_rng(6).random(GRID.shape) < 0.5)
    path = nrrd(
        tmp_path / "study.seg.nrrd", (BITS + 2 * breast).astype(np.uint8),
        "Segment0_LabelValue:=2", "Segment0_Name:=Breast", "Segment1_LabelValue:=1", "Segment1_Name:=Tumour",
    )  # fmt: skip

    breast_drawing, tumour = drawings_in_file(path)

    assert (breast_drawing.meaning, tumour.meaning) == (Meaning.ORGAN, Meaning.FINDING)
    assert np.array_equal(breast_drawing.place(GRID).mask.bits, breast)
    assert np.array_equal(tumour.place(GRID).mask.bits, BITS)
