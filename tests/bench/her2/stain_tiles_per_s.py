"""``stain_tiles_per_s``: tiles of 512 x 512 brought to the reference's stains, against the way StainTools does it.

There the concentrations are SPAMS' lasso and the colours double precision over the whole tile. One thread each. The
notes say what plain least squares (negative concentrations allowed, as other tools do) takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.stain.fit import STANDARD, fit_stains
from shared.pathology.stain.transform import normalised, reference_vectors
from shared.pathology.stain_fit import StainFit
from tests.bench.her2.stained_glass import tiles
from tests.bench.ln_pcr.options import Measured, Options, in_turns, seconds
from tests.bench.rows import Row


def measure(options: Options) -> Measured:
    """Return one row: the tile with the lowest ratio."""
    measured = [_tile(name, tile, options.repeats) for name, tile in tiles().items()]
    worst = min((row for row, _ in measured), key=lambda row: row.ratio)
    return Measured((worst,), tuple(note for _, note in measured))


def _tile(name: str, tile: NDArray[np.uint8], repeats: int) -> tuple[Row, str]:
    fit = fit_stains(tile.reshape(-1, 3))
    ours, peer = in_turns(lambda: normalised(tile, fit, STANDARD), lambda: _lasso(tile, fit), repeats)
    plain = min(seconds(lambda: _least_squares(tile, fit)) for _ in range(repeats))
    apart = np.abs(normalised(tile, fit, STANDARD).astype(int) - _lasso(tile, fit)).mean()
    note = (
        f"stain_tiles_per_s {name}: {1000 * ours:.1f} ms a tile, SPAMS' lasso {1000 * peer:.1f} ms, least squares "
        f"{1000 * plain:.1f} ms; ours and the lasso's differ by {apart:.2f} of 255 on average"
    )
    return Row("stain_tiles_per_s", 1 / ours, 1 / peer, "SPAMS lasso, as StainTools", "tiles/s"), note


def _lasso(tile: NDArray[np.uint8], fit: StainFit) -> NDArray[np.uint8]:
    import spams

    seen = -np.log(np.maximum(tile.reshape(-1, 3), 1) / 255)
    amounts = spams.lasso(
        np.asfortranarray(seen.T), D=np.asfortranarray(fit.vectors.T), mode=2, lambda1=0.01, pos=True, numThreads=1
    )
    return _coloured(amounts.toarray(), fit, tile.shape)


def _least_squares(tile: NDArray[np.uint8], fit: StainFit) -> NDArray[np.uint8]:
    seen = -np.log(np.maximum(tile.reshape(-1, 3), 1) / 255)
    amounts = np.linalg.lstsq(fit.vectors.T, seen.T, rcond=None)[0].astype(np.float64)
    return _coloured(amounts, fit, tile.shape)


def _coloured(amounts: NDArray[np.float64], fit: StainFit, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    rescaled = amounts * (np.array(STANDARD.strengths) / fit.strengths)[:, None]
    rgb: NDArray[np.uint8] = np.clip(255 * np.exp(-reference_vectors(STANDARD).T @ rescaled), 0, 255).astype(np.uint8)
    return rgb.T.reshape(shape)
