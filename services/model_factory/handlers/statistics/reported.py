"""A row of metrics as a table prints it: rounded, perhaps without the counts behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

COUNTED = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")


@dataclass(frozen=True, slots=True)
class Reported:
    """What one row says, and what it says it is about."""

    source: str
    """Paper and table."""
    row: str
    """Model and set."""
    classes: int
    """How many classes the model tells apart; 2 for a binary task."""
    positive_class: str | None
    """As declared by the table; None where it names none."""
    unit: str
    n: int
    prevalence: float | None
    """Of the declared positive class; of the whole cohort where the row's own is not given."""
    exact: bool
    """True where ``positives`` are the row's own."""
    positives: int | None = None
    values: dict[str, float] = field(default_factory=dict)
    """Of COUNTED, as printed."""
    decimals: int = 3
    averaged: bool = False
    """True where the numbers are means over folds: no whole numbers stand behind them."""

    def __post_init__(self) -> None:
        unknown = set(self.values) - set(COUNTED)
        if unknown or not all(0 <= value <= 1 for value in self.values.values()):
            raise ValueError(f"{self.source}, {self.row}: not shares, or not known: {sorted(unknown)}")
        if self.positives is not None and not 0 < self.positives < self.n:
            raise ValueError(f"{self.source}, {self.row}: {self.positives} positives of {self.n}")

    @property
    def half_unit(self) -> float:
        """Return the largest rounding error of a printed value."""
        return 0.5 * 10.0**-self.decimals + 1e-9
