"""One simulated patient in the scanner: from anatomy and a lesion to noisy volumes that lie in the patient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.domain.identity import Side
from shared.imaging.volume import Grid, Mask, Volume
from shared.phantoms.dce.anatomy import (
    BREAST_MM,
    FAT_LEFT,
    PROPERTIES,
    Tissue,
    axes_mm,
    breast_middle,
    place_marker,
    tissues,
)
from shared.phantoms.dce.kinetics import Curve, concentration, signal
from shared.phantoms.dce.scanners import Scanner, middle_mm
from shared.phantoms.dce.tumour import Lesion, Steps, cut, outline, uptake

Field = NDArray[np.float32]
_TUMOUR_T1_MS = 1400.0
_TUMOUR_DENSITY = 0.85
_BRIGHTEST = 1600.0
"""Stored value of an enhancing tumour before the patient's own gain; 12 bits hold 4095."""
_BEHIND_MM = 45.0
_SHARE_INSIDE = 0.92
"""Of the mean uptake, after partial volume at the edge."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What else is to be simulated, besides the lesion and the scanner."""

    side: Side = Side.LEFT
    density: float = 0.3
    """Share of fibroglandular tissue."""
    background: float = 1.0
    """Factor on the enhancement of gland: background parenchymal enhancement."""
    gain: float = 1.0
    """Of the receiver; scanners do not agree on units."""
    motion_mm: float = 0.5
    """Spread of the shift of each phase against the early one, along each axis."""
    nodes: bool = True
    marker: Side | None = None
    """A capsule on the skin of this breast."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedStudy:
    """The dynamic series of one patient, with what is true about it."""

    scanner: Scanner
    setting: Setting
    lesion: Lesion
    phases: tuple[Volume, ...]
    """Whole numbers 0 to 4095 (uint16); one grid; the first lies before the injection."""
    mask: Mask
    """The tumour as it lies in the early phase (the second volume)."""
    second_mask: Mask
    """The same tumour drawn by another reader."""


def axial_grid(scanner: Scanner, side: Side) -> Grid:
    """Return where the voxels lie: supine tables do not exist here, the breast points to negative y."""
    step, shape = scanner.spacing, scanner.shape
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = step.slices, step.rows, step.columns, 1.0
    affine[0, 3] = middle_mm(scanner, side) - step.columns * (shape[2] - 1) / 2
    affine[1, 3] = _BEHIND_MM - step.rows * (shape[1] - 1)
    affine[2, 3] = -step.slices * (shape[0] - 1) / 2
    return Grid(shape, affine)


def make_patient(
    rng: np.random.Generator, scanner: Scanner, lesion: Lesion, setting: Setting | None = None
) -> SimulatedStudy:
    """Simulate one dynamic series; the same state of ``rng`` gives the same voxels."""
    setting = setting or Setting()
    grid = axial_grid(scanner, setting.side)
    sides = (Side.RIGHT, Side.LEFT) if scanner.bilateral else (setting.side,)
    found = tissues(rng, grid, sides, setting.density, setting.side if setting.nodes else None)
    if setting.marker is not None:
        place_marker(found, grid, setting.marker)
    weight, relative, mask, second = _grow(rng, grid, lesion, setting.side)
    for name in found:
        found[name] *= 1.0 - weight
    phases = _phases(rng, scanner, setting, lesion, grid, found, weight, relative)
    volumes = tuple(Volume(one, grid) for one in phases)
    return SimulatedStudy(scanner, setting, lesion, volumes, Mask(mask, grid), Mask(second, grid))


def _grow(
    rng: np.random.Generator, grid: Grid, lesion: Lesion, side: Side
) -> tuple[Field, Field, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (weight of tumour, relative uptake, mask, the second reader's mask), each of the grid's shape."""
    centre = _centre(rng, grid, lesion, side)
    start, stop = _box(grid, centre, 0.95 * lesion.diameter_mm + 4.0)
    part = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    z, y, x = axes_mm(grid.part(start, stop))
    steps: Steps = (z - np.float32(centre[0]), y - np.float32(centre[1]), x - np.float32(centre[2]))
    shape = outline(rng, steps, lesion)
    voxels = round(math.pi / 6 * lesion.diameter_mm**3 / grid.spacing.voxel_mm3)
    level, inside = cut(shape, voxels)
    depth = np.asarray(shape / np.float32(level), dtype=np.float32)
    relative = uptake(rng, inside, grid.spacing, depth, lesion)
    other = _second_reader(rng, depth, voxels)
    edge = np.float32(lesion.diameter_mm / 2 / min(grid.spacing.rows, grid.spacing.columns))
    soft = np.clip(0.5 + (1 - depth) * edge, 0.0, 1.0)
    # A rough or a bright edge loses more to partial volume: the mean within the mask must not tell the image factor.
    relative *= _SHARE_INSIDE / (soft * relative)[inside].mean()
    return (
        _whole(grid, part, soft, np.float32), _whole(grid, part, relative, np.float32),
        _whole(grid, part, inside, np.bool_), _whole(grid, part, other, np.bool_),
    )  # fmt: skip


def _second_reader(rng: np.random.Generator, depth: Field, voxels: int) -> NDArray[np.bool_]:
    """Another hand: edges up to a few percent of the radius away, a size up to a tenth different."""
    wander = ndimage.gaussian_filter(rng.standard_normal(depth.shape, dtype=np.float32), 2.0)
    wander *= np.float32(0.05 / (wander.std() + 1e-6))
    return cut(depth + wander, round(voxels * float(rng.uniform(0.92, 1.1))))[1]


def _whole(grid: Grid, part: tuple[slice, ...], values: NDArray[np.generic], kind: type[np.generic]) -> NDArray:  # type: ignore[type-arg]
    found = np.zeros(grid.shape, dtype=kind)
    found[part] = values
    return found


