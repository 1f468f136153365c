"""One training run on slides, from a cohort that was read to its results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.slides.comparing import Comparators, Features
from services.model_factory.handlers.slides.cropping import other_of
from services.model_factory.handlers.slides.folds import everybody, folds_of
from services.model_factory.handlers.slides.golden import golden_of
from services.model_factory.handlers.slides.learning import PatchLearning, Scratch
from services.model_factory.handlers.slides.order import TL, SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches
from services.model_factory.handlers.slides.pieces import FoldPiece, from_plain, to_plain
from services.model_factory.handlers.slides.results import CutFacts, FitFacts, Judged, SlidesResults
from services.model_factory.handlers.slides.scoring import JudgedSlide
from services.model_factory.handlers.slides.telling import Telling
from services.model_factory.handlers.training.stated import Provenance
from services.model_factory.ports import Checkpoints, Graphs, PatchNetworkFit, PatchTrainer, Progress
from shared.domain.errors import InvalidInputError
from shared.domain.slides import Cropping
from shared.predictors.her2.scale import POSITIVE_CLASS as EVENT

GRAPH_FILE, GOLDEN_FILE = "patches.onnx", "golden-{}.npy"


@dataclass(frozen=True, slots=True)
class SlidesRun:
    """What is trained on what, and where pieces are kept."""

    cohort: SlideCohort
    patches: SlidePatches
    cut: CutFacts
    order: SlidesOrder
    provenance: Provenance
    trainer: PatchTrainer
    scratch: Scratch
    fixed: Mapping[str, tuple[Features, str]]
    """Features that learn nothing here, and where they come from; by name."""
    kept: Checkpoints
    graphs: Graphs
    progress: Progress
    clock: Callable[[], float]

    def __call__(self) -> SlidesResults:
        """Run everything that is not yet kept, and return the results.

        Raises:
            InvalidInputError: If the cohort records another event, or too few patients of either class.
        """
        if self.cohort.event != EVENT:
            raise InvalidInputError("cohort", f"records {self.cohort.event}, and her2 is about {EVENT}")
        folds = list(folds_of(self.cohort, self.order))
        learning = PatchLearning(self.cohort, self.patches, self.order, self.trainer, self.scratch)
        features = {name: one for name, (one, _) in self.fixed.items()}
        comparators = Comparators(self.cohort, self.patches, self.order, self.clock, features)
        pieces: list[FoldPiece] = []
        with self.progress.stage("networks trained", len(folds) + 1) as step:
            for number, fold in enumerate(folds):
                pieces.append(self._piece(fold, number, learning, comparators))
                step()
            kept = folds[0] if self.order.one_network else everybody(self.cohort)
            network, extra, told = self._kept(kept, learning, comparators)
            step()
        return self._telling().results([*pieces, *extra], network, told)

    def _piece(
        self, fold: Fold[SlideCohort], number: int, learning: PatchLearning, comparators: Comparators
    ) -> FoldPiece:
        """Return what a fold's models say of its held-out slides."""
        key = f"judged-{fold.name.replace(' ', '-')}"
        known = self.kept.get(key)
        if known is not None:
            return from_plain(known)
        kind: Judged = "held_out" if self.order.one_network else "out_of_fold"
        piece = self._asked(fold, kind, number, (learning, comparators), learning.on(fold))
        self.kept.put(key, to_plain(piece))
        return piece

    def _telling(self) -> Telling:
        sources = {name: source for name, (_, source) in self.fixed.items()}
        sources[TL] = "the patch network of the same fold"
        return Telling(self.cohort, self.patches, self.cut, self.order, self.provenance, sources, self.clock)

    def _asked(
        self, fold: Fold[SlideCohort], kind: Judged, number: int, with_: tuple[PatchLearning, Comparators],
        made: tuple[PatchNetworkFit, tuple[int, int, int]],
    ) -> FoldPiece:  # fmt: skip
        (learning, comparators), (fit, counts) = with_, made
        slides = []
        for place in map(int, fold.held_out.index):
            own, other = self.order.cropping, other_of(self.order.cropping)
            twice = self.patches.cut_twice(place)
            sides = (self._side(place, own), self._side(place, other) if twice else 0.0)
            second = learning.asked(fit, place, other) if twice else None
            slides.append(JudgedSlide(place, kind, number, learning.asked(fit, place, own), second, sides))
        compared = dict(comparators.on(fold, {TL: fit.features}))
        facts = FitFacts(fold.name, len(fold.learned_from), counts, len(fit.losses), fit.kept_epoch + 1)
        return FoldPiece(facts, tuple(slides), compared, learning.judged_patches(fit, fold))

    def _side(self, place: int, cropping: Cropping) -> float:
        return self.patches.grid(place, cropping).grid.side_um

    def _kept(
        self, fold: Fold[SlideCohort], learning: PatchLearning, comparators: Comparators
    ) -> tuple[dict[str, Any], list[FoldPiece], FitFacts]:
        """Return the kept network's facts, what it says of the slides of other sites, and its training."""
        known = self.kept.get("kept")
        if known is None:
            fit, counts = learning.on(fold)
            known = {
                "network": self._exported(fit, fold, learning),
                "elsewhere": [to_plain(one) for one in self._elsewhere(fold, (learning, comparators), (fit, counts))],
                "fit": [len(fold.learned_from), *counts, len(fit.losses), fit.kept_epoch + 1],
            }
            self.kept.put("kept", known)
        slides, a, b, c, epochs, best = known["fit"]
        facts = FitFacts("kept", slides, (a, b, c), epochs, best)
        return known["network"], [from_plain(one) for one in known["elsewhere"]], facts

    def _elsewhere(
        self, fold: Fold[SlideCohort], with_: tuple[PatchLearning, Comparators],
        made: tuple[PatchNetworkFit, tuple[int, int, int]],
    ) -> Iterator[FoldPiece]:  # fmt: skip
        outside = np.flatnonzero(~self.cohort.learned_from)
        if len(outside):
            other = Fold(self.cohort, fold.learned_from, outside, "elsewhere")
            yield self._asked(other, "held_out", self.order.folds, with_, made)

    def _exported(self, fit: PatchNetworkFit, fold: Fold[SlideCohort], learning: PatchLearning) -> dict[str, Any]:
        """Keep the graph and the golden patches; return plain facts."""

        def ask(place: int) -> NDArray[np.float32]:
            return learning.asked(fit, place, self.order.cropping)

        golden = golden_of(self.patches, fold, self.order, ask)
        one = fit.exported(golden.patches, golden.slides)
        self.graphs.put(GRAPH_FILE, one.graph)
        for name, content in one.cheaper:
            self.graphs.put(name, content)
        for number, content in enumerate(golden.files()):
            self.graphs.put(GOLDEN_FILE.format(number + 1), content)
        return {
            "architecture": one.architecture, "parameters": one.parameters, "pretrained": one.pretrained,
            "frozen": one.frozen, "heat_cells": one.heat_cells, "epochs": len(fit.losses),
            "losses": [list(pair) for pair in fit.losses], "graph_sha256": hashlib.sha256(one.graph).hexdigest(),
            "golden": [[float(p) for p in row] for row in one.probabilities], "tolerance": one.tolerance,
            "precisions": [list(row) for row in one.precisions],
            "golden_slides": golden.scored(),
        }  # fmt: skip
