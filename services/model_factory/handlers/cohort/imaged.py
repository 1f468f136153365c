"""A cohort with images: patients, whether the event happened, how they fared later, and where their studies lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.typed import Column, Counts, Flags, Numbers, Source


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """Where the images of one patient lie."""

    study: Path
    """Folder or file of DICOM objects."""
    mask: Path | None
    """SEG, NIfTI or NRRD; None: the region is found in the images."""
    second_mask: Path | None
    """Another reader's, for the stability of the features."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Disease-free survival from surgery."""

    years: Numbers
    events: Flags


@dataclass(frozen=True, slots=True)
class ImagedCohort:
    """Patients in the order of the sheet; every array has one entry per patient (``People``)."""

    name: str
    description: str
    simulated: bool
    event: str
    event_display: str
    patients: tuple[str, ...]
    columns: tuple[Column, ...]
    measured: Mapping[str, Numbers]
    categorical: Mapping[str, Counts]
    events: Flags
    follow_up: FollowUp | None
    """None where the manifest records none."""
    studies: tuple[StudyFiles, ...]
    flow: tuple[FlowBox, ...]
    sources: tuple[Source, ...]

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.patients)

    def column(self, name: str) -> Column:
        """Return the candidate ``name``.

        Raises:
            KeyError: If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def only(self, places: Counts, left: FlowBox) -> ImagedCohort:
        """Return the patients at ``places``, with ``left`` as the next box of the flow."""
        follow_up = self.follow_up
        return ImagedCohort(
            self.name, self.description, self.simulated, self.event, self.event_display,
            tuple(self.patients[i] for i in places), self.columns,
            {name: values[places] for name, values in self.measured.items()},
            {name: codes[places] for name, codes in self.categorical.items()},
            np.asarray(self.events[places]),
            FollowUp(follow_up.years[places], np.asarray(follow_up.events[places])) if follow_up else None,
            tuple(self.studies[i] for i in places), (*self.flow, left), self.sources,
        )  # fmt: skip
