"""What the models of one fold say, as plain values that are kept and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.slides.comparing import Compared
from services.model_factory.handlers.slides.patchwise import JudgedPatches
from services.model_factory.handlers.slides.results import FitFacts
from services.model_factory.handlers.slides.scoring import JudgedSlide


@dataclass(frozen=True, slots=True, eq=False)
class FoldPiece:
    """One fold."""

    fit: FitFacts
    slides: tuple[JudgedSlide, ...]
    compared: Mapping[str, Compared]
    patches: JudgedPatches
    """Annotated ones of the slides held out."""


def to_plain(piece: FoldPiece) -> dict[str, Any]:
    """Return the piece as JSON values; single precision survives the way there and back."""
    one = piece.fit
    return {
        "fit": [one.name, one.slides, *one.patches, one.epochs, one.kept_epoch],
        "slides": [
            [s.place, s.kind, s.fold, _rows(s.probabilities), None if s.other is None else _rows(s.other),
             list(s.sides_um)]
            for s in piece.slides
        ],
        "compared": {
            name: [{str(place): score for place, score in c.scores.items()}, list(c.seconds), c.learned_s]
            for name, c in piece.compared.items()
        },
        "patches": [
            piece.patches.places.tolist(), piece.patches.labels.tolist(), _rows(piece.patches.probabilities)
        ],
    }  # fmt: skip


def from_plain(plain: Mapping[str, Any]) -> FoldPiece:
    """Return the piece that was kept."""
    name, slides, a, b, c, epochs, kept = plain["fit"]
    places, labels, said = plain["patches"]
    return FoldPiece(
        FitFacts(name, slides, (a, b, c), epochs, kept),
        tuple(
            JudgedSlide(place, kind, fold, _array(own), None if other is None else _array(other), (sides[0], sides[1]))
            for place, kind, fold, own, other, sides in plain["slides"]
        ),
        {
            name: Compared({int(place): score for place, score in scores.items()}, tuple(seconds), learned)
            for name, (scores, seconds, learned) in plain["compared"].items()
        },
        JudgedPatches(np.array(places, dtype=np.int64), np.array(labels, dtype=np.int64), _array(said)),
    )  # fmt: skip


def _rows(values: NDArray[np.float32]) -> list[list[float]]:
    return [[float(one) for one in row] for row in values]


def _array(rows: list[list[float]]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32).reshape(len(rows), 3)
