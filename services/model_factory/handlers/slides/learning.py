"""The patch network of one fold: its training patches gathered, trained, and asked about the slides held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.folds.fold import Fold, learning_from
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches, inputs_of
from services.model_factory.handlers.slides.patchwise import JudgedPatches
from services.model_factory.ports import PatchNetworkFit, PatchTrainer
from shared.domain.errors import InvalidInputError
from shared.domain.slides import Cropping
from shared.pathology.patch_table import NEGATIVE, NON_TUMOUR, POSITIVE

Scratch = Callable[[str, tuple[int, ...]], AbstractContextManager[NDArray[Any]]]
"""(name, shape) -> an array of float16 that need not fit in memory; gone afterwards."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchLearning:
    """Trains the network of a fold."""

    cohort: SlideCohort
    patches: SlidePatches
    order: SlidesOrder
    trainer: PatchTrainer
    scratch: Scratch

    def on(self, fold: Fold[SlideCohort]) -> tuple[PatchNetworkFit, tuple[int, int, int]]:
        """Return the network learned from the training slides, and how many patches of each class those had.

        Raises:
            InvalidInputError: If no annotated slide of a class is among them.
        """
        learning_from(fold.training)
        labels, patients = self._labels(fold.training.index)
        counts = np.bincount(labels, minlength=3)
        if not (counts > 0).all():
            raise InvalidInputError("cohort", f"{fold.name} has no patches of every kind to learn from: annotate more")
        side = self.patches.contract.input_px
        with self.scratch(fold.name, (len(labels), 3, side, side)) as rows:
            start = 0
            for place in fold.training.index:
                pixels = self.patches.learned(int(place)).pixels
                rows[start : start + len(pixels)] = inputs_of(pixels, self.patches.contract)
                start += len(pixels)
            seed = self.order.number(f"network {fold.name}")
            try:
                fit = self.trainer(rows, labels, patients, seed, fold.name.replace(" ", "-"))
            except ValueError as error:
                raise InvalidInputError("cohort", f"{fold.name}: {error}") from error
        return fit, (int(counts[0]), int(counts[1]), int(counts[2]))

    def _labels(self, index: Sequence[int] | NDArray[np.intp]) -> tuple[NDArray[np.int64], list[str]]:
        labels: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        patients: list[str] = []
        for place in index:
            found = self.labels_of(int(place))
            labels.append(found)
            patients += [self.cohort.patients[place]] * len(found)
        return np.concatenate(labels), patients

    def labels_of(self, place: int) -> NDArray[np.int64]:
        """Return the classes of a slide's annotated patches: in the tumour that of the slide (paper 003)."""
        tumour = self.patches.learned(place).tumour
        own = POSITIVE if self.cohort.events[place] else NEGATIVE
        return np.where(tumour, own, NON_TUMOUR).astype(np.int64)

    def asked(self, fit: PatchNetworkFit, place: int, cropping: Cropping) -> NDArray[np.float32]:
        """Return what the network says of a slide's patches: (n, 3)."""
        pixels = self.patches.grid(place, cropping).pixels
        if not len(pixels):
            return np.zeros((0, 3), dtype=np.float32)
        return fit.predict(inputs_of(pixels, self.patches.contract))

    def judged_patches(self, fit: PatchNetworkFit, fold: Fold[SlideCohort]) -> JudgedPatches:
        """Return what the network says of the annotated patches of every slide held out."""
        places, labels = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        said = [np.zeros((0, 3), dtype=np.float32)]
        for place in map(int, fold.held_out.index):
            pixels = self.patches.learned(place).pixels
            if len(pixels):
                places.append(np.full(len(pixels), place, dtype=np.int64))
                labels.append(self.labels_of(place))
                said.append(fit.predict(inputs_of(pixels, self.patches.contract)))
        return JudgedPatches(np.concatenate(places), np.concatenate(labels), np.concatenate(said))
