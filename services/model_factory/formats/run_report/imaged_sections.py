"""The sections of a report on models from images: the paper's tables and figures, as published beside corrected."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.formats.plots.calibration import calibration_scene
from services.model_factory.formats.plots.decision import decision_scene
from services.model_factory.formats.plots.flow import flow_scene
from services.model_factory.formats.plots.losses import losses_scene
from services.model_factory.formats.plots.roc import roc_scene
from services.model_factory.formats.plots.survival import survival_scene
from services.model_factory.formats.run_report import numbers
from services.model_factory.formats.run_report.blocks import Block, Bullets, Grid, Heading, Picture, Report, Text
from services.model_factory.formats.run_report.checklists import grid
from services.model_factory.formats.run_report.imaged_checklists import imaged_probast, imaged_tripod
from services.model_factory.formats.run_report.imaged_numbers import (
    coefficients,
    compared,
    fold_aucs,
    odds_table,
    paper_features,
    side_by_side,
    table_4,
    tuning,
)
from services.model_factory.handlers.imaged.results import Arm, ImagedResults

_DRAWN = ("out_of_fold", "held_out")
"""Calibration is drawn of these: what the others show is optimism."""


def imaged_report(results: ImagedResults, banner: str) -> Report:
    """Return the report of a finished run on images."""
    cohort, made = results.cohort, results.provenance
    subtitle = (
        f"Cohort {cohort.name}: {cohort.patients} patients, {cohort.events} with axillary pCR. Preset {made.preset}, "
        f"seed {made.seed}. Inputs of the run: {made.inputs_digest[:16]}."
    )
    blocks = (
        *_summary(results), *_cohort(results), *_scores(results), *_models(results),
        *(block for arm in results.arms for block in _arm(arm)), *_limits(results), *_lists(results),
        *numbers.provenance(made),
    )  # fmt: skip
    return Report(f"{made.recipe}: development of prediction models from images", banner, subtitle, blocks)


def _summary(results: ImagedResults) -> Iterator[Block]:
    yield Heading("In short")
    yield Text("Every number is about axillary pCR (positive class axillary_pcr, the favourable event); unit: patient.")
    if len(results.arms) > 1:
        yield side_by_side(results)
        yield Text(
            "The left columns repeat what papers do: scores of the training patients in-sample, cross-validation after "
            "the selection. The difference to the right is optimism, not performance.",
            strong=True,
        )
    if results.warnings:
        yield Heading("Warnings", 3)
        yield Bullets(tuple(one.sentence for one in results.warnings))


def _cohort(results: ImagedResults) -> Iterator[Block]:
    cohort, model = results.cohort, results.models[0]
    yield Heading("Patients")
    yield Text(cohort.description)
    if cohort.longest_follow_up_years:
        yield Text(
            f"Disease-free survival: median follow-up {cohort.median_follow_up_years:.1f} years (reverse "
            f"Kaplan-Meier), last event at {cohort.last_event_years:.1f} years."
        )
    yield Picture(flow_scene(cohort, model.n, model.events))
    groups = ("To learn from", "Held out")
    yield numbers.table_1(results.table_split, groups, "Table 1, both parts of the split, no overlapping columns.")
    yield numbers.table_1(results.table1, ("Residual disease", "Axillary pCR"), "Table 2, by axillary response.")
    yield odds_table(results)


def _scores(results: ImagedResults) -> Iterator[Block]:
    yield Heading("Scores of the images")
    facts = results.rad_score
    if facts:
        yield Text(f"{facts.measured} radiomic features per patient by {facts.engine}; preset {facts.settings.preset}.")
        yield Bullets(tuple(f"{name}: {left} left" for name, left in facts.steps))
        rows = tuple((t.feature, f"{t.coefficient:+.4f}", f"{t.mean:.6g}", f"{t.deviation:.6g}") for t in facts.terms)
        head = ("Feature", "Coefficient (standardised)", "Mean", "Deviation")
        yield Grid("The rad-score.", head, rows, (0.52, 0.18, 0.15, 0.15))
        yield paper_features(facts)
    network = results.network
    if network:
        yield Text(
            f"{network.architecture}: {network.parameters:,} parameters, {network.epochs} epochs, crops of "
            f"{' x '.join(str(n) for n in network.input_shape[1:])} voxels, heat of {network.heat_layer} "
            f"({' x '.join(str(n) for n in network.heat_shape)} cells)."
        )
        yield Picture(losses_scene(network.losses))


def _models(results: ImagedResults) -> Iterator[Block]:
    yield Heading("The models")
    for model in results.models:
        yield coefficients(model)
    yield tuning(results)


def _arm(arm: Arm) -> Iterator[Block]:
    yield Heading("As published" if arm.name == "paper" else "Corrected")
    yield Bullets(arm.how)
    yield table_4(arm)
    if arm.folds:
        yield fold_aucs(arm)
    # What was learned from says least, and comes last.
    for kind in sorted(dict.fromkeys(one.kind for one in arm.roc), key=lambda one: one == "apparent"):
        curves = tuple(one for one in arm.roc if one.kind == kind)
        yield Picture(roc_scene(curves, arm.performance, "axillary pCR"))
    yield compared(arm)
    for decision in arm.decision:
        if decision.kind in _DRAWN:
            yield Picture(decision_scene(decision))
    for curve in arm.calibration:
        if curve.kind in _DRAWN:
            yield Picture(calibration_scene(curve))
    yield from _fared(arm)
    yield Heading("Every number", 3)
    yield from numbers.performance(arm.performance)


def _fared(arm: Arm) -> Iterator[Block]:
    if not arm.fared:
        return
    yield Heading("Disease-free survival by what was predicted", 3)
    for one in arm.fared:
        kind = one.kind.replace("_", " ")
        if one.per_log_odds:
            low, high = one.per_log_odds.interval
            yield Text(
                f"{one.model}, {kind}: hazard ratio {one.per_log_odds.value:.2f} ({low:.2f} to {high:.2f}) per unit of "
                f"log odds of axillary pCR; {one.left_out} patients with M1 left out."
            )
        for groups in (one.by_call, one.by_third):
            if groups:
                yield Picture(survival_scene(groups), kind)


def _limits(results: ImagedResults) -> Iterator[Block]:
    yield Heading("Limits")
    use = "demonstration: how images become a result" if results.cohort.simulated else "research under its own approval"
    yield Bullets(
        (
            f"For {use}. Not for decisions about a patient.",
            "One cohort: internal validation only; no subgroup was measured.",
            "Follow-up groups are made from predictions at a frozen threshold; their difference is no effect.",
            "Volume at baseline gave AUC .61 to .62 for pCR in I-SPY 2: much more needs proof from elsewhere.",
        )
    )


def _lists(results: ImagedResults) -> Iterator[Block]:
    yield Heading("TRIPOD+AI")
    yield grid("TRIPOD+AI (Collins et al., BMJ 2024;385:e078378).", imaged_tripod(results))
    yield Heading("PROBAST+AI")
    yield grid("PROBAST+AI (Moons et al., BMJ 2025;388:e082505), in our words.", imaged_probast(results))
