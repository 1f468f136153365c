"""The whole numbers behind a printed row: which counts of true positives and negatives give it?"""

from __future__ import annotations

from dataclasses import dataclass

from services.model_factory.handlers.statistics.reported import Reported


@dataclass(frozen=True, slots=True)
class Confusion:
    """The four counts at a threshold; positive is the declared class."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def sensitivity(self) -> float:
        """Return TP / P."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Return TN / N."""
        return _share(self.true_negative, self.true_negative + self.false_positive)

    @property
    def ppv(self) -> float:
        """Return the share of positives among those called positive."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def npv(self) -> float:
        """Return the share of negatives among those called negative."""
        return _share(self.true_negative, self.true_negative + self.false_negative)

    @property
    def accuracy(self) -> float:
        """Return the share called rightly."""
        right = self.true_positive + self.true_negative
        return _share(right, right + self.false_negative + self.false_positive)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of sensitivity and PPV."""
        return _share(2 * self.true_positive, 2 * self.true_positive + self.false_negative + self.false_positive)

    def mirrored(self) -> Confusion:
        """Return the counts with the other class as positive."""
        return Confusion(self.true_negative, self.false_positive, self.true_positive, self.false_negative)


def numerators(value: float, whole: int, tolerance: float) -> tuple[int, ...]:
    """Return every k for which k / ``whole`` rounds to ``value``."""
    near = round(value * whole)
    return tuple(k for k in range(max(0, near - 2), min(whole, near + 2) + 1) if abs(k / whole - value) <= tolerance)


def confusions(row: Reported, *, without: str | None = None) -> tuple[Confusion, ...]:
    """Return all counts that give the row's sensitivity, specificity and accuracy; one of them may be left out."""
    if row.positives is None:
        return ()
    positives, negatives = row.positives, row.n - row.positives
    printed = {name: value for name, value in row.values.items() if name != without}
    found = []
    for right in _options(printed, "sensitivity", positives, row.half_unit):
        for left in _options(printed, "specificity", negatives, row.half_unit):
            one = Confusion(right, positives - right, left, negatives - left)
            if "accuracy" not in printed or abs(one.accuracy - printed["accuracy"]) <= row.half_unit:
                found.append(one)
    return tuple(found)


def _options(printed: dict[str, float], name: str, whole: int, tolerance: float) -> tuple[int, ...]:
    return numerators(printed[name], whole, tolerance) if name in printed else tuple(range(whole + 1))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
