"""The uni- and multivariable table: every candidate alone, the chosen ones together."""

from __future__ import annotations

from services.model_factory.handlers.folds.fold import TrainingRows, learning_from
from services.model_factory.handlers.statistics.effect_table import hazard_ratios
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.training.pipeline import Fitted
from services.model_factory.handlers.training.stated import EffectLine, Ratio


def effects(rows: TrainingRows, fitted: Fitted) -> tuple[EffectLine, ...]:
    """Return one line per column that varies among the training patients.

    Univariable tests of many candidates choose nothing here: they are shown because the paper shows them.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    learning_from(rows)
    design = fitted.prepared.design(rows).varying()
    names = [column.name for column in design.columns]
    chosen = [column.name for column in fitted.model.columns]
    table = hazard_ratios(design.x, rows.years, rows.events, names, chosen)
    return tuple(
        EffectLine(
            column.name, column.candidate, column.transform, column.level,
            _ratio(row.univariable, row.univariable_p), _ratio(row.multivariable, row.multivariable_p),
        )
        for column, row in zip(design.columns, table, strict=True)
    )  # fmt: skip


def _ratio(found: Estimate | None, p: float | None) -> Ratio | None:
    return None if found is None or p is None else Ratio(found.value, found.interval, p)
