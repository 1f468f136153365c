"""Numbers and curves of all methods on judged slides; every number with its class, slides and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.slides import LEVEL_NAMES, LEVELS, RCB, SlideCohort
from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers
from services.model_factory.handlers.slides.order import TL_PA, SlidesOrder
from services.model_factory.handlers.slides.platt import cross_fitted
from services.model_factory.handlers.slides.results import Compared, Confusion, DunnRow, Judged, LevelScores, Ranked
from services.model_factory.handlers.statistics.arrays import Labels
from services.model_factory.handlers.statistics.at_threshold import roc_points
from services.model_factory.handlers.statistics.bootstrap import replicates, resamples, with_intervals
from services.model_factory.handlers.statistics.calibration import calibration
from services.model_factory.handlers.statistics.delong import compare_aucs
from services.model_factory.handlers.statistics.discrimination import auc, proportion
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.rank_tests import dunn, spearman_estimated
from services.model_factory.handlers.training.curves import CalibrationCurve, CalibrationPoint, RocCurve
from services.model_factory.handlers.training.stated import Estimated
from shared.domain.slide_answers import SlideLevel
from shared.predictors.her2.scale import NEGATIVE_POSITIVE, level_of
from shared.predictors.her2.scale import POSITIVE_CLASS as EVENT

NON_PCR = "non_pcr"
"""Positive class of the NAT arm: no pathologic complete response (paper 003)."""
CUT_SOURCE = "paper 003: above .20 the slide resembles 2+/FISH+ or 3+"
GROUPS = 5
_CERTAIN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What every method says of the judged slides of one kind; arrays have one entry per slide."""

    kind: Judged
    cohort: SlideCohort
    places: Counts
    fold: Counts
    scores: Mapping[str, Numbers]
    """By method; NaN: not scorable."""

    @property
    def event(self) -> Flags:
        """Return who is positive."""
        events: Flags = self.cohort.events[self.places]
        return events

    @property
    def patients(self) -> Labels:
        """Return a number per patient."""
        _, number = np.unique([self.cohort.patients[place] for place in self.places], return_inverse=True)
        return np.asarray(number)

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the sites of these slides, if there are several."""
        found = sorted({self.cohort.sites[place] for place in self.places})
        return tuple(found) if len(found) > 1 else ()

    def at(self, site: str) -> Said:
        """Return the slides of one site; empty: all."""
        if not site:
            return self
        return self._only(np.array([self.cohort.sites[place] == site for place in self.places], dtype=np.bool_))

    def treated(self) -> Said:
        """Return the slides of the NAT arm."""
        return self._only(self.cohort.non_pcr[self.places] >= 0)

    def _only(self, chosen: Flags) -> Said:
        scores = {method: one[chosen] for method, one in self.scores.items()}
        return Said(self.kind, self.cohort, self.places[chosen], self.fold[chosen], scores)


def performance(said: Said, order: SlidesOrder) -> Iterator[Estimated]:
    """Yield AUC per method, over all and per site, TL-PA's cut and probability, and the NAT arm."""
    for site in ("", *said.sites):
        part = said.at(site)
        for method in said.scores:
            yield from _auc(part, method, part.event, EVENT, site, order)
    yield from _at_cut(said)
    yield from _calibrated(said, order)
    nat = said.treated()
    for method in said.scores:
        yield from _auc(nat, method, nat.cohort.non_pcr[nat.places] == 1, NON_PCR, "nat", order)


def _auc(said: Said, method: str, event: Flags, positive: str, part: str, order: SlidesOrder) -> Iterator[Estimated]:
    score = said.scores[method]
    known = np.isfinite(score)
    if _both(event[known]):
        rng = order.random(f"auc {method} {said.kind} {part} {positive}")
        found = _estimate(event[known], score[known], said.patients[known], rng, order.resamples)
        yield _estimated(said.kind, "auc", found, positive, event[known], f"{method}.{part}" if part else method)


def _estimate(event: Flags, score: Numbers, patients: Labels, rng: np.random.Generator, repeats: int) -> Estimate:
    """Return the AUC; where a patient has several slides DeLong's interval is too short and patients are resampled."""
    if len(np.unique(patients)) == len(patients) or not repeats:
        return auc(event, score)

    def of(rows: Labels) -> Numbers:
        return np.array([auc(event[rows], score[rows]).value])

    return with_intervals(of, patients, rng, repeats)[0]


