"""What lies around the nests: collagen in waves, spindle-shaped nuclei, fat, lymphocytes; or a lymph node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.slides.nests import hexagonal
from shared.phantoms.slides.optics import Field
from shared.phantoms.slides.outlines import smooth
from shared.phantoms.slides.stamps import SHAPES, nucleus, press

_LYMPHOCYTE_UM = 2.6
_SPINDLE_UM = 2.6
_DARKEST, _BLOOD = 2.3, 1.7
"""Concentrations in lymphocytes and in pools of blood: the darkest of each stain on every slide, whatever the nests
show, so that a normalisation by the darkest tells nothing of them."""
_BLOOD_CUT = 1.6


def render_stroma(
    rng: np.random.Generator, room: NDArray[np.bool_], microns: float, lymphocytes: float
) -> tuple[Field, Field]:
    """Return the concentrations of haematoxylin and eosin wherever ``room`` is, 0 elsewhere.

    Args:
        rng: Source.
        room: (height, width).
        microns: Per pixel.
        lymphocytes: Share of the stroma that lymphocytes fill, 0 to 1.
    """
    shape = (room.shape[0], room.shape[1])
    fat = smooth(rng, shape, 110 / microns) > 1.35
    second = collagen(rng, shape, microns) * (room & ~fat)
    second[(smooth(rng, shape, 60 / microns) > _BLOOD_CUT) & room & ~fat] = _BLOOD
    first = np.zeros(shape, dtype=np.float32)
    crowd = smooth(rng, shape, 90 / microns) > np.float32(_cut(lymphocytes))
    _press_some(rng, first, room & ~fat & ~crowd, 24.0 / microns, _SPINDLE_UM / microns, 2.4)
    _press_some(rng, first, room & ~fat & crowd, 7.5 / microns, _LYMPHOCYTE_UM / microns, 1.1)
    return np.maximum(_DARKEST * first, 0.05 * (room & ~fat)), second


def render_node(rng: np.random.Generator, room: NDArray[np.bool_], microns: float) -> tuple[Field, Field]:
    """Return a lymph node: follicles of crowded small round nuclei, hardly any collagen."""
    shape = (room.shape[0], room.shape[1])
    first = np.zeros(shape, dtype=np.float32)
    _press_some(rng, first, room, 6.2 / microns, _LYMPHOCYTE_UM / microns, 1.1)
    follicles = 1 + 0.25 * (smooth(rng, shape, 120 / microns) > 0.6)
    return np.asarray(_DARKEST * first * follicles * room, dtype=np.float32), np.asarray(
        (0.22 + 0.05 * smooth(rng, shape, 8 / microns)) * room, dtype=np.float32
    )


def collagen(rng: np.random.Generator, shape: tuple[int, int], microns: float) -> Field:
    """Return the concentration of eosin in wavy bundles of fibres."""
    y = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(microns)
    x = np.arange(shape[1], dtype=np.float32)[None, :] * np.float32(microns)
    turn = rng.uniform(0, np.pi)
    across = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    bent = across + np.float32(14) * smooth(rng, shape, 90 / microns)
    waves = np.sin(bent * np.float32(2 * np.pi / 9)) * np.float32(0.5) + np.sin(bent * np.float32(2 * np.pi / 3.7 + 1))
    loose = 1 + 0.2 * smooth(rng, shape, 40 / microns)
    return np.asarray(np.maximum(0.62 * loose + 0.13 * waves, 0.06), dtype=np.float32)


def _press_some(
    rng: np.random.Generator, onto: Field, room: NDArray[np.bool_], step: float, radius: float, long: float
) -> None:
    places = hexagonal(rng, (room.shape[0], room.shape[1]), step, 0.3)
    places = places[room[places[:, 1].astype(np.intp), places[:, 0].astype(np.intp)]]
    sizes = radius * np.exp(0.1 * rng.standard_normal(len(places)))
    shapes = rng.integers(SHAPES, size=len(places))
    for place, size, shape in zip(places, sizes, shapes, strict=True):
        press(onto, nucleus(size, int(shape), long), place[0], place[1], 1.0)


def _cut(share: float) -> float:
    """Return where to cut a smooth field so that about ``share`` of it lies above."""
    return float(np.interp(share, (0.0, 0.05, 0.2, 0.5, 1.0), (9.0, 1.7, 0.85, 0.0, -9.0)))
