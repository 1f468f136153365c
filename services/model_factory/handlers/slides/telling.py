"""The results of a run from what its folds said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.slides import LEVEL_NAMES, SlideCohort
from services.model_factory.handlers.slides import describing, judging
from services.model_factory.handlers.slides.cropping import cropping_sensitivity
from services.model_factory.handlers.slides.judging import Said
from services.model_factory.handlers.slides.order import TL_PA, SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches
from services.model_factory.handlers.slides.patchwise import features_by_grade, patch_facts
from services.model_factory.handlers.slides.pieces import FoldPiece
from services.model_factory.handlers.slides.platt import fit_platt
from services.model_factory.handlers.slides.results import (
    CutFacts,
    FitFacts,
    GoldenSlideFacts,
    NetworkFacts,
    Platt,
    SlideScore,
    SlidesResults,
)
from services.model_factory.handlers.slides.scoring import (
    JudgedSlide,
    reading_rows,
    readings_of,
    scores,
    tumour_patches,
)
from services.model_factory.handlers.slides.timing import timed_methods
from services.model_factory.handlers.slides.warning import warnings_of
from services.model_factory.handlers.training.describing import cohort_facts
from services.model_factory.handlers.training.guarding import guarded_together
from services.model_factory.handlers.training.stated import Provenance, Warned
from shared.domain.errors import InvalidInputError
from shared.predictors.her2.scale import level_of

KINDS = ("out_of_fold", "held_out")


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """Everything the results are made from."""

    cohort: SlideCohort
    patches: SlidePatches
    cut: CutFacts
    order: SlidesOrder
    provenance: Provenance
    features: Mapping[str, str]
    """Features -> where they come from."""
    clock: Callable[[], float]

    def results(self, pieces: Sequence[FoldPiece], network: dict[str, Any], kept: FitFacts) -> SlidesResults:
        """Return the results.

        Raises:
            InvalidInputError: If no judged slide of a class can be scored: nothing can be calibrated.
        """
        said = [one for one in (self._said(pieces, kind) for kind in KINDS) if one is not None]
        first = said[0]
        own = [one for one in _slides(pieces) if one.kind == first.kind]
        performance = tuple(number for one in said for number in judging.performance(one, self.order))
        facts, levels = describing.slides_facts(self.cohort, self.patches), tuple(judging.level_scores(first))
        net, platt, features = _network(network), self._platt(first), self._features()
        warned = tuple(warnings_of(facts, net, platt, said, features, levels, performance))
        curves = (judging.calibration_curve(one) for one in said)
        return SlidesResults(
            schema_version=1, kind="slides", provenance=self.provenance, cohort=cohort_facts(self.cohort),
            slides=facts, cut=self.cut,
            reading=(self.order.cropping.value, self.order.area_reading.value, self.order.rounding.value),
            fits=(*(piece.fit for piece in pieces if piece.fit.name != kept.name), kept), network=net,
            patches=patch_facts([one.patches for one in pieces if _kind(one) == first.kind], self.cohort, self.order),
            patch_features=features_by_grade(own, self.patches, self.order), features=features,
            performance=performance, roc=tuple(curve for one in said for curve in judging.rocs(one)),
            calibration_curves=tuple(one for one in curves if one),
            compared=tuple(row for one in said for row in judging.compare(one, self.order)),
            ranked=tuple(row for one in said for row in judging.ranked(one, self.order)),
            dunn=tuple(judging.dunn_rows(first)), level_scores=levels,
            confusion=tuple(row for one in said for row in judging.confusions(one)),
            times=tuple(timed_methods(pieces, self.order, self.clock)),
            readings=tuple(reading_rows(own, first.event, self.order)),
            croppings=cropping_sensitivity(own, first.event, self.order), platt=platt,
            scores=tuple(self._score(one) for one in _slides(pieces)),
            golden_slides=tuple(GoldenSlideFacts(*one) for one in network["golden_slides"]),
            warnings=(*warned, *(Warned(one.code, one.sentence) for one in guarded_together(performance))),
        )  # fmt: skip

    def _said(self, pieces: Sequence[FoldPiece], kind: str) -> Said | None:
        slides = [one for one in _slides(pieces) if one.kind == kind]
        if not slides:
            return None
        found = {TL_PA: scores(slides, readings_of(self.order))}
        for name in self.order.comparators:
            given = {place: score for piece in pieces if name in piece.compared
                     for place, score in piece.compared[name].scores.items()}  # fmt: skip
            if given:
                found[name] = np.array([given.get(one.place, np.nan) for one in slides])
        return Said(
            slides[0].kind, self.cohort, np.array([one.place for one in slides], dtype=np.intp),
            np.array([one.fold for one in slides], dtype=np.intp), found,
        )  # fmt: skip

    def _platt(self, said: Said) -> Platt:
        score = said.scores[TL_PA]
        known = np.isfinite(score)
        try:
            return fit_platt(score[known], said.event[known])
        except ValueError as error:
            raise InvalidInputError("cohort", f"no probability can be fitted: {error}") from error

    def _features(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, self.features[name.split("_")[0]]) for name in self.order.comparators
                     if name.split("_")[0] in self.features)  # fmt: skip

    def _score(self, one: JudgedSlide) -> SlideScore:
        given = float(scores([one], readings_of(self.order))[0])
        level = int(self.cohort.levels[one.place])
        return SlideScore(
            one.place + 1, one.kind, bool(self.cohort.events[one.place]), LEVEL_NAMES[level] if level >= 0 else "",
            given if np.isfinite(given) else None, level_of(given).value if np.isfinite(given) else "",
            tumour_patches(one.probabilities), len(one.probabilities),
        )  # fmt: skip


def _kind(piece: FoldPiece) -> str:
    return piece.slides[0].kind if piece.slides else ""


def _slides(pieces: Sequence[FoldPiece]) -> list[JudgedSlide]:
    return [one for piece in pieces for one in piece.slides]


def _network(told: dict[str, Any]) -> NetworkFacts:
    return NetworkFacts(
        told["architecture"], told["parameters"], told["pretrained"], told["frozen"], told["heat_cells"],
        told["epochs"], tuple((a, b) for a, b in told["losses"]), told["graph_sha256"],
        tuple((a, b, c) for a, b, c in told["golden"]), told["tolerance"],
        tuple((a, b, c, d) for a, b, c, d in told["precisions"]),
    )  # fmt: skip