def _at_cut(said: Said) -> Iterator[Estimated]:
    score, event = said.scores[TL_PA], said.event
    known = np.isfinite(score)
    called, event = score[known] > NEGATIVE_POSITIVE, event[known]
    for name, group, right in (("sensitivity", event, called), ("specificity", ~event, ~called)):
        if group.any():
            found = proportion(int((right & group).sum()), int(group.sum()))
            yield _estimated(said.kind, name, found, EVENT, event, TL_PA, NEGATIVE_POSITIVE)


def _calibrated(said: Said, order: SlidesOrder) -> Iterator[Estimated]:
    chance, event, patients = chances(said)
    if not _both(event):
        return

    def brier(rows: Labels) -> Numbers:
        return np.array([np.mean((chance[rows] - event[rows]) ** 2)])

    rng = order.random(f"brier {said.kind}")
    yield _estimated(said.kind, "brier", with_intervals(brier, patients, rng, order.resamples)[0], EVENT, event, TL_PA)
    try:
        found = calibration(event, np.clip(chance, _CERTAIN, 1 - _CERTAIN))
    except ValueError:
        return
    for name, one in (("calibration_slope", found.slope), ("calibration_in_the_large", found.in_the_large)):
        yield _estimated(said.kind, name, one, EVENT, event, TL_PA)


def chances(said: Said) -> tuple[Numbers, Flags, Labels]:
    """Return the probability of scorable slides by curves of the other folds, who is positive, and whose they are."""
    score = said.scores[TL_PA]
    known = np.isfinite(score)
    fold = said.fold[known]
    if len(np.unique(fold)) < 2:
        fold = halves(said.patients[known], said.event[known])  # one split has no other folds
    chance = cross_fitted(score[known], said.event[known], fold)
    given = np.isfinite(chance)
    return chance[given], said.event[known][given], said.patients[known][given]


def halves(patients: Labels, event: Flags) -> Labels:
    """Return 0 or 1 of every slide: patients dealt within their class, all slides of one together."""
    found = np.zeros(len(patients), dtype=np.intp)
    positive = np.isin(patients, patients[event])
    for group in (positive, ~positive):
        found[group] = np.searchsorted(np.unique(patients[group]), patients[group]) % 2
    return found


def calibration_curve(said: Said) -> CalibrationCurve | None:
    """Return groups by predicted probability; None where there is none."""
    chance, event, _ = chances(said)
    if len(event) < 2 * GROUPS or np.ptp(chance) == 0:
        return None
    points = []
    for places in np.array_split(np.argsort(chance, kind="stable"), GROUPS):
        share = proportion(int(event[places].sum()), len(places))
        points.append(CalibrationPoint(float(chance[places].mean()), share.value, share.interval, len(places)))
    return CalibrationCurve(said.kind, 0, tuple(points), (), (), (), None, None, None, None, None, TL_PA)


def rocs(said: Said) -> Iterator[RocCurve]:
    """Yield one curve per method."""
    for method, score in said.scores.items():
        known = np.isfinite(score)
        if _both(said.event[known]):
            false, true = roc_points(said.event[known], score[known])
            yield RocCurve(said.kind, 0, tuple(map(float, false)), tuple(map(float, true)), method)


def compare(said: Said, order: SlidesOrder) -> Iterator[Compared]:
    """Yield TL-PA against every other method on the slides both can score."""
    for method, score in said.scores.items():
        known = np.isfinite(score) & np.isfinite(said.scores[TL_PA])
        if method == TL_PA or not _both(said.event[known]):
            continue
        rng = order.random(f"compare {method} {said.kind}")
        both = said.event[known], said.scores[TL_PA][known], score[known]
        difference, interval, p = _difference(*both, said.patients[known], rng, order.resamples)
        yield Compared(said.kind, TL_PA, method, difference, interval, p)


def _difference(
    event: Flags, own: Numbers, other: Numbers, patients: Labels, rng: np.random.Generator, repeats: int
) -> tuple[float, tuple[float, float], float]:
    """Return difference, 95 % interval and p: DeLong's; by the spread over resampled patients where one has several.

    Slides of a patient are alike: counted as if they were not, the test would find what is not there.
    """
    found = compare_aucs(event, own, other)
    value = found.difference.value
    if len(np.unique(patients)) == len(patients):
        return value, found.difference.interval, found.p

    def of(rows: Labels) -> Numbers:
        return np.array([compare_aucs(event[rows], own[rows], other[rows]).difference.value])

    sampled = replicates(of, resamples(patients, repeats, rng))[:, 0]
    sampled = sampled[np.isfinite(sampled)]
    if len(sampled) < 2:
        return value, (-1.0, 1.0), 1.0
    error = float(sampled.std(ddof=1))
    p = math.erfc(abs(value) / error / math.sqrt(2.0)) if error > 0 else 1.0
    low, high = np.quantile(sampled, [0.025, 0.975])
    return value, (float(low), float(high)), p


