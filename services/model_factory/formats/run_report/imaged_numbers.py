"""The tables of a report on models from images: odds, the paper's table 4, comparisons, both arms side by side."""

from __future__ import annotations

import math

from services.model_factory.formats.run_report.blocks import Grid
from services.model_factory.handlers.imaged.results import Arm, FamilyModel, ImagedResults, RadScoreFacts
from services.model_factory.handlers.training.stated import Estimated, Ratio

_Z = 1.959963984540054
_COLUMNS = ("specificity", "sensitivity", "auc", "accuracy", "f1")
"""In the order of the paper's table 4."""


def odds_table(results: ImagedResults) -> Grid:
    """Return odds ratios of the event alone and together."""
    rows = tuple(
        (one.feature, _ratio(one.univariable), _p(one.univariable), _ratio(one.multivariable), _p(one.multivariable))
        for one in results.effects
    )
    caption = (
        "Table 3. Odds ratios of axillary pCR (the paper's table models its complement); together: ER, HER2 and T, "
        "named beforehand."
    )
    head = ("Column", "Alone (95 %)", "p", "Together (95 %)", "p")
    return Grid(caption, head, rows, (0.3, 0.25, 0.1, 0.25, 0.1))


def _ratio(one: Ratio | None) -> str:
    return "" if one is None else f"{one.value:.2f} ({one.interval[0]:.2f} to {one.interval[1]:.2f})"


def _p(one: Ratio | None) -> str:
    return "" if one is None else _p_text(one.p)


def _p_text(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def table_4(arm: Arm) -> Grid:
    """Return the models by the five measures the paper prints, every one with its interval."""
    by_row: dict[tuple[str, str], dict[str, Estimated]] = {}
    for one in arm.performance:
        by_row.setdefault((one.kind, one.model), {})[one.name] = one
    rows = tuple(
        (model.replace("_", " ").replace(".", ", "), kind.replace("_", " "), *(_cell(found.get(n)) for n in _COLUMNS))
        for (kind, model), found in by_row.items()
    )
    caption = "Table 4. Positive class of every column: axillary_pcr. The machine (SVM) ranks and has no threshold."
    head = ("Model", "Judged", "SPE", "SEN", "AUC", "ACC", "F1")
    return Grid(caption, head, rows, (0.2, 0.13, 0.134, 0.134, 0.134, 0.134, 0.134))


def _cell(one: Estimated | None) -> str:
    if one is None or one.value is None:
        return ""
    between = f" ({one.interval[0]:.2f}-{one.interval[1]:.2f})" if one.interval else ""
    return f"{one.value:.3f}{between}"


def fold_aucs(arm: Arm) -> Grid:
    """Return the AUC of every fold with mean and sample deviation."""
    rows = tuple(
        (one.model, one.kind.replace("_", " "), " ".join(f"{v:.3f}" for v in one.values),
         f"{one.mean:.3f} ± {one.deviation:.3f}")
        for one in arm.folds
    )  # fmt: skip
    return Grid("AUC by fold.", ("Model", "Judged", "Folds", "Mean ± SD"), rows, (0.3, 0.15, 0.37, 0.18))


def compared(arm: Arm) -> Grid:
    """Return DeLong's test between models."""
    rows = tuple(
        (one.kind.replace("_", " "), one.first, one.second,
         f"{one.difference:+.3f} ({one.interval[0]:+.3f} to {one.interval[1]:+.3f})", _p_text(one.p))
        for one in arm.compared
    )  # fmt: skip
    caption = "DeLong's test on the same patients: AUC of the second less that of the first; p not corrected."
    return Grid(caption, ("Judged", "First", "Second", "Difference (95 %)", "p"), rows, (0.15, 0.24, 0.24, 0.27, 0.1))


def side_by_side(results: ImagedResults) -> Grid:
    """Return what each arm says of each model's AUC, and the difference."""
    own = {arm.name: _aucs(arm) for arm in results.arms}
    paper, corrected = own["paper"], own["corrected"]
    pairs = (("after_selection", "out_of_fold"), ("held_out", "held_out"), ("apparent", "apparent"))
    rows = []
    for model in dict.fromkeys(one for _, one in corrected):
        for left, right in pairs:
            first, second = paper.get((left, model)), corrected.get((right, model))
            if first and second and first.value is not None and second.value is not None:
                judged = f"{left} / {right}" if left != right else left
                rows.append((model, judged.replace("_", " "), _cell(first), _cell(second),
                             f"{first.value - second.value:+.3f}"))  # fmt: skip
    head = ("Model", "Judged (as published / corrected)", "As published", "Corrected", "Difference")
    caption = "AUC for axillary_pcr, as published and corrected, side by side."
    return Grid(caption, head, tuple(rows), (0.24, 0.26, 0.19, 0.19, 0.12))


def _aucs(arm: Arm) -> dict[tuple[str, str], Estimated]:
    return {(one.kind, one.model): one for one in arm.performance if one.name == "auc"}


def paper_features(facts: RadScoreFacts) -> Grid:
    """Return the six features the paper names and what became of them here."""
    rows = tuple(
        (
            one.feature,
            "yes" if one.chosen else "no",
            f"{one.fits} of {facts.fits}",
            "" if one.p is None else _p_text(one.p),
        )
        for one in facts.paper
    )
    how = "Named beforehand, not screened." if facts.prespecified else "Screened like all others."
    head = ("Feature of the paper", "In the rad-score", "Chosen in fits", "Mann-Whitney p")
    return Grid(f"The paper's six features. {how}", head, rows, (0.5, 0.16, 0.17, 0.17))


def coefficients(model: FamilyModel) -> Grid:
    """Return one family's logistic model and its thresholds."""
    rows = [("intercept", f"{model.intercept:+.4f}", "")]
    for place, (name, beta) in enumerate(zip(model.columns, model.coefficients, strict=True), start=1):
        half = _Z * math.sqrt(max(0.0, model.covariance[place][place]))
        ratio = f"{math.exp(beta):.3g} ({math.exp(beta - half):.3g} to {math.exp(beta + half):.3g})"
        rows.append((name, f"{beta:+.4f}", ratio))
    caption = (
        f"{model.family}: logistic model on {model.n} patients, {model.events} with axillary pCR"
        f"{', with a small ridge penalty' if model.penalised else ''}. Thresholds: {model.logistic_threshold:.3f} "
        f"(logistic), {model.forest_threshold:.3f} (forest, {model.trees} trees, {model.per_split} feature per split)."
    )
    return Grid(caption, ("Column", "Log odds ratio", "Odds ratio (95 %, Wald)"), tuple(rows), (0.4, 0.25, 0.35))


def tuning(results: ImagedResults) -> Grid:
    """Return the tuning curve of the random forest."""
    rows = tuple((str(one.trees), str(one.per_split), f"{one.auc:.3f}") for one in results.tuning)
    caption = (
        "Tuning of the random forest of the richest family: AUC of out-of-bag votes on the training rows. It chooses "
        "nothing: 500 trees and one feature per split are the paper's."
    )
    return Grid(caption, ("Trees", "Features per split", "AUC"), rows, (0.3, 0.4, 0.3))