def _centre(rng: np.random.Generator, grid: Grid, lesion: Lesion, side: Side) -> NDArray[np.float64]:
    """Return (z, y, x) of a place where the lesion lies within the breast and the image."""
    reach = 0.62 * lesion.diameter_mm
    slab = grid.spacing.slices * (grid.shape[0] - 1) / 2
    room = np.maximum(np.array([min(0.8 * BREAST_MM[0], slab), 0.36 * BREAST_MM[1], 0.8 * BREAST_MM[2]]) - reach, 0.0)
    middle = np.array([0.0, -0.45 * BREAST_MM[1], breast_middle(side)])
    return np.asarray(middle + room * rng.uniform(-0.8, 0.8, 3), dtype=np.float64)


def _box(grid: Grid, centre: NDArray[np.float64], half_mm: float) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    low = np.floor(grid.index(centre[::-1] - half_mm)).astype(int)
    high = np.ceil(grid.index(centre[::-1] + half_mm)).astype(int) + 1
    start, stop = np.maximum(low, 0), np.minimum(high, np.array(grid.shape))
    return (int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))


def _phases(
    rng: np.random.Generator, scanner: Scanner, setting: Setting, lesion: Lesion, grid: Grid,
    found: dict[Tissue, Field], weight: Field, relative: Field,
) -> list[NDArray[np.uint16]]:  # fmt: skip
    density, rate = _still(scanner, found, weight)
    coil = _bias(rng, scanner, grid)
    scale = np.float32(_BRIGHTEST * setting.gain / _reference(scanner, lesion))
    noise = np.float32(scanner.noise * _BRIGHTEST * setting.gain)
    made = []
    for number, seconds in enumerate(scanner.phase_seconds):
        agent = _agent(found, weight * relative, lesion, setting, seconds / 60.0, weight)
        clean = signal(density, rate, agent, scanner.echo) * coil * scale
        moved = clean if number == 1 else _moved(rng, clean, grid, setting.motion_mm)
        made.append(_rician(rng, moved, noise))
    return made


def _still(scanner: Scanner, found: dict[Tissue, Field], weight: Field) -> tuple[Field, Field]:
    """Return proton density and R1 (1/s) before the agent; T1 grows with the field."""
    longer = (scanner.field_tesla / 1.5) ** 0.25
    density = weight * np.float32(_TUMOUR_DENSITY)
    rate = weight * np.float32(1000.0 / (_TUMOUR_T1_MS * longer))
    for tissue, share in found.items():
        one = PROPERTIES[tissue]
        seen = one.density * (FAT_LEFT if tissue is Tissue.FAT and scanner.fat_suppressed else 1.0)
        density = density + share * np.float32(seen)
        rate = rate + share * np.float32(1000.0 / (one.t1_ms * longer))
    return density, np.maximum(rate, np.float32(0.1))


def _agent(
    found: dict[Tissue, Field], taken: Field, lesion: Lesion, setting: Setting, minutes: float, weight: Field
) -> Field:
    """Return the concentration of the agent per voxel."""
    blood = concentration(Curve(0.0, 1.0, lesion.vp), minutes)
    agent = taken * np.float32(concentration(Curve(lesion.ktrans, lesion.kep), minutes)) + weight * np.float32(blood)
    for tissue, share in found.items():
        level = concentration(PROPERTIES[tissue].curve, minutes)
        if level > 0:
            agent = agent + share * np.float32(level * (setting.background if tissue is Tissue.GLAND else 1.0))
    return np.asarray(agent, dtype=np.float32)


def _reference(scanner: Scanner, lesion: Lesion) -> float:
    """Return the signal of a typical tumour in the early phase, for the scale of stored values."""
    longer = (scanner.field_tesla / 1.5) ** 0.25
    one = np.ones(1, dtype=np.float32)
    agent = one * np.float32(concentration(Curve(0.20, lesion.kep, lesion.vp), scanner.phase_seconds[1] / 60.0))
    rate = one * np.float32(1000.0 / (_TUMOUR_T1_MS * longer))
    return float(signal(one * np.float32(_TUMOUR_DENSITY), rate, agent, scanner.echo)[0])


def _bias(rng: np.random.Generator, scanner: Scanner, grid: Grid) -> Field:
    """Return the coil's sensitivity: smooth, around 1."""
    ramps = [np.linspace(-1, 1, n, dtype=np.float32) for n in grid.shape]
    along = np.meshgrid(*ramps, indexing="ij", sparse=True)
    field: Field = np.zeros(grid.shape, dtype=np.float32)
    for ramp in along:
        straight, bent = rng.uniform(-1, 1, 2).astype(np.float32)
        field = field + straight * ramp + bent * (ramp**2 - np.float32(1 / 3))
    return np.asarray(np.exp(np.float32(scanner.bias) * field / np.abs(field).max()), dtype=np.float32)


def _moved(rng: np.random.Generator, clean: Field, grid: Grid, motion_mm: float) -> Field:
    step = grid.spacing
    shift = motion_mm * rng.standard_normal(3) / np.array([step.slices, step.rows, step.columns])
    return np.asarray(ndimage.shift(clean, shift, order=1, mode="nearest"), dtype=np.float32)


def _rician(rng: np.random.Generator, clean: Field, noise: np.float32) -> NDArray[np.uint16]:
    """Return the magnitude of the signal with noise in both channels, as 12 stored bits."""
    real = clean + noise * rng.standard_normal(clean.shape, dtype=np.float32)
    imaginary = noise * rng.standard_normal(clean.shape, dtype=np.float32)
    return np.asarray(np.clip(np.round(np.hypot(real, imaginary)), 0, 4095), dtype=np.uint16)
