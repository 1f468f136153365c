"""The tables of a report on slides: methods side by side, ranks, confusion, readings, cropping, times."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.formats.run_report.blocks import Grid
from services.model_factory.handlers.cohort.slides import LEVEL_NAMES, LEVELS
from services.model_factory.handlers.patches.features.all import NAMED_BY_PAPER
from services.model_factory.handlers.patches.features.grades import GradedFeature
from services.model_factory.handlers.slides.results import Ranked, SlidesResults
from services.model_factory.handlers.training.stated import Estimated
from shared.codes import local

_WAYS = {"out_of_fold": "out of fold", "held_out": "held out"}


def methods(results: SlidesResults) -> Grid:
    """Return AUC of every method, over all slides, per site, and of the NAT arm."""
    rows = tuple(
        (*_parts(one), _WAYS[one.kind], one.positive_class, _value(one), str(one.n), str(one.events))
        for one in results.performance
        if one.name == "auc" and one.kind in _WAYS
    )
    caption = (
        "AUC of every method on the same slides, by the same folds; nat: treated patients, positive class non_pcr. "
        "A slide without score is left out and n says so."
    )
    head = ("Method", "Slides of", "Judged", "Positive class", "AUC (95 %)", "n", "Events")
    return Grid(caption, head, rows, (0.2, 0.15, 0.12, 0.16, 0.21, 0.08, 0.08))


def _parts(one: Estimated) -> tuple[str, str]:
    method, _, part = one.model.partition(".")
    return method, part or "all"


def _value(one: Estimated) -> str:
    if one.value is None:
        return ""
    between = f" ({one.interval[0]:.3f} to {one.interval[1]:.3f})" if one.interval else ""
    return f"{one.value:.3f}{between}"


def compared(results: SlidesResults) -> Grid:
    """Return the test of every comparator against TL-PA."""
    rows = tuple(
        (one.second, _WAYS[one.kind], f"{one.difference:+.3f} ({one.interval[0]:+.3f} to {one.interval[1]:+.3f})",
         p_text(one.p))
        for one in results.compared
    )  # fmt: skip
    caption = (
        "On slides both can score: AUC of the method less that of TL-PA. DeLong's test, by resampled patients "
        "where one has several slides; p not corrected."
    )
    return Grid(caption, ("Method", "Judged", "Difference (95 %)", "p"), rows, (0.3, 0.2, 0.35, 0.15))


def ranks(results: SlidesResults) -> Grid:
    """Return Spearman's correlations with the levels and with RCB."""
    rows = tuple(
        (one.method, "five levels" if one.against == "level" else "RCB 0 to III", one.site or "all", _rho(one),
         "" if one.p is None else p_text(one.p), str(one.n))
        for one in results.ranked
    )  # fmt: skip
    caption = "Spearman's correlation. Of levels by IHC and FISH in the order of their names; paper 003: .37, RCB .45."
    head = ("Method", "Against", "Slides of", "rho (95 %)", "p", "n")
    return Grid(caption, head, rows, (0.2, 0.2, 0.18, 0.24, 0.1, 0.08))


def _rho(one: Ranked) -> str:
    if one.rho is None:
        return "not measured"
    between = f" ({one.interval[0]:+.2f} to {one.interval[1]:+.2f})" if one.interval else ""
    return f"{one.rho:+.3f}{between}"


def dunn(results: SlidesResults) -> Grid:
    """Return Dunn's pairs."""
    rows = tuple(
        ("level" if one.against == "level" else "RCB", one.first, one.second, f"{one.z:+.2f}", p_text(one.p),
         p_text(one.p_holm))
        for one in results.dunn
    )  # fmt: skip
    caption = "Dunn's test of TL-PA's score between groups; z above 0: the first scores higher."
    return Grid(
        caption, ("Groups", "First", "Second", "z", "p", "p (Holm)"), rows, (0.15, 0.22, 0.22, 0.13, 0.14, 0.14)
    )


