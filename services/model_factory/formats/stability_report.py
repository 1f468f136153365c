"""The stability of features as JSON and as a page of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from services.model_factory.handlers.stability.assessing import STABLE_FROM, FeatureStability
from services.model_factory.handlers.statistics.estimates import Estimate

FEW = 12
"""Features up to which the text shows each; above, only how many of them are stable."""


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """Everything the report says."""

    cohort: str
    event: str
    """The positive class of the AUCs."""
    engine: str
    settings_sha256: str
    patients: int
    not_measured: tuple[tuple[str, int], ...]
    """Reason and number of patients."""
    rows: tuple[FeatureStability, ...]

    @property
    def alterations(self) -> tuple[str, ...]:
        """Return the alterations in the order they were made."""
        return tuple(dict.fromkeys(row.alteration for row in self.rows))


def stability_tree(report: StabilityReport) -> dict[str, Any]:
    """Return plain JSON values; what has no value is null."""
    head = {key: value for key, value in asdict(report).items() if key != "rows"}
    return {**head, "stable_from": STABLE_FROM, "rows": [{**asdict(row), "stable": row.stable} for row in report.rows]}


def stability_text(report: StabilityReport) -> str:
    """Return the report for people: per alteration, how stable the features are."""
    features = len({row.feature for row in report.rows})
    made = f"{report.engine}, settings {report.settings_sha256[:12]}"
    lines = [f"Stability of {features} features, {report.cohort}, {report.patients} patients ({made})"]
    lines += [f"not measured, {reason.replace('_', ' ')}: {n}" for reason, n in report.not_measured]
    lines += [
        f"ICC(2,1): agreement with the measurement as it is, stable from {STABLE_FROM:g}.",
        "ICC(3,1): the same, where what moves all patients alike does not matter.",
        f"AUC: of the feature alone for {report.event}. Patients count where the alteration changed anything.",
        "",
    ]
    for name in report.alterations:
        lines += _block(name, [row for row in report.rows if row.alteration == name])
    return "\n".join(lines) + "\n"


def _block(name: str, rows: list[FeatureStability]) -> Iterator[str]:
    stable = sum(row.stable for row in rows)
    yield f"{name} ({rows[0].kind}; {rows[0].patients} patients): {stable} of {len(rows)} stable"
    if len(rows) > FEW:
        return
    for row in rows:
        auc = f"{row.auc:.2f}" if row.auc is not None else "-"
        yield (
            f"  {row.feature:46} ICC(2,1) {_told(row.agreement)}  ICC(3,1) {_told(row.consistency)}  "
            f"AUC {auc}, change {_told(row.change)}"
        )


def _told(one: Estimate | None) -> str:
    if one is None:
        return "-"
    low, high = one.interval
    return f"{one.value:.2f} ({low:.2f} to {high:.2f})"
