"""A lopsided breast study in every orientation: whoever mirrors, turns or reverses anything puts its lesion elsewhere.

The same places in the patient are sampled in every orientation, so that a mask or a map made in one of them can be
compared voxel by voxel with the truth. The lesion lies in the left breast and no mirror image of it fits itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from pydicom.dataset import Dataset

from shared.domain.identity import Side
from shared.imaging.volume import Affine, Bits, Frame, Grid, Mask, Volume
from shared.phantoms.modules import derived_uid
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series

SPACING_MM = (6.0, 5.0, 4.0)
"""Along x, y, z of the patient: three different numbers, so that no swapped axis fits."""
COUNTS = (46, 22, 16)
"""Voxels along x, y, z: both breasts are in the field."""
_FIRST_MM = (-135.0, -60.0, -30.0)
_CORNER = (32, 9, 6)
"""Where the lesion's arms meet: index along x, y, z; x is 57 mm to the left."""
_ARMS = ((6, 0, 0), (0, -5, 0), (0, 0, 4))
"""To the left, to the front, to the head: three lengths along three axes make it chiral."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Along which of the patient's axes slices, rows and columns are counted."""

    slices: int
    """1, 2, 3: towards the left (x), the back (y), the head (z) of the patient; negative: the other way."""
    rows: int
    """Direction from one row to the next."""
    columns: int
    """Direction from one column to the next."""

    @property
    def name(self) -> str:
        """Return the letters of the directions of slices, rows and columns, as DICOM names them (PS3.3 C.7.6.1.1.1)."""
        return "".join("RAF"[-axis - 1] if axis < 0 else "LPH"[axis - 1] for axis in self.axes)

    @property
    def axes(self) -> tuple[int, int, int]:
        """Return the three axes."""
        return self.slices, self.rows, self.columns


ORIENTATIONS: tuple[Orientation, ...] = tuple(
    Orientation(a * i, b * j, c * k)
    for i, j, k in ((3, 2, 1), (3, 1, 2), (1, 3, 2), (1, 2, 3), (2, 3, 1), (2, 1, 3))
    for a, b, c in product((1, -1), repeat=3)
)
"""All 48: axial, sagittal, coronal; each with eight in-plane flips and rotations and both orders of slices."""
AXIAL = ORIENTATIONS[0]
"""Slices towards the head, rows towards the back, columns towards the left: as most axial series are stored."""


@dataclass(frozen=True, slots=True, eq=False)
class AsymmetricStudy:
    """Three phases on one grid, and where the lesion is."""

    pre: Volume
    early: Volume
    late: Volume
    lesion: Mask
    peak: tuple[int, int, int]
    """(slice, row, column) of the one brightest voxel, which lies at the tip of the longest arm."""
    side: Side = Side.LEFT


def asymmetric_study(
    orientation: Orientation = AXIAL, *, seed: str = "asymmetric", tilt_degrees: float = 0.0
) -> AsymmetricStudy:
    """Return the study in this orientation; ``tilt_degrees`` turns it about x and z (an oblique acquisition)."""
    grid = _grid(orientation, seed, tilt_degrees)
    body, lesion, peak = (_turned(bits, orientation) for bits in _truth())
    phases = []
    for number, (inside, brightest) in enumerate(((300, 310), (900, 1500), (800, 1200)), start=1):
        voxels = np.where(body, 400, 0)
        voxels[lesion], voxels[peak] = inside, brightest
        frames = tuple(Frame(derived_uid(seed, number, index)) for index in range(grid.shape[0]))
        own = Grid(grid.shape, grid.affine, grid.frame_of_reference_uid, frames)
        phases.append(Volume(voxels.astype(np.uint16), own))
    where = np.argwhere(peak)[0]
    mask = Mask(lesion, phases[1].grid)
    return AsymmetricStudy(phases[0], phases[1], phases[2], mask, (int(where[0]), int(where[1]), int(where[2])))


def series_of(
    volume: Volume, *, seed: str = "asymmetric", number: int = 2, patient_position: str = "HFP", reverse: bool = False
) -> tuple[Dataset, ...]:
    """Return one MR Image per slice of ``volume``, wherever its grid lies; ``reverse`` numbers them backwards.

    ``number`` is the phase's (1 pre, 2 early, 3 late): it makes the SOP Instance UIDs those of the grid's frames.
    """
    study = StudyAttributes(seed=seed, series_number=number)
    images = mr_series(np.asarray(volume.voxels), _geometry(volume.grid), study=study)
    for index, image in enumerate(images):
        image.ImagePositionPatient = [f"{part:.8g}" for part in volume.grid.place(np.array([index, 0.0, 0.0]))]
        image.PatientPosition = patient_position
        image.InstanceNumber = len(images) - index if reverse else index + 1
    return images[::-1] if reverse else images


def _geometry(grid: Grid) -> VolumeGeometry:
    along = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    row, column = along[:, 2], along[:, 1]
    return VolumeGeometry(
        grid.spacing.rows, grid.spacing.columns, grid.spacing.slices,
        orientation=tuple(float(part) for part in (*row, *column)),  # type: ignore[arg-type]  # six of them
    )  # fmt: skip


def _grid(orientation: Orientation, seed: str, tilt_degrees: float) -> Grid:
    affine: Affine = np.eye(4)
    origin = np.array(_FIRST_MM)
    for position, axis in enumerate(orientation.axes):
        along = abs(axis) - 1
        affine[:3, position] = np.eye(3)[along] * SPACING_MM[along] * np.sign(axis)
        if axis < 0:
            origin[along] += (COUNTS[along] - 1) * SPACING_MM[along]
    affine[:3, 3] = origin
    affine = _tilt(tilt_degrees) @ affine
    shape = tuple(COUNTS[abs(axis) - 1] for axis in orientation.axes)
    return Grid((shape[0], shape[1], shape[2]), affine, derived_uid(seed, "frame of reference"))


def _tilt(degrees: float) -> Affine:
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    about_x = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1.0]])
    about_z = np.array([[cos, -sin, 0, 0], [sin, cos, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    turned: Affine = about_z @ about_x
    return turned


def _turned(bits: Bits, orientation: Orientation) -> Bits:
    """Return what is counted along (x, y, z) as (slices, rows, columns) of the orientation."""
    turned = bits.transpose([abs(axis) - 1 for axis in orientation.axes])
    back = tuple(position for position, axis in enumerate(orientation.axes) if axis < 0)
    return np.ascontiguousarray(np.flip(turned, back))


def _truth() -> tuple[Bits, Bits, Bits]:
    """Return body, lesion and peak, indexed (x, y, z)."""
    body, lesion, peak = _body(), np.zeros(COUNTS, dtype=np.bool_), np.zeros(COUNTS, dtype=np.bool_)
    x, y, z = _CORNER
    lesion[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2] = True
    for arm in _ARMS:
        for step in np.linspace((0, 0, 0), arm, max(map(abs, arm)) + 1).astype(int):
            lesion[x + step[0], y + step[1], z + step[2]] = True
    peak[x + _ARMS[0][0], y, z] = True
    return body, lesion, peak


def _body() -> Bits:
    """Two breasts before a chest wall; nothing of it touches the sides, the head or the feet end of the field."""
    axes = [first + np.arange(n) * step for first, n, step in zip(_FIRST_MM, COUNTS, SPACING_MM, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    breasts = (((np.abs(x) - 70) / 56) ** 2 + ((y - 15) / 68) ** 2 + (z / 30) ** 2) <= 1
    chest = (y >= 25) & (np.abs(x) <= 126) & (np.abs(z) <= 28)
    body: Bits = breasts | chest
    return body