def levels(results: SlidesResults) -> Grid:
    """Return the scores by level."""
    rows = tuple(
        (one.level, str(one.n), f"{one.median:.3f}", f"{one.low:.3f} to {one.high:.3f}") for one in results.level_scores
    )
    caption = "TL-PA's score by IHC and FISH. Nothing says that it rises: in paper 003 3+ scores lower than 2+/FISH+."
    return Grid(caption, ("By IHC and FISH", "Slides", "Median score", "Quartiles"), rows, (0.3, 0.2, 0.2, 0.3))


def confusions(results: SlidesResults) -> Iterator[Grid]:
    """Yield the five by five tables."""
    for one in results.confusion:
        rows = tuple(
            (name, *(str(count) for count in counts)) for name, counts in zip(LEVEL_NAMES, one.counts, strict=True)
        )
        head = ("By IHC and FISH", *(local.LEVELS[level].display for level in LEVELS.values()))
        caption = f"{one.method}, {_WAYS[one.kind]}, slides of {one.site or 'all sites'}: what each slide resembles."
        yield Grid(caption, head, rows, (0.2, 0.16, 0.16, 0.16, 0.16, 0.16))


def readings(results: SlidesResults) -> Grid:
    """Return the paper under every reading."""
    rows = tuple(
        ("A: tumour patches" if one.area == "a" else "B: all patches", one.rounding,
         "" if one.auc is None else f"{one.auc:.3f}", f"{one.set_to_zero} of {one.n}", str(one.not_scorable),
         str(one.levels_changed), f"{one.mean_difference:.4f}")
        for one in results.readings
    )  # fmt: skip
    cropping, area, rounding = results.reading
    caption = f"The same patches read otherwise. This run: cut by {cropping}, reading {area.upper()}, {rounding}."
    head = ("Area_IHC counts", ".3 x tumour", "AUC", "Set to 0 (Eq. 6)", "No score", "Other level", "Mean change")
    return Grid(caption, head, rows, (0.24, 0.13, 0.11, 0.16, 0.11, 0.12, 0.13))


def cropping(results: SlidesResults) -> Grid | None:
    """Return what the other rule would have said; None where it was not asked."""
    one = results.croppings
    if one is None:
        return None
    rows = (
        (one.own, f"{one.own_um[0]:.1f} to {one.own_um[1]:.1f}", _maybe(one.auc_own), "", "", ""),
        (one.other, f"{one.other_um[0]:.1f} to {one.other_um[1]:.1f}", _maybe(one.auc_other),
         _maybe(one.mean_difference), _maybe(one.mean_absolute), f"{one.levels_changed}; {one.not_scorable}"),
    )  # fmt: skip
    caption = f"{one.n} slides cut by both rules; differences are the other rule's less the run's own."
    head = ("Rule", "Side, micrometres", "AUC", "Mean difference", "Mean in size", "Other level; no score")
    return Grid(caption, head, rows, (0.17, 0.2, 0.12, 0.17, 0.15, 0.19))


