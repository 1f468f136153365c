"""The sections of a report on slides: TL-PA beside its comparators, the paper's contradictions before any number."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.formats.plots.calibration import calibration_scene
from services.model_factory.formats.plots.flow import flow_scene
from services.model_factory.formats.plots.losses import losses_scene
from services.model_factory.formats.plots.roc import roc_scene
from services.model_factory.formats.run_report import numbers
from services.model_factory.formats.run_report import slides_numbers as tables
from services.model_factory.formats.run_report.blocks import Block, Bullets, Heading, Picture, Report, Text
from services.model_factory.formats.run_report.checklists import grid
from services.model_factory.formats.run_report.slides_checklists import slides_probast, slides_tripod
from services.model_factory.handlers.slides.contradictions import CONTRADICTIONS
from services.model_factory.handlers.slides.order import TL_PA
from services.model_factory.handlers.slides.results import SlidesResults


def slides_report(results: SlidesResults, banner: str) -> Report:
    """Return the report of a finished run on slides."""
    cohort, made, facts = results.cohort, results.provenance, results.slides
    subtitle = (
        f"Cohort {cohort.name}: {facts.slides} slides of {facts.patients} patients, {cohort.events} HER2-positive by "
        f"IHC/ISH. Preset {made.preset}, seed {made.seed}. Inputs of the run: {made.inputs_digest[:16]}."
    )
    blocks = (
        *_summary(results), *_contradictions(), *_slides(results), *_network(results), *_performance(results),
        *_levels(results), *_readings(results), *_limits(results), *_lists(results), *numbers.provenance(made),
    )  # fmt: skip
    return Report(f"{made.recipe}: HER2 from H&E slides, TL-PA and its comparators", banner, subtitle, blocks)


def _summary(results: SlidesResults) -> Iterator[Block]:
    yield Heading("In short")
    yield Text(
        "Positive class her2_positive (3+, or 2+ with FISH amplification, by IHC/ISH); unit: slide. H&E shows neither "
        "IHC nor FISH: every level below is what a slide resembles."
    )
    yield tables.methods(results)
    if results.compared:
        yield tables.compared(results)
    yield Heading("Warnings", 3)
    yield Bullets(tuple(one.sentence for one in results.warnings))


def _contradictions() -> Iterator[Block]:
    yield Heading("What the paper contradicts")
    yield Bullets(CONTRADICTIONS)


def _slides(results: SlidesResults) -> Iterator[Block]:
    yield Heading("Slides")
    yield Text(results.cohort.description)
    kept = results.fits[-1]
    yield Picture(flow_scene(results.cohort, kept.slides, results.cohort.events))
    yield tables.slides(results)
    if results.slides.fallbacks:
        yield Bullets(results.slides.fallbacks)


def _network(results: SlidesResults) -> Iterator[Block]:
    one, cut = results.network, results.cut
    yield Heading("The patch network")
    first = f"began from {one.pretrained}" if one.pretrained else "began from RANDOM WEIGHTS, not pre-trained"
    sides = [*(f"{side} pixels" for side in cut.learned_px), *(f"{side:g} micrometres" for side in cut.learned_um)]
    yield Text(
        f"{one.architecture}: {one.parameters:,} parameters, {first}. Patches of {cut.side_um:g} micrometres at "
        f"{cut.input_px} pixels. Learned from patches of {' and '.join(sides)}; tumour from a share of {cut.inside:g} "
        f"of annotated area, non-tumour up to {cut.outside:g}; "
        f"{'all of them' if cut.most_per_slide is None else f'at most {cut.most_per_slide} of a kind per slide'}."
    )
    yield tables.fits(results)
    yield tables.patches(results)
    yield tables.patch_kinds(results)
    yield tables.patch_features(results)
    yield Picture(losses_scene(one.losses))


def _performance(results: SlidesResults) -> Iterator[Block]:
    yield Heading("Performance")
    for kind in dict.fromkeys(one.kind for one in results.roc):
        curves = tuple(one for one in results.roc if one.kind == kind)
        yield Picture(roc_scene(curves, results.performance, "HER2-positive"))
    for curve in results.calibration_curves:
        yield Picture(calibration_scene(curve))
    for name, source in results.features:
        yield Text(f"{name}: features of {source}.", strong=source.startswith("random"))
    yield tables.times(results)
    yield Heading("Every number", 3)
    yield from numbers.performance(results.performance)


def _levels(results: SlidesResults) -> Iterator[Block]:
    yield Heading("Against IHC, FISH and response")
    yield tables.ranks(results)
    yield tables.levels(results)
    yield tables.dunn(results)
    yield from tables.confusions(results)


def _readings(results: SlidesResults) -> Iterator[Block]:
    yield Heading("The paper read otherwise")
    yield tables.readings(results)
    cropping = tables.cropping(results)
    if cropping:
        yield cropping
    else:
        yield Text("No slide was cut by the other rule: how much that matters is not known.", strong=True)
    one = results.platt
    yield Text(
        f"Probability of her2_positive = 1 / (1 + exp(-({one.intercept:.4f} + {one.slope:.4f} x score))), fitted on "
        f"{one.n} slides unseen by their network, {one.events} positive. {one.note}"
    )


def _limits(results: SlidesResults) -> Iterator[Block]:
    yield Heading("Limits")
    use = (
        "demonstration: how a slide becomes a result" if results.cohort.simulated else "research under its own approval"
    )
    yield Bullets(
        (
            f"For {use}. Not for decisions about a patient; HER2 is determined by IHC and ISH.",
            "A level is a name for what a slide resembles, in no order of worth; there is no HER2-low category.",
            "A scanner that was not seen may shift every score; `oncorelay calibrate her2` measures a shift.",
            (
                f"{TL_PA} and its comparators learned from the same folds; comparators' settings are their papers', "
                "not searched for."
            ),
        )
    )


def _lists(results: SlidesResults) -> Iterator[Block]:
    yield Heading("TRIPOD+AI")
    yield grid("TRIPOD+AI (Collins et al., BMJ 2024;385:e078378).", slides_tripod(results))
    yield Heading("PROBAST+AI")
    yield grid("PROBAST+AI (Moons et al., BMJ 2025;388:e082505), in our words.", slides_probast(results))
