"""One training run, from a typed cohort to its results."""

from __future__ import annotations

from dataclasses import dataclass

from services.model_factory.handlers.cohort.typed import Categorical, Measured, TypedCohort
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.folds.making import everyone, split
from services.model_factory.handlers.selection.selector import Selected
from services.model_factory.handlers.survival.cox import fit_cox
from services.model_factory.handlers.survival.horizons import refusal
from services.model_factory.handlers.survival.planner import carried, plan
from services.model_factory.handlers.training.crossing import Crossed, cross
from services.model_factory.handlers.training.curves import DecisionCurve, MaximalCut, SurvivalByGroup
from services.model_factory.handlers.training.describing import survival_facts, table1
from services.model_factory.handlers.training.draws import Draws, draw_many
from services.model_factory.handlers.training.effects import effects
from services.model_factory.handlers.training.final_model import final_model, sensitivities
from services.model_factory.handlers.training.grouping import by_cut, by_level, incidence, maximal_cut
from services.model_factory.handlers.training.guarding import guarded
from services.model_factory.handlers.training.judging import (
    GRID,
    Judged,
    Verdict,
    judged,
    optimism_corrected,
    single_line,
    verdict,
    with_correction,
)
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.pipeline import Fitted, fit_pipeline
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.selected import Selection
from services.model_factory.handlers.training.stated import Provenance, Warned
from services.model_factory.ports import Checkpoints, Progress
from shared.domain.errors import InvalidInputError

