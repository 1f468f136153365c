"""One kind of metric of ours: a name, what it counts, and labels whose values are a closed set.

A value outside its set is counted as ``other``: a metric is read by machines of others and kept for years, so nothing
that came from outside (a title, a UID, a name) may ever become a label.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)
OTHER = "other"
_MOST_STARTED = 64
"""Combinations of labels that stand at 0 from the start; more appear when they happen."""


@dataclass(slots=True)
class Label:
    """A label and its values; those of ``configured`` labels come from the site's configuration (sinks)."""

    name: str
    values: frozenset[str] = frozenset()
    configured: bool = False
    """True: ``allow`` says what they are."""

    def allow(self, values: Iterable[str]) -> None:
        """Add values from the site's configuration.

        Raises:
            ValueError: If the values of this label are fixed.
        """
        if not self.configured:
            raise ValueError(f"the values of {self.name} are fixed")
        self.values |= frozenset(values)

    def value(self, wanted: str) -> str:
        """Return ``wanted`` if it is in the set."""
        return str(wanted) if wanted in self.values else OTHER


class Family(Generic[Instrument]):
    """A metric of the catalogue, registered with Prometheus."""

    def __init__(self, kind: type[Instrument], name: str, text: str, labels: tuple[Label, ...], **options: Any) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._instrument: Instrument = kind(
            name, text, tuple(label.name for label in labels), registry=REGISTRY, **options
        )

    def start(self) -> None:
        """Show 0 for what has not happened yet, so that its first time is seen as a step."""
        combinations = list(product(*(sorted(label.values) for label in self.labels)))
        if self.labels and len(combinations) <= _MOST_STARTED:
            for values in combinations:
                self._instrument.labels(*values)

    def _of(self, given: Mapping[str, str]) -> Instrument:
        if not self.labels:
            return self._instrument
        child: Instrument = self._instrument.labels(*(label.value(given[label.name]) for label in self.labels))
        return child


class CounterFamily(Family[Counter]):
    """Only grows; the name ends in ``_total``."""

    def __init__(self, name: str, text: str, labels: tuple[Label, ...] = ()) -> None:
        super().__init__(Counter, name, text, labels)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count."""
        self._of(labels).inc(amount)


class GaugeFamily(Family[Gauge]):
    """A number that goes up and down."""

    def __init__(self, name: str, text: str, labels: tuple[Label, ...] = ()) -> None:
        super().__init__(Gauge, name, text, labels)
        self._lock = threading.Lock()

    def set(self, number: float, **labels: str) -> None:
        """State the number."""
        self._of(labels).set(number)

    def put(self, rows: Mapping[tuple[str, ...], float]) -> None:
        """State all numbers at once, by label values; what is not named becomes 0."""
        with self._lock:
            self._instrument.clear()
            self.start()
            for values, number in rows.items():
                self.set(number, **{label.name: value for label, value in zip(self.labels, values, strict=True)})


class HistogramFamily(Family[Histogram]):
    """A distribution of seconds."""

    def __init__(self, name: str, text: str, buckets: tuple[float, ...], labels: tuple[Label, ...] = ()) -> None:
        super().__init__(Histogram, name, text, labels, buckets=buckets)

    def observe(self, number: float, **labels: str) -> None:
        """Add one observation."""
        self._of(labels).observe(number)
