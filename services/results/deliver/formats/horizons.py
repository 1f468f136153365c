"""The sentences of an answer in time: a risk per horizon with its interval, what is refused, the nomogram's points."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.prediction import HorizonRisk, Outcome, Prediction

_SMALLEST = 0.0005
"""Below it 0.1 % is not reached by rounding: "0.0 %" would read as "cannot happen"."""


def given(answer: Prediction) -> tuple[tuple[HorizonRisk, float], ...]:
    """Return the horizons that have a probability, with it, nearest first."""
    return tuple((row, row.probability) for row in answer.horizons if row.probability is not None)


def refused(answer: Prediction) -> tuple[HorizonRisk, ...]:
    """Return the horizons for which the model gives none."""
    return tuple(row for row in answer.horizons if row.probability is None)


def risk_name(outcome: Outcome, years: int) -> str:
    """Return what a number is called: "5-year risk of lung metastasis"; "probability" where the event is good news."""
    return f"{years}-year {'probability' if outcome.favourable else 'risk'} of {in_a_sentence(outcome.display)}"


def risk(outcome: Outcome, row: HorizonRisk) -> str:
    """Return one horizon: "5-year risk of lung metastasis 12.3 % (95 % 8.1 to 18.4)", or why there is no number."""
    if row.probability is None:
        return f"{risk_name(outcome, row.years)}: not given. {row.refused}"
    return f"{risk_name(outcome, row.years)} {rounded(row.probability)}{_interval(row)}"


def sentences(answer: Prediction) -> Iterator[str]:
    """Return one sentence per horizon, the complement beside each number, then what the event is."""
    outcome = answer.outcome
    for row in answer.horizons:
        yield risk(outcome, row) + (f"; {beside(outcome, row)}." if row.probability is not None else "")
    kind = "favourable" if outcome.favourable else "unfavourable"
    yield f"{outcome.display}: the event the model answers for. This is {_article(kind)} {kind} event."
    yield points(answer)


def beside(outcome: Outcome, row: HorizonRisk) -> str:
    """Return the complement of one horizon; empty where there is no number."""
    if row.probability is None:
        return ""
    return f"{in_a_sentence(outcome.complement_display)} within {row.years} years: {rounded(1.0 - row.probability)}"


def alternatives(answer: Prediction) -> tuple[str, ...]:
    """Return the risk under other readings of an ambiguous input: that of the nearest horizon that is given."""
    rows = given(answer)
    if not rows:
        return ()
    name = risk_name(answer.outcome, rows[0][0].years)
    return tuple(f"If {row.label}: {name} {rounded(row.probability)}." for row in answer.alternatives)


def points(answer: Prediction) -> str:
    """Return the total on the nomogram's scale; empty where there is no nomogram."""
    return f"Total on the nomogram: {total(answer):.1f} points." if answer.points else ""


def total(answer: Prediction) -> float:
    """Return the sum of the points."""
    return sum(row.points for row in answer.points)


def rounded(probability: float) -> str:
    """Return a probability for reading, to 0.1 %; never as 0.0 or 100.0 % unless it is."""
    if 0.0 < probability < _SMALLEST:
        return "below 0.1 %"
    if 1.0 - _SMALLEST < probability < 1.0:
        return "above 99.9 %"
    return f"{100 * probability:.1f} %"


def in_a_sentence(display: str) -> str:
    """Return a display as it stands inside a sentence; abbreviations keep their capitals."""
    return display if display[1:2].isupper() else display[:1].lower() + display[1:]


def _interval(row: HorizonRisk) -> str:
    if row.interval is None:
        return ""
    low, high = (rounded(end).removesuffix(" %") for end in row.interval)
    return f" (95 % {low} to {high})"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
