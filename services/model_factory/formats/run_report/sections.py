"""The sections of a report, in the order people read them."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.formats.plots.calibration import calibration_scene
from services.model_factory.formats.plots.cuts import cut_scene
from services.model_factory.formats.plots.decision import decision_scene
from services.model_factory.formats.plots.flow import flow_scene
from services.model_factory.formats.plots.frequencies import frequencies_scene
from services.model_factory.formats.plots.importance import importance_scene
from services.model_factory.formats.plots.incidence import incidence_scene
from services.model_factory.formats.plots.nomogram import run_nomogram
from services.model_factory.formats.plots.path import path_scene
from services.model_factory.formats.plots.roc import roc_scene
from services.model_factory.formats.plots.survival import survival_scene
from services.model_factory.formats.plots.venn import venn_scene
from services.model_factory.formats.run_report import numbers
from services.model_factory.formats.run_report.blocks import Block, Bullets, Grid, Heading, Picture, Report, Text
from services.model_factory.formats.run_report.checklists import grid
from services.model_factory.formats.run_report.imaged_sections import imaged_report
from services.model_factory.formats.run_report.model_card import model_card
from services.model_factory.formats.run_report.slides_sections import slides_report
from services.model_factory.formats.run_report.survival_checklists import probast, tripod
from services.model_factory.handlers.imaged.results import ImagedResults
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.training.results import RunResults

DEMONSTRATION = "DEMONSTRATION: simulated patients. Not for decisions about a patient."
SLIDES = "DEMONSTRATION: simulated slides. Not for decisions about a patient."
RESEARCH = "RESEARCH: one cohort, not validated elsewhere. Not for decisions about a patient."


def report_of(results: RunResults | ImagedResults | SlidesResults) -> Report:
    """Return the report of a finished run of any kind."""
    if isinstance(results, SlidesResults):
        return slides_report(results, SLIDES if results.cohort.simulated else RESEARCH)
    if isinstance(results, ImagedResults):
        return imaged_report(results, DEMONSTRATION if results.cohort.simulated else RESEARCH)
    cohort, made = results.cohort, results.provenance
    banner = DEMONSTRATION if cohort.simulated else RESEARCH
    subtitle = (
        f"Cohort {cohort.name}: {cohort.patients} patients, {cohort.events} events. Preset {made.preset}, "
        f"seed {made.seed}. Inputs of the run: {made.inputs_digest[:16]}."
    )
    blocks = (
        *_summary(results), *_cohort(results), *_selection(results), *_model(results, banner), *_performance(results),
        *_groups(results), *_lists(results), *model_card(results), *numbers.provenance(results.provenance),
    )  # fmt: skip
    return Report(f"{made.recipe}: development of a prediction model", banner, subtitle, blocks)


def _summary(results: RunResults) -> Iterator[Block]:
    yield Heading("In short")
    names = ", ".join(results.selection.chosen) or "none"
    how = "named beforehand" if results.selection.prespecified else "chosen by all three selectors"
    yield Text(f"Variables {how}: {names}.")
    if results.gap:
        one = results.gap
        yield Text(
            f"Selection outside against inside cross-validation, {one.metric}: {one.outside:.3f} outside, "
            f"{one.inside:.3f} inside. The gap of {one.gap:+.3f} is optimism, not performance "
            f"({one.folds} folds, {one.repeats} repeat{'s' if one.repeats > 1 else ''}).",
            strong=True,
        )
    for horizon in results.model.horizons:
        if horizon.refused:
            yield Text(f"No risk at {horizon.years} years: {horizon.refused}.", strong=True)
    if results.warnings:
        yield Heading("Warnings", 3)
        yield Bullets(tuple(one.sentence for one in results.warnings))


def _cohort(results: RunResults) -> Iterator[Block]:
    cohort = results.cohort
    yield Heading("Patients")
    yield Text(cohort.description)
    yield Text(
        f"{cohort.patients} patients, {cohort.events} with {cohort.event_display.lower()}"
        + (f", {cohort.competing_events} with the competing event ({cohort.competing_event.lower()})"
           if cohort.competing_event else "; no competing event is recorded")
        + f". Median follow-up {cohort.median_follow_up_years:.1f} years (reverse Kaplan-Meier), longest "
        f"{cohort.longest_follow_up_years:.1f}, last event at {cohort.last_event_years:.1f}."
    )  # fmt: skip
    yield Picture(flow_scene(results.cohort, results.model.n, results.model.events))
    yield numbers.table_1(results.table1)


def _selection(results: RunResults) -> Iterator[Block]:
    chosen = results.selection
    yield Heading("Selection")
    for method in chosen.methods:
        yield Picture(importance_scene(method))
    if chosen.path.deviance:
        yield Picture(path_scene(chosen.path))
    named = (f"{' and '.join(one.methods)} only: {', '.join(one.candidates)}" for one in chosen.venn if one.candidates)
    yield Picture(venn_scene(chosen.venn), "; ".join(named))
    if chosen.frequencies and chosen.draws:
        yield Picture(frequencies_scene(chosen))
    else:
        yield Text("The selection was not repeated in bootstrap draws: how stable it is, is not known.", strong=True)
    if chosen.fold_choices:
        yield Bullets(tuple(f"Fold {n}: {', '.join(one) or 'nothing'}" for n, one in enumerate(chosen.fold_choices, 1)))


def _model(results: RunResults, banner: str) -> Iterator[Block]:
    yield Heading("The model")
    if not results.model.terms:
        yield Text("The model has no variable: nothing was chosen by all methods.", strong=True)
        return
    yield numbers.table_2(results)
    yield numbers.specification(results)
    yield numbers.horizons(results)
    tested = tuple(
        (one.feature, "<0.001" if one.p < 0.001 else f"{one.p:.3f}") for one in results.model.proportionality
    )
    caption = "Proportional hazards: scaled Schoenfeld residuals against the rank of time."
    yield Grid(caption, ("Column", "p"), tested, (0.7, 0.3))
    nomogram = run_nomogram(results, banner)
    if nomogram:
        yield Picture(nomogram)
    for one in results.sensitivities:
        terms = ", ".join(f"{name} {value:+.3f}" for name, value in one.terms)
        yield Text(
            f"Sensitivity: {one.replaced} replaced by {one.by}: C-index {one.c_index:.3f} (apparent); log hazard "
            f"ratios {terms}."
        )


def _performance(results: RunResults) -> Iterator[Block]:
    yield Heading("Performance")
    yield from numbers.performance(results.performance)
    given = sorted({one.years for one in results.roc})
    for years in given:
        yield Heading(f"At {years} years", 3)
        yield Picture(roc_scene(tuple(one for one in results.roc if one.years == years), results.performance))
        for curve in results.calibration:
            if curve.years == years:
                yield Picture(calibration_scene(curve))
        for decision in results.decision:
            if decision.years == years:
                yield Picture(decision_scene(decision))


def _groups(results: RunResults) -> Iterator[Block]:
    yield Heading("Groups and cuts")
    for cut in results.cuts:
        yield Picture(cut_scene(cut))
    for one in results.survival:
        yield Picture(survival_scene(one))
    if results.incidence and results.incidence.years:
        cohort = results.cohort
        yield Heading("Competing risk", 3)
        yield Picture(incidence_scene(results.incidence, cohort.event_display, cohort.competing_event))
    else:
        yield Text("Competing risk: the cohort records no competing event.")


def _lists(results: RunResults) -> Iterator[Block]:
    yield Heading("TRIPOD+AI")
    yield grid("TRIPOD+AI (Collins et al., BMJ 2024;385:e078378).", tripod(results))
    yield Heading("PROBAST+AI")
    yield grid("PROBAST+AI (Moons et al., BMJ 2025;388:e082505), in our words.", probast(results))
