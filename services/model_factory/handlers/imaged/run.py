"""One training run on images, from a measured cohort to its results."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.folds.fold import Fold, TrainingRows
from services.model_factory.handlers.folds.making import everyone, stratified_split
from services.model_factory.handlers.imaged import describing
from services.model_factory.handlers.imaged.distance import seen_by
from services.model_factory.handlers.imaged.families import FAMILIES, Family, Scores
from services.model_factory.handlers.imaged.faring import fared
from services.model_factory.handlers.imaged.fitting import NetworkScoring, NoScoring, RadScoring
from services.model_factory.handlers.imaged.judging import compare, fold_aucs, judge
from services.model_factory.handlers.imaged.kept_models import family_models, tuned
from services.model_factory.handlers.imaged.measured import MeasuredImages
from services.model_factory.handlers.imaged.order import EVENT, HELD_OUT_SHARE, ImagedOrder
from services.model_factory.handlers.imaged.partition import CrossFitted, Partition
from services.model_factory.handlers.imaged.predicting import (
    MACHINE,
    Columns,
    Fitted,
    Predicted,
    Trainer,
    asked,
    joined,
)
from services.model_factory.handlers.imaged.results import (
    Arm,
    ImagedResults,
    NetworkFacts,
    PaperFeature,
    RadScoreFacts,
    ScoreSettings,
    ScoreTerm,
)
from services.model_factory.handlers.networks.resnet3d.golden import golden_crop
from services.model_factory.handlers.selection.screening import PAPER_FEATURES, rank_sum_p
from services.model_factory.handlers.training.guarding import guarded_together
from services.model_factory.handlers.training.stated import Preset, Provenance, Warned
from services.model_factory.ports import Checkpoints, ForestGraph, Graphs, NetworkTrainer, Progress
from shared.domain.errors import InvalidInputError

NETWORK_FILE, GOLDEN_CROP_FILE = "network.onnx", "golden.npy"
LEAST_VALIDATION_EVENTS = 100
"""Collins, Ogundimu & Altman, Stat Med 2016;35:214-226."""
_HOW: dict[Preset, tuple[str, ...]] = {
    "corrected": (
        "screening, rad-score, network learned anew without every fold; out-of-fold for a model's own rows (stacking)",
        "thresholds by Youden on cross-validated predictions of the training patients, frozen",
    ),
    "paper": (
        "screening and network once on all training patients, in-sample scores (the paper's training AUC of .989)",
        "its cross-validation judges models whose scores have seen the judged fold",
    ),
}


@dataclass(frozen=True, slots=True)
class ImagedRun:
    """What is trained on what, and where pieces are kept."""

    cohort: ImagedCohort
    measured: MeasuredImages
    order: ImagedOrder
    provenance: Provenance
    trainer: NetworkTrainer | None
    """None: no network is trained, and the family clinical_dlr has no model."""
    make_forest: ForestGraph
    kept: Checkpoints
    graphs: Graphs
    progress: Progress

    def __call__(self) -> ImagedResults:
        """Run everything that is not yet kept, and return the results.

        Raises:
            InvalidInputError: If the cohort records another event, or too few of it.
        """
        self._refuse()
        everybody = everyone(self.cohort)
        part = stratified_split(self.cohort, HELD_OUT_SHARE, self.order.random("split"))
        nested = self.order.preset == "corrected"
        with self.progress.stage("scores of the images", self._fits(nested=nested)) as step:
            rad = RadScoring(self.measured, self.order, self.kept, step)
            network = NetworkScoring(self.measured, self.order, self.trainer, self.kept, step) if self.trainer else None
            halved = self._columns(part, self.order.split_folds or self.order.folds, "split", rad, network)
            kept, rows, scores = self._in_sample(halved)
            arms, name = [self._paper(halved, kept, rows, scores)], "split"
            if nested:
                crossed, name = self._columns(everybody, self.order.folds, "all", rad, network), "all"
                kept, rows, scores = self._of_all(crossed)
                arms.insert(0, self._corrected(crossed, halved, kept, scores))
        return self._told(rows, part, kept, scores, arms, (rad, network, name))

    def _refuse(self) -> None:
        if self.cohort.event != EVENT:
            raise InvalidInputError("cohort", f"records {self.cohort.event}, and ln_pcr is about {EVENT}")
        fewest = int(min(self.cohort.events.sum(), (~self.cohort.events).sum()))
        least = 4 * max(self.order.folds, self.order.split_folds)
        if fewest < least:
            raise InvalidInputError("cohort", f"{fewest} patients with, or without, the event; {least} are needed")

    @property
    def _families(self) -> tuple[Family, ...]:
        return FAMILIES if self.trainer else FAMILIES[:-1]

    def _fits(self, *, nested: bool) -> int:
        k, both = self.order.folds, 2 if self.trainer else 1
        return both * ((1 + self.order.split_folds + k * (k - 1) // 2 + k + 1) if nested else 1)

    def _columns(
        self, fold: Fold[ImagedCohort], parts: int, name: str, rad: RadScoring, network: NetworkScoring | None
    ) -> Columns:
        partition = Partition.of(fold, parts, self.order.random(f"parts {name}"))
        seer = network or NoScoring(self.cohort.n)
        return Columns(CrossFitted(partition, rad, f"rad-{name}"), CrossFitted(partition, seer, f"network-{name}"))

    @property
    def _models(self) -> Trainer:
        return Trainer(self._families, self.order)

    def _paper(self, halved: Columns, models: list[Fitted], rows: TrainingRows[ImagedCohort], scores: Scores) -> Arm:
        """Judge what the paper did: in-sample scores, one split, cross-validation after the selection."""
        others = halved.rad.partition.fold.held_out
        sets = asked(models, "apparent", rows, scores)
        sets += self._models.after_selection(rows, scores, models)
        sets += asked(models, "held_out", others, halved.others())
        sets += self._models.machines(rows, scores, others, halved.others(), "held_out")
        return self._arm("paper", sets)

    def _in_sample(self, halved: Columns) -> tuple[list[Fitted], TrainingRows[ImagedCohort], Scores]:
        rows, scores = halved.whole()
        return self._models.fitted(rows, scores, "paper"), rows, scores

    def _of_all(self, crossed: Columns) -> tuple[list[Fitted], TrainingRows[ImagedCohort], Scores]:
        """Fit the kept models: on everybody, on scores out-of-fold."""
        rows, scores = crossed.rad.partition.fold.training, crossed.training()
        crossed.rad.opinion(frozenset())
        crossed.network.opinion(frozenset())
        return self._models.fitted(rows, scores, "all"), rows, scores

    def _corrected(self, crossed: Columns, halved: Columns, kept: list[Fitted], scores: Scores) -> Arm:
        """Judge with everything learned anew inside: nested cross-validation, and the split."""
        rows = crossed.rad.partition.fold.training
        sets = asked(kept, "apparent", rows, scores) + self._nested(crossed)
        if not self.order.split_folds:
            return self._arm("corrected", sets)
        half, half_scores = halved.rad.partition.fold, halved.training()
        models = self._models.fitted(half.training, half_scores, "split")
        sets += asked(models, "held_out", half.held_out, halved.others())
        return self._arm("corrected", sets)

    def _nested(self, crossed: Columns) -> list[Predicted]:
        partition, folds = crossed.rad.partition, []
        for k in range(partition.count):
            fold = partition.without(frozenset({k}), k)
            scores, judged = crossed.training(k), crossed.judged(k)
            models = self._models.fitted(fold.training, scores, f"without {k}")
            machines = self._models.machines(fold.training, scores, fold.held_out, judged, "out_of_fold")
            folds.append(asked(models, "out_of_fold", fold.held_out, judged, k) + machines)
        return joined(folds)

    def _arm(self, name: Preset, sets: list[Predicted]) -> Arm:
        found = judge(sets, self.order)
        served = [one for one in sets if not one.model.endswith(MACHINE)]
        survived = [one for one in (fared(one, self.cohort) for one in served) if one]
        return Arm(
            name, (*_HOW[name], *found.missing), found.performance, found.roc, found.calibration, found.decision,
            compare(served), fold_aucs(served), tuple(survived),
        )  # fmt: skip

    def _told(
        self, rows: TrainingRows[ImagedCohort], part: Fold[ImagedCohort], kept: list[Fitted], scores: Scores,
        arms: list[Arm], made: tuple[RadScoring, NetworkScoring | None, str],
    ) -> ImagedResults:  # fmt: skip
        rad, network, name = made
        with self.progress.stage("kept models", 1) as step:
            facts = self._rad_score(rows, rad, f"rad-{name}")
            seen = seen_by(rows, self.measured, tuple(one.feature for one in facts.terms))
            models = family_models(kept, rows, scores, self.order, self.make_forest, self.graphs)
            told = self._network(rows, network, f"network-{name}") if network else None
            curve = tuned(self._families[-1], rows, scores, self.order)
            step()
        return ImagedResults(
            1, "images", self.provenance, describing.facts(self.cohort, len(models[0].columns)),
            describing.by_event(self.cohort), describing.by_split(part), len(part.left_out),
            describing.effects(self.cohort), tuple(arms), models, facts, told, seen, curve,
            self._warnings(arms, models, facts, part),
        )  # fmt: skip

    def _rad_score(self, rows: TrainingRows[ImagedCohort], rad: RadScoring, name: str) -> RadScoreFacts:
        one, measured = rad.fitted[name], self.measured
        places = {feature: place for place, feature in enumerate(measured.names)}
        chosen = {term.feature for term in one.terms}
        counts = {f: sum(f in {t.feature for t in fit.terms} for fit in rad.fitted.values()) for f in PAPER_FEATURES}
        paper = []
        for feature in PAPER_FEATURES:
            place = places.get(feature)
            p = None if place is None else _p(measured, rows, place)
            paper.append(PaperFeature(feature, feature in chosen, counts[feature], p))
        return RadScoreFacts(
            ScoreSettings(**dataclasses.asdict(measured.settings)), measured.settings_sha256, measured.engine,
            len(measured.names),
            tuple(ScoreTerm(t.feature, t.mean, t.deviation, t.coefficient) for t in one.terms),
            tuple((step.name, step.left) for step in one.steps), bool(self.order.named), tuple(paper), len(rad.fitted),
        )  # fmt: skip

    def _network(self, rows: TrainingRows[ImagedCohort], network: NetworkScoring, name: str) -> NetworkFacts:
        crops = self.measured.crops[rows.index]
        crop = golden_crop((crops.shape[1], crops.shape[2], crops.shape[3], crops.shape[4]))
        one = network.network(rows, name).exported(crop, crops)
        self.graphs.put(NETWORK_FILE, one.graph)
        self.graphs.put(GOLDEN_CROP_FILE, _npy(crop))
        return NetworkFacts(
            one.architecture, one.parameters, one.input_shape, one.margin, one.heat_layer, one.heat_shape, one.epochs,
            one.losses, one.probability, one.heat_peak, one.tolerance, hashlib.sha256(one.graph).hexdigest(),
            one.precisions,
        )  # fmt: skip

    def _warnings(
        self, arms: list[Arm], models: tuple[object, ...], rad: RadScoreFacts, part: Fold[ImagedCohort]
    ) -> tuple[Warned, ...]:
        found = []
        if not rad.terms:
            found.append(Warned("nothing_selected", "No radiomic feature was chosen: the rad-score is one number."))
        if any(getattr(one, "penalised", False) for one in models):
            found.append(Warned("penalised", "A level has no event, or only events: a fit carries a small penalty."))
        held_out = int(self.cohort.events[part.left_out].sum())
        if held_out < LEAST_VALIDATION_EVENTS:
            found.append(Warned("validation_small", f"{held_out} events among the patients held out; 100 are wanted."))
        if self.trainer is None:
            found.append(Warned("no_network", "No network was trained: there is no Clinical-DLR model."))
        for arm in arms:
            found += [Warned(one.code, f"{arm.name}: {one.sentence}") for one in guarded_together(arm.performance)]
        return tuple(found)


def _p(measured: MeasuredImages, rows: TrainingRows[ImagedCohort], place: int) -> float | None:
    values = measured.values[rows.index, place]
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    return float(rank_sum_p(values[:, None], rows.events)[0])


def _npy(crop: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    import io

    out = io.BytesIO()
    np.save(out, crop.astype(np.float32), allow_pickle=False)
    return out.getvalue()