def ranked(said: Said, order: SlidesOrder) -> Iterator[Ranked]:
    """Yield Spearman's correlation of every method with the five levels, per site too, and with RCB."""
    for site in ("", *said.sites):
        part = said.at(site)
        for method in said.scores:
            yield _rank(part, method, part.cohort.levels[part.places], "level", site, order)
    nat = said.treated()
    if len(nat.places):
        for method in said.scores:
            yield _rank(nat, method, nat.cohort.rcb[nat.places], "rcb", "", order)


def _rank(said: Said, method: str, groups: Counts, against: str, site: str, order: SlidesOrder) -> Ranked:
    from scipy import stats

    score = said.scores[method]
    known = np.isfinite(score) & (groups >= 0)
    n, of = int(known.sum()), "level" if against == "level" else "rcb"
    told: Ranked = Ranked(method, said.kind, "level" if of == "level" else "rcb", site, None, None, "", n, None)
    x, y = score[known], groups[known].astype(np.float64)
    try:
        rng = order.random(f"spearman {method} {said.kind} {against} {site}")
        found = spearman_estimated(x, y, said.patients[known], rng, order.resamples)
    except ValueError:
        return told
    interval = found.interval if np.isfinite(found.interval).all() else None
    p = float(stats.spearmanr(x, y).pvalue)
    return Ranked(method, said.kind, told.against, site, found.value, interval, found.method, n, p)


def dunn_rows(said: Said) -> Iterator[DunnRow]:
    """Yield Dunn's pairs of levels, and of RCB classes, by TL-PA's score."""
    nat = said.treated()
    for part, groups, names in (
        (said, said.cohort.levels[said.places], LEVEL_NAMES),
        (nat, nat.cohort.rcb[nat.places], RCB),
    ):
        score = part.scores[TL_PA]
        known = np.isfinite(score) & (groups >= 0)
        try:
            pairs = dunn(score[known], groups[known])
        except ValueError:
            continue
        for one in pairs:
            against = DunnRow("level", names[one.first], names[one.second], one.z, one.p, one.p_holm)
            yield (
                against
                if names is LEVEL_NAMES
                else DunnRow("rcb", against.first, against.second, one.z, one.p, one.p_holm)
            )


def level_scores(said: Said) -> Iterator[LevelScores]:
    """Yield the scores of every level, in the order of the sheet's names."""
    score, levels = said.scores[TL_PA], said.cohort.levels[said.places]
    for number, name in enumerate(LEVEL_NAMES):
        of = score[(levels == number) & np.isfinite(score)]
        if len(of):
            low, median, high = np.quantile(of, [0.25, 0.5, 0.75])
            yield LevelScores(name, len(of), float(median), float(low), float(high))


def confusions(said: Said) -> Iterator[Confusion]:
    """Yield what IHC and FISH said against what the slide resembles, over all and per site."""
    order: Sequence[SlideLevel] = tuple(LEVELS.values())
    for site in ("", *said.sites):
        part = said.at(site)
        counts = np.zeros((len(order), len(order)), dtype=np.intp)
        for score, level in zip(part.scores[TL_PA], part.cohort.levels[part.places], strict=True):
            if np.isfinite(score) and level >= 0:
                counts[level, order.index(level_of(float(score)))] += 1
        if counts.any():
            yield Confusion(TL_PA, said.kind, site, tuple(tuple(int(one) for one in row) for row in counts))


def _both(event: Flags) -> bool:
    return min(int(event.sum()), int((~event).sum())) >= 2


def _estimated(
    kind: Judged, name: str, found: Estimate, positive: str, event: Flags, model: str, cut: float | None = None
) -> Estimated:
    low, high = found.interval
    interval = (low, high) if np.isfinite([low, high]).all() else None
    return Estimated(
        name, kind, found.value, interval, found.method, positive, "slide", len(event), int(event.sum()), None, model,
        cut, CUT_SOURCE if cut is not None else "",
    )  # fmt: skip
