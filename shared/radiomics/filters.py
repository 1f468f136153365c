"""Filter images in the box of the region, each with the numbers pyradiomics has there.

Point filters scale by the extremes of the whole image and are computed in the box only. Filters with a short reach
(wavelet, gradient) are computed in the box and their reach around it. Recursive ones (Laplacian of Gaussian, and
LBP-3D in ``lbp3d``) run over whole lines, but no further than the next axis needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Voxels
from shared.radiomics.lbp3d import lbp_3d
from shared.radiomics.names import ImageType
from shared.radiomics.prepared import Floats, Prepared
from shared.radiomics.sitk_images import simple_itk

REACH = 8
"""Voxels beyond the box the wavelet sees (coif1: 6 taps), with two to spare."""


def filtered(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    """Yield the image type's images by name, each in the region's box; outside of the region values may be missing."""
    yield from _FILTERS[kind.name](kind, of)


def _original(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    yield kind.images[0], of.voxels[of.box]


def _point(law: Callable[[Floats, float], Floats]) -> Callable[[ImageType, Prepared], Iterator[tuple[str, Voxels]]]:
    def images(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
        yield kind.images[0], law(of.voxels[of.box].astype(np.float64), of.largest)

    return images


def _square(x: Floats, largest: float) -> Floats:
    found: Floats = np.square((1 / np.sqrt(largest)) * x)
    return found


def _square_root(x: Floats, largest: float) -> Floats:
    found: Floats = np.sign(x) * np.sqrt(np.abs(x) * largest)
    return found


def _logarithm(x: Floats, largest: float) -> Floats:
    found: Floats = np.sign(x) * np.log(np.abs(x) + 1) * (largest / np.log(largest + 1))
    return found


def _exponential(x: Floats, largest: float) -> Floats:
    found: Floats = np.exp((np.log(largest) / largest) * x)
    return found


def _wavelet(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    """coif1, one level, undecimated, periodic; an odd axis is continued by its first voxel (pyradiomics' padding)."""
    import pywt

    part, inner = of.voxels, []
    for axis, along in enumerate(of.box):
        where, start = _around(along, of.voxels.shape[axis])
        part = np.take(part, where, axis=axis)
        inner.append(slice(start, start + along.stop - along.start))
    found: Mapping[str, Floats] = pywt.swtn(part, "coif1", level=1, start_level=0, axes=(2, 1, 0))[0]
    for name in kind.images:
        letters = name.removeprefix("wavelet-").replace("L", "a").replace("H", "d")
        yield name, found[letters][tuple(inner)]


def _around(along: slice, size: int) -> tuple[Voxels, int]:
    """Return the voxels of one axis the wavelet needs, an even number, and where the box begins among them."""
    whole = np.append(np.arange(size), [0]) if size % 2 else np.arange(size)
    wanted = along.stop - along.start + 2 * REACH
    wanted += wanted % 2
    if wanted >= len(whole):
        return whole, along.start
    return whole[np.arange(along.start - REACH, along.start - REACH + wanted) % len(whole)], REACH


def _log(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    sigmas: Any = kind.settings["sigma"]
    for name, sigma in zip(kind.images, sigmas, strict=True):
        _large_enough(of, sigma)
        yield name, _laplacian_of_gaussian(of, sigma) if _far(of) else _whole_laplacian(of, sigma)


def _large_enough(of: Prepared, sigma: float) -> None:
    """Refuse what pyradiomics leaves out with a warning: an axis of fewer than four voxels, or shorter than one sigma.

    Raises:
        InvalidInputError: If so.
    """
    needed = np.maximum(np.ceil(sigma / np.array(of.spacing)) + 1, 4)
    if (np.array(of.voxels.shape) < needed).any():
        raise InvalidInputError("image", f"is too small around the region to be smoothed over {sigma:g} mm")


def _far(of: Prepared) -> bool:
    """Tell whether the image is so much larger than the box that carrying on only the box's part pays."""
    return of.voxels.size > 8 * of.inside.size


def _whole_laplacian(of: Prepared, sigma: float) -> Voxels:
    sitk = simple_itk()
    image: Voxels = sitk.GetArrayFromImage(sitk.LaplacianRecursiveGaussian(of.image, sigma, True))  # noqa: FBT003
    return image[of.box]


def _laplacian_of_gaussian(of: Prepared, sigma: float) -> Voxels:
    """ITK's LaplacianRecursiveGaussian in the box: per axis the second derivative, then smoothing along the others.

    A recursive filter needs whole lines; once an axis is done, only the box's part of it is carried on.
    """
    total: Any = 0.0
    for axis in range(3):
        part = of.image
        for along in (axis, *(other for other in range(3) if other != axis)):
            part = _cut(_recursive(part, sigma, 2 if along == axis else 0, along), along, of.box[2 - along])
        # As ITK adds: in double, kept in single precision after every axis.
        added = total + simple_itk().GetArrayFromImage(part).astype(np.float64) * (1 / of.spacing[2 - axis] ** 2)
        total = added.astype(np.float32)
    found: Voxels = total
    return found


def _recursive(image: Any, sigma: float, order: int, axis: int) -> Any:
    return simple_itk().RecursiveGaussian(image, sigma, True, order, axis)  # noqa: FBT003 - normalizeAcrossScale


def _cut(image: Any, axis: int, along: slice) -> Any:
    index, size = [0, 0, 0], list(image.GetSize())
    index[axis], size[axis] = along.start, along.stop - along.start
    return simple_itk().RegionOfInterest(image, size, index)


def _gradient(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    start = [max(along.start - 2, 0) for along in of.box]
    stop = [min(along.stop + 2, size) for along, size in zip(of.box, of.voxels.shape, strict=True)]
    size = [b - a for a, b in zip(start, stop, strict=True)]
    part = simple_itk().RegionOfInterest(of.image, size[::-1], start[::-1])
    magnitude = simple_itk().GetArrayFromImage(simple_itk().GradientMagnitude(part, True))  # noqa: FBT003 - in millimetres
    inner = tuple(slice(along.start - a, along.stop - a) for along, a in zip(of.box, start, strict=True))
    yield kind.images[0], magnitude[inner]


def _lbp_2d(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    """Uniform local binary patterns, 8 neighbours at one voxel, by slice; of whole slices: ties depend on place."""
    import skimage.feature

    pattern: Any = skimage.feature.local_binary_pattern
    slices = of.voxels[of.box[0]].copy()
    for one in slices:
        one[...] = pattern(one, P=8, R=1, method="uniform")
    yield kind.images[0], slices[:, of.box[1], of.box[2]]


def _lbp_3d(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
    for name, values in zip(kind.images, lbp_3d(of.voxels, of.bits), strict=True):
        image = np.zeros(of.inside.shape)
        image[of.inside] = values
        yield name, image


_FILTERS: Mapping[str, Callable[[ImageType, Prepared], Iterator[tuple[str, Voxels]]]] = {
    "Original": _original,
    "Wavelet": _wavelet,
    "Square": _point(_square),
    "SquareRoot": _point(_square_root),
    "Logarithm": _point(_logarithm),
    "Exponential": _point(_exponential),
    "LoG": _log,
    "Gradient": _gradient,
    "LBP2D": _lbp_2d,
    "LBP3D": _lbp_3d,
}