# Second parts of the keys of randomness; draws and folds have theirs in draws.py and crossing.py.
_SPLIT, _FINAL, _JUDGING, _CUTS = 0, 1, 4, 5
LEAST_VALIDATION_EVENTS = 100
"""Collins, Ogundimu & Altman, Stat Med 2016;35:214-226."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What is trained on what, and where pieces are kept."""

    cohort: TypedCohort
    order: Order
    provenance: Provenance
    kept: Checkpoints
    progress: Progress

    def __call__(self) -> RunResults:
        """Run everything that is not yet kept, and return the results.

        Raises:
            InvalidInputError: If the cohort cannot carry the run: too few events, an unknown variable.
        """
        self._refuse()
        whole = self._whole()
        fitted, selected = self._final(whole)
        horizons = self._horizons(whole)
        crossed = self._crossed(whole, fitted, horizons)
        apparent = self._apparent(whole, fitted, horizons)
        draws = self._draws(whole, apparent, horizons)
        other = self._other(whole, fitted, crossed, horizons)
        return self._told(whole, fitted, selected, crossed, draws, apparent, other)

    def _refuse(self) -> None:
        names = {column.name for column in self.cohort.columns}
        strange = sorted(set(self.order.variables) - names)
        if strange:
            raise InvalidInputError("variables", f"{strange[0]} is no column of the cohort")
        least = max(self.order.recipe.selector.folds, self.order.folds)
        if self.cohort.events.sum() < least:
            raise InvalidInputError("cohort", f"{int(self.cohort.events.sum())} events; at least {least} are needed")

    def _whole(self) -> Fold:
        share = self.order.recipe.held_out_share
        return split(self.cohort, share, self.order.random(_SPLIT)) if share else everyone(self.cohort)

    def _final(self, whole: Fold) -> tuple[Fitted, Selected]:
        """Select on the training patients and fit; variables named beforehand do not stop the selectors' opinion."""
        rows, recipe = whole.training, self.order.recipe
        with self.progress.stage("selection and model", 1) as step:
            fitted = fit_pipeline(rows, recipe, self.order.random(_FINAL))
            selected = fitted.selected
            if selected is None:  # pragma: no cover - only where variables are passed
                raise AssertionError
            if self.order.variables:
                model = fit_cox(rows, fitted.prepared, self.order.variables)
                fitted = Fitted(fitted.prepared, selected, self.order.variables, model)
            step()
        return fitted, selected

    def _horizons(self, whole: Fold) -> tuple[int, ...]:
        rows = whole.training
        return tuple(h for h in self.order.target.horizons if not refusal(rows.years, rows.events, h))

    def _crossed(self, whole: Fold, fitted: Fitted, horizons: tuple[int, ...]) -> Crossed:
        pieces = self.order.folds * self.order.repeats
        with self.progress.stage("cross-validation, selection inside", pieces) as step:
            return cross(whole, self.order, fitted.variables, horizons, self.kept, step)

    def _apparent(self, whole: Fold, fitted: Fitted, horizons: tuple[int, ...]) -> Verdict:
        on = judged("apparent", whole.training, fitted.model, horizons)
        with self.progress.stage("apparent performance", 1) as step:
            found = self._verdict(on, 0)
            step()
        return Verdict(
            found.performance, found.roc, found.calibration, self._with_single(whole, fitted, found), found.missing
        )

    def _verdict(self, on: Judged, number: int) -> Verdict:
        rng = self.order.random(_JUDGING, number)
        return verdict(on, self.cohort.event, self.order.target.action, rng, self.order.resamples)

    def _with_single(self, whole: Fold, fitted: Fitted, found: Verdict) -> tuple[DecisionCurve, ...]:
        """Add the line of every variable's own model."""
        rows = whole.training
        models = {name: fit_cox(rows, fitted.prepared, (name,)) for name in fitted.variables}
        return tuple(
            DecisionCurve(
                one.kind, one.years, one.action, one.thresholds,
                (*one.lines, *(single_line(n, rows, m.risk(rows, one.years), one.years) for n, m in models.items())),
            )
            for one in found.decision
        )  # fmt: skip

    def _draws(self, whole: Fold, apparent: Verdict, horizons: tuple[int, ...]) -> Draws:
        grids = {one.years: one.smooth_predicted for one in apparent.calibration}
        grids = {h: grids.get(h, GRID) for h in horizons}
        with self.progress.stage("bootstrap of the whole pipeline", self.order.bootstraps) as step:
            return draw_many(whole, self.order, grids, self.kept, step)

    def _other(self, whole: Fold, fitted: Fitted, crossed: Crossed, horizons: tuple[int, ...]) -> tuple[Verdict, ...]:
        """Judge on patients nothing was learned from: the held-out ones, and every fold's own."""
        years, events = self.cohort.years[crossed.index], self.cohort.events[crossed.index]
        on = [Judged("out_of_fold", years, events, crossed.linear, crossed.risk, crossed.risks)]
        if len(whole.left_out):
            on.append(judged("held_out", whole.held_out, fitted.model, horizons))
        with self.progress.stage("performance on others", len(on)) as step:
            found = []
            for number, one in enumerate(on, start=1):
                found.append(self._verdict(one, number))
                step()
        return tuple(found)

    def _told(
        self, whole: Fold, fitted: Fitted, selected: Selected, crossed: Crossed, draws: Draws, apparent: Verdict,
        other: tuple[Verdict, ...],
    ) -> RunResults:  # fmt: skip
        verdicts = (apparent, *other)
        cuts, survival, trouble = self._groups(whole, fitted)
        model = final_model(whole.training, fitted, self.order.target.horizons)
        corrected = optimism_corrected(apparent, draws, self.cohort.event)
        performance = (*apparent.performance, *corrected, *(row for one in other for row in one.performance))
        return RunResults(
            schema_version=1,
            provenance=self.provenance,
            cohort=survival_facts(self.cohort, len(fitted.prepared.columns)),
            table1=table1(self.cohort),
            selection=Selection(
                bool(self.order.variables), fitted.variables, selected.methods, selected.path, selected.venn,
                draws.count, draws.frequencies, crossed.choices, draws.regions, draws.steadiness,
            ),
            model=model,
            performance=performance,
            gap=crossed.gap,
            roc=tuple(curve for one in verdicts for curve in one.roc),
            calibration=(
                *(with_correction(curve, draws) for curve in apparent.calibration),
                *(curve for one in other for curve in one.calibration),
            ),
            decision=tuple(curve for one in verdicts for curve in one.decision),
            survival=survival,
            cuts=cuts,
            incidence=incidence(whole.training),
            sensitivities=sensitivities(whole, self.order.recipe, self.order.target, fitted.variables),
            warnings=(
                *self._warnings(whole, fitted, [*trouble, *(text for one in verdicts for text in one.missing)]),
                *guarded(performance),
            ),
            effects=effects(whole.training, fitted),
            carried=carried(whole.training, len(fitted.prepared.columns)),
        )  # fmt: skip

    def _groups(
        self, whole: Fold, fitted: Fitted
    ) -> tuple[tuple[MaximalCut, ...], tuple[SurvivalByGroup, ...], list[str]]:
        rows, cuts, curves, trouble = whole.training, [], [], []
        groupings = [name for name in self.order.target.groupings if name in self._names]
        names = [*fitted.variables, *(name for name in groupings if name not in fitted.variables)]
        with self.progress.stage("cuts and groups", len(names)) as step:
            for number, name in enumerate(names):
                column = self.cohort.column(name)
                try:
                    if isinstance(column, Measured):
                        rng = self.order.random(_CUTS, number)
                        cuts.append(maximal_cut(rows, column, rng, self.order.resamples))
                        curves.append(by_cut(rows, column, cuts[-1]))
                    elif isinstance(column, Categorical):
                        curves.append(by_level(rows, column))
                except ValueError as error:
                    trouble.append(f"{name}: {error}")
                step()
        return tuple(cuts), tuple(curves), trouble

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.cohort.columns)

    def _warnings(self, whole: Fold, fitted: Fitted, missing: list[str]) -> tuple[Warned, ...]:
        rows, found = whole.training, []
        planned = plan(int(rows.events.sum()), len(self.cohort.columns))
        if planned:
            found.append(planned)
        found += [
            Warned("horizon_refused", f"No risk at {h} years: {why}.")
            for h in self.order.target.horizons
            if (why := refusal(rows.years, rows.events, h))
        ]
        if not fitted.variables:
            found.append(
                Warned("nothing_selected", "No candidate was chosen by all methods: the model has no variable.")
            )
        if fitted.model.penalised:
            found.append(Warned("penalised", "A level has no event, or only events: the fit carries a small penalty."))
        held_out = int(self.cohort.events[whole.left_out].sum())
        if len(whole.left_out) and held_out < LEAST_VALIDATION_EVENTS:
            found.append(Warned("validation_small", f"{held_out} events among the patients held out; 100 are wanted."))
        return (*found, *(Warned("not_measured", text) for text in missing))
