"""``oncorelay train her2``: a cohort of slides in, a run folder out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import click


def train_her2(
    cohort: Path, preset: Literal["paper", "corrected"], out: Path, sizes: Mapping[str, int], options: dict[str, Any],
    *, resume: bool,
) -> None:  # fmt: skip
    """Train, and print what counts."""
    from services.cli.train_progress import Bars
    from services.model_factory.app.slides import SlideOptions, train_slides
    from services.model_factory.handlers.slides.order import SlidesOrder

    if options["network"] == "none":
        raise click.UsageError("her2 is nothing without its network: --network full or reduced")
    named = tuple(one.strip() for one in options["comparators"].split(",") if one.strip())
    order = SlidesOrder(
        preset, sizes["seed"], sizes["folds"], resamples=sizes["resamples"], both_croppings=options["both_croppings"],
        comparators=named,
    )  # fmt: skip
    how = SlideOptions(
        network=options["network"], epochs=options["epochs"], device=options["device"],
        most_per_slide=options["patches_per_slide"], first=_first(options["pretrained"], options["pretrained_sha256"]),
        resnet50=options["resnet50"], resnet50_sha256=options["resnet50_sha256"], processes=options["processes"],
        patches=options["measurements"], cifar100=options["cifar100"],
    )  # fmt: skip
    with Bars() as bars:
        results = train_slides(cohort, order, out, bars, how, resume=resume)
    for one in results.performance:
        if one.name == "auc" and one.value is not None:
            between = f"{one.interval[0]:.3f} to {one.interval[1]:.3f}; " if one.interval else ""
            who = f"{one.model.replace('.', ', ')}, {one.kind.replace('_', ' ')}"
            click.echo(f"AUC of {one.positive_class}, {who}: {one.value:.3f} ({between}{one.events} of {one.n} slides)")
    for warned in results.warnings:
        click.echo(f"warning: {warned.sentence}")
    click.echo(out)


def _first(file: Path | None, sha256: str) -> Any:
    if file is None:
        return None
    from services.model_factory.handlers.networks.swin.pretrained import first_weights

    return first_weights(file.read_bytes(), sha256)
