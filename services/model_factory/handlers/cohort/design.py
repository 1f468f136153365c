"""The numbers selectors and models see: one row per patient, one named column per value or level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.typed import Numbers

Transform = Literal["identity", "log1p", "indicator"]


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """One column and the candidate it is made from."""

    name: str
    candidate: str
    transform: Transform
    level: str = ""


@dataclass(frozen=True, slots=True)
class Design:
    """``x`` is (rows, columns), without missing values."""

    columns: tuple[DesignColumn, ...]
    x: Numbers

    @property
    def candidates(self) -> tuple[str, ...]:
        """Return the candidates, each once, in order."""
        return tuple(dict.fromkeys(column.candidate for column in self.columns))

    def of(self, candidates: tuple[str, ...]) -> Design:
        """Return the columns of ``candidates``, in this design's order."""
        places = [i for i, column in enumerate(self.columns) if column.candidate in candidates]
        return Design(tuple(self.columns[i] for i in places), self.x[:, places])

    def varying(self) -> Design:
        """Return the columns that are not constant on these rows."""
        places = np.flatnonzero(self.x.max(axis=0) > self.x.min(axis=0))
        return Design(tuple(self.columns[i] for i in places), self.x[:, places])