def _maybe(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def times(results: SlidesResults) -> Grid:
    """Return how long each method takes."""
    rows = tuple(
        (one.method, _seconds(one.median_s), _seconds(one.slowest_s), str(one.patches), str(one.slides),
         "nothing" if one.learned_s is None else _seconds(one.learned_s))
        for one in results.times
    )  # fmt: skip
    caption = (
        "From what the network says of a slide's patches to its score, one thread; to learn: one fold. The paper "
        "claims seconds against minutes and prints no number. Measured where this ran, whatever else "
        "ran there."
    )
    head = ("Method", "Median", "Slowest", "Patches (median)", "Slides", "To learn")
    return Grid(caption, head, rows, (0.25, 0.15, 0.15, 0.17, 0.1, 0.18))


def _seconds(value: float) -> str:
    return f"{1000 * value:.2f} ms" if value < 1 else f"{value:.2f} s"


def patches(results: SlidesResults) -> Grid:
    """Return how the network does on single patches."""
    aucs = results.patches.aucs if results.patches else ()
    rows = tuple(
        (one.positive_class, f"{one.auc:.3f} ({one.low:.3f} to {one.high:.3f})", str(one.positives), str(one.patches))
        for one in aucs
    )
    caption = (
        "AUC on annotated patches of slides the network has not seen, 95 % interval by resampled patients; "
        "her2_positive among tumour patches (paper 003: .59 to .61), tumour among all."
    )
    return Grid(caption, ("Positive class", "AUC", "Positive", "Patches"), rows, (0.34, 0.34, 0.16, 0.16))


def patch_kinds(results: SlidesResults) -> Grid:
    """Return which kind of patch is taken for which."""
    names = ("non-tumour", "tumour, HER2-negative slide", "tumour, HER2-positive slide")
    counts = results.patches.confusion if results.patches else ()
    rows = tuple((name, *(str(one) for one in row)) for name, row in zip(names, counts, strict=bool(counts)))
    return Grid(
        "Patches by what they are (rows) and by their most probable kind.", ("", *names), rows, (0.4, 0.2, 0.2, 0.2)
    )


def patch_features(results: SlidesResults) -> Grid:
    """Return the features of patches that differ most between the grades."""
    found = results.patch_features
    features = () if found is None else found.features
    ranked = sorted(features, key=lambda one: (one.name not in NAMED_BY_PAPER, min(_holms(one), default=1.0), one.name))
    rows = tuple(
        (one.name, *("-" if median is None else f"{median:.3g}" for median in one.medians), f"{min(_holms(one)):.2g}")
        for one in ranked
        if one.pairs
    )
    caption = (
        "Hand-made features of tumour patches, median by grade of p (I from .33, V from .7); the three the paper names "
        "first. Smallest p of Dunn's test between two grades, corrected by Holm; patches of one slide are alike, so p "
        "describes and proves nothing about patients."
    )
    return Grid(
        caption, ("Feature", "I", "II", "III", "IV", "V", "p"), rows, (0.34, 0.11, 0.11, 0.11, 0.11, 0.11, 0.11)
    )


def _holms(one: GradedFeature) -> list[float]:
    return [pair.p_holm for pair in one.pairs]


def fits(results: SlidesResults) -> Grid:
    """Return every training."""
    rows = tuple(
        (one.name, str(one.slides), *(str(count) for count in one.patches), f"{one.kept_epoch} of {one.epochs}")
        for one in results.fits
    )
    caption = "Patch networks: slides and patches learned from; the epoch that was kept."
    head = ("Learned for", "Slides", "Non-tumour", "Negative", "Positive", "Epoch kept")
    return Grid(caption, head, rows, (0.25, 0.13, 0.16, 0.15, 0.15, 0.16))


def slides(results: SlidesResults) -> Grid:
    """Return what the slides are."""
    facts = results.slides
    rows = [("Slides (patients)", f"{facts.slides} ({facts.patients})"), ("Annotated", str(facts.annotated)),
            ("Treated before surgery (NAT arm)", str(facts.treated))]  # fmt: skip
    rows += [(f"Scanner {name}", str(count)) for name, count in facts.scanners]
    rows += [(f"Site {name}", f"{count}, {positive} positive") for name, count, positive in facts.sites]
    rows += [(f"By IHC and FISH: {name}", str(count)) for name, count in facts.levels]
    rows += [("Stains by a fallback", str(len(facts.fallbacks))),
             ("Smallest angle between the stains of a slide", f"{facts.smallest_angle:.1f} degrees")]  # fmt: skip
    return Grid("The slides.", ("What", "How many"), tuple(rows), (0.6, 0.4))


def p_text(p: float) -> str:
    """Return a p value as people print it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"
