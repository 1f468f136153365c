"""``vahadane_fit``: the two stains of one tile, against SPAMS called as the usual stain tools call it.

The tools leave ``iter`` at SPAMS' default, a budget of one second. Because a budget is no measure of work, the notes
also say how long SPAMS takes to come as near to the minimum as .03 in every component, or a relative objective of 1e-4:
the fewest iterations, doubled from 125 on, that do. Both sides get the same pixels (every stained one of the tile, ours
then takes 20,000 of them; the vectors are compared on those) and the same penalty, on one thread. The lowest ratio over
the tiles counts; vectors more than .03 apart fail the bench.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.pathology.stain.density import density
from shared.pathology.stain.fit import fit_stains
from shared.pathology.stain.lasso import concentrations
from shared.pathology.stain.sample import spread, tissue_pixels
from shared.pathology.stain.solver import PENALTY
from shared.pathology.stain.start import haematoxylin_first
from tests.bench.her2.stained_glass import tiles
from tests.bench.ln_pcr.options import Measured, Options, in_turns, seconds
from tests.bench.rows import Row

SAME = 0.03
NEAR = 1e-4
LONG = 8000
"""Iterations that count as converged."""


def measure(options: Options) -> Measured:
    """Return one row: the tile with the lowest ratio."""
    measured = [_tile(name, tile, options.repeats) for name, tile in tiles().items()]
    worst = min((row for row, _, _ in measured), key=lambda row: row.ratio)
    return Measured((worst,), tuple(note for _, note, _ in measured), all(same for _, _, same in measured))


def _tile(name: str, tile: NDArray[np.uint8], repeats: int) -> tuple[Row, str, bool]:
    pixels = tile.reshape(-1, 3)
    ours = fit_stains(pixels)
    taken, peer = in_turns(lambda: fit_stains(pixels), lambda: _spams(pixels), repeats)
    seen = density(tissue_pixels(pixels)).T
    best = _objective(seen, _spams(pixels, LONG))
    apart = float(np.abs(ours.vectors - _spams(spread(tissue_pixels(pixels)), LONG)).max())
    enough = _enough(lambda count: _objective(seen, _spams(pixels, count)) <= best * (1 + NEAR))
    near = min(seconds(lambda: _spams(pixels, enough)) for _ in range(repeats))
    note = (
        f"vahadane_fit {name}: {1000 * taken:.1f} ms ({ours.method}, {ours.angle_degrees:.0f} degrees), {apart:.4f} "
        f"from SPAMS after {LONG} iterations; SPAMS by default {1000 * peer:.0f} ms, to within {NEAR:g} of its minimum "
        f"({enough} iterations) {1000 * near:.0f} ms: {near / taken:.1f} times ours"
    )
    row = Row("vahadane_fit", 1000 * taken, 1000 * peer, "SPAMS trainDL as stain tools call it", "ms")
    return row, note, apart < SAME and ours.method == "vahadane"


def _spams(pixels: NDArray[np.uint8], iterations: int = -1) -> NDArray[np.float64]:
    import spams

    seen = np.asfortranarray(density(tissue_pixels(pixels)).T)
    found = spams.trainDL(
        seen, K=2, lambda1=PENALTY, mode=2, modeD=0, posAlpha=True, posD=True, iter=iterations, numThreads=1,
        verbose=False,
    ).T  # fmt: skip
    return haematoxylin_first(found / np.linalg.norm(found, axis=1, keepdims=True))


def _objective(seen: NDArray[np.float64], vectors: NDArray[np.float64]) -> float:
    amounts = concentrations(seen, vectors, PENALTY)
    return float(0.5 * ((seen - vectors.T @ amounts) ** 2).sum() + PENALTY * amounts.sum())


def _enough(near: Callable[[int], bool]) -> int:
    count = 125
    while count < LONG and not near(count):
        count *= 2
    return count
