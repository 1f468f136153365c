"""A nomogram as plain values, for pages that draw it themselves."""

from __future__ import annotations

from typing import Any

from shared.domain.prediction import HorizonRisk
from shared.pictures.chart import Chart, Marks, Tick


def to_json(chart: Chart, marks: Marks | None = None) -> dict[str, Any]:
    """Return axes, and what one patient's marks on them are.

    Places on an input's axis are its points (0 to 100), those on the axes of total and risks total points. Labels of
    risks are percent, probabilities lie in [0, 1].
    """
    return {
        "inputs": [
            {
                "name": axis.name, "label": axis.label, "unit": axis.unit, "seen": axis.seen,
                "points": [axis.start, axis.end], "ticks": _ticks(axis.ticks),
            }
            for axis in chart.inputs
        ],
        "total": [0.0, chart.total],
        "horizons": [
            {"years": one.years, "ticks": _ticks(one.ticks), "refused": one.refused or None} for one in chart.risks
        ],
        "patient": None if marks is None else patient_json(marks),
    }  # fmt: skip


def patient_json(marks: Marks) -> dict[str, Any]:
    """Return one patient's values, points, total and risks."""
    return {
        "values": dict(marks.values),
        "points": dict(marks.points),
        "total": marks.total,
        "horizons": [_horizon(one) for one in marks.horizons],
    }


def _ticks(ticks: tuple[Tick, ...]) -> list[dict[str, Any]]:
    return [{"at": one.at, "label": one.label} for one in sorted(ticks, key=lambda tick: tick.at)]


def _horizon(one: HorizonRisk) -> dict[str, Any]:
    return {
        "years": one.years,
        "probability": one.probability,
        "interval": list(one.interval) if one.interval else None,
        "refused": one.refused or None,
    }
