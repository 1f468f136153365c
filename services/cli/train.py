"""``oncorelay train | bundle``: a cohort in, a signed model out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource

TARGETS = ("lung_metastasis", "ln_pcr", "her2")
_IMAGES = ("features", "network", "epochs", "device", "processes", "second_masks", "measurements")
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("train")
@click.argument("target", type=click.Choice(TARGETS), metavar="lung_metastasis|ln_pcr|her2")
@click.option("--cohort", required=True, type=_FILE, help="manifest.toml of the cohort.")
@click.option("--preset", type=click.Choice(["paper", "corrected"]), default="corrected", show_default=True)
@click.option("--out", required=True, type=_FOLDER, help="Folder of the run.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed, the same run.")
@click.option("--bootstraps", default=100, show_default=True, help="lung_metastasis: draws of the whole pipeline.")
@click.option("--folds", default=5, show_default=True, help="Of the outer cross-validation.")
@click.option("--repeats", default=2, show_default=True, help="lung_metastasis: of the outer cross-validation.")
@click.option("--resamples", default=1000, show_default=True, help="Behind intervals and cuts.")
@click.option("--variables", default="", metavar="A,B", help="lung_metastasis: named beforehand.")
@click.option("--resume", is_flag=True, help="Go on with a run that was cut.")
@click.option(
    "--features",
    type=click.Choice(["screened", "paper"]),
    default="screened",
    show_default=True,
    help="ln_pcr: screen all radiomic features, or take the six the paper names.",
)
@click.option(
    "--network",
    type=click.Choice(["full", "reduced", "none"]),
    default="full",
    show_default=True,
    help="ln_pcr, her2: the published network, the demonstration's of reduced width, or (ln_pcr) none.",
)
@click.option("--epochs", type=click.IntRange(1), help="ln_pcr, her2: of the network; else the preset's.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="ln_pcr, her2: network.",
)
@click.option(
    "--processes",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="ln_pcr, her2: that read.",
)
@click.option("--second-masks", type=click.IntRange(0), help="ln_pcr: measure at most so many; all if not given.")
@click.option("--measurements", type=_FOLDER, help="ln_pcr, her2: where what was read is kept.")
@click.option("--pretrained", type=_FILE, help="her2: first weights of the Swin-T; random where not given.")
@click.option("--pretrained-sha256", default="", help="her2: of that file.")
@click.option("--cifar100", type=_FILE, help="her2: train.bin (or pickled train) of CIFAR-100 to pre-train on.")
@click.option("--resnet50", type=_FILE, help="her2: ImageNet weights for ResNet50 comparators; random where not given.")
@click.option("--resnet50-sha256", default="", help="her2: of that file.")
@click.option(
    "--comparators", default="tl_clam,tl_slidegraph,resnet50_clam", show_default=True, metavar="A,B",
    help="her2: also resnet50_slidegraph; empty for none.",
)  # fmt: skip
@click.option("--both-croppings", default=40, show_default=True, type=click.IntRange(0),
              help="her2: so many slides are also cut by the other rule.")  # fmt: skip
@click.option("--patches-per-slide", type=click.IntRange(1), help="her2: to learn from, of a kind; all if not given.")
def train_command(
    target: str, cohort: Path, preset: str, out: Path, seed: int, bootstraps: int, folds: int, repeats: int,
    resamples: int, variables: str, *, resume: bool, **images: Any,
) -> None:  # fmt: skip
    """Train a model on a cohort: selection, models, honest performance; everything into one run folder.

    \b
    Examples:
      oncorelay train lung_metastasis --cohort cohort/manifest.toml --preset corrected --out run
      oncorelay train ln_pcr --cohort cohort/manifest.toml --network reduced --out run
      oncorelay train her2 --cohort cohort/manifest.toml --preset paper --device cuda --out run
    """
    _refuse_options_of_others(target)
    chosen: Literal["paper", "corrected"] = "paper" if preset == "paper" else "corrected"
    if target == "her2":
        from services.cli.train_slides import train_her2

        train_her2(cohort, chosen, out, {"seed": seed, "folds": folds, "resamples": resamples}, images, resume=resume)
        return
    if target == "ln_pcr":
        images = {name: images[name] for name in _IMAGES}
        sizes = {"seed": seed, "folds": folds, "split_folds": folds, "resamples": resamples}
        _train_images(cohort, chosen, out, sizes, images, resume=resume)
        return
    from services.cli.train_progress import Bars
    from services.model_factory.app.training import train

    sizes = {"seed": seed, "bootstraps": bootstraps, "folds": folds, "repeats": repeats, "resamples": resamples}
    named = tuple(name.strip() for name in variables.split(",") if name.strip())
    with Bars() as bars:
        results = train(target, cohort, chosen, out, bars, sizes, named, resume=resume)
    click.echo(f"variables: {', '.join(results.selection.chosen) or 'none'}")
    for one in results.performance:
        if one.name == "c_index" and one.value is not None:
            click.echo(
                f"C-index, {one.kind.replace('_', ' ')}: {one.value:.3f} ({one.events} events, {one.n} patients)"
            )
    if results.carried:
        click.echo(results.carried.sentence)
    for warned in results.warnings:
        click.echo(f"warning: {warned.sentence}")
    click.echo(out)


def _refuse_options_of_others(target: str) -> None:
    """Refuse an option that would be passed over."""
    context = click.get_current_context()
    for one in context.command.params:
        of = {name.strip() for name in str(getattr(one, "help", "")).partition(":")[0].split(",")}
        given = context.get_parameter_source(str(one.name)) is ParameterSource.COMMANDLINE
        if given and of <= set(TARGETS) and target not in of:
            raise click.UsageError(f"{one.opts[0]} belongs to {' and '.join(sorted(of))}, not to {target}")


def _train_images(
    cohort: Path, preset: Literal["paper", "corrected"], out: Path, sizes: dict[str, int], images: dict[str, Any],
    *, resume: bool,
) -> None:  # fmt: skip
    from services.cli.train_progress import Bars
    from services.model_factory.app.imaged import ImageOptions, train_images
    from services.model_factory.handlers.imaged.order import ImagedOrder

    order = ImagedOrder(preset, **sizes, features=images.pop("features"))
    with Bars() as bars:
        results = train_images(cohort, order, out, bars, ImageOptions(**images), resume=resume)
    # What was learned from says least, and comes first: what counts stands at the end.
    rows = sorted(results.arms[0].performance, key=lambda one: one.kind != "apparent")
    for one in rows:
        if one.name == "auc" and one.value is not None and one.interval:
            between = f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
            kind = "apparent, optimism" if one.kind == "apparent" else one.kind.replace("_", " ")
            counts = f"{one.events} with axillary pCR, {one.n} patients"
            click.echo(f"AUC of axillary pCR, {one.model}, {kind}: {one.value:.3f} ({between}; {counts})")
    for warned in results.warnings:
        click.echo(f"warning: {warned.sentence}")
    click.echo(out)


@click.command("bundle")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--key", type=_FILE, help="Ed25519 private key (PEM, 0600); without it a new one is made and not kept.")
@click.option("--id", "bundle_id", default="", help="Name of the bundle and its folder; of ln_pcr, her2: its end.")
@click.option("--version", default="1.0.0", show_default=True)
@click.option("--out", default=Path(), type=_FOLDER, help="Folder that receives the bundle and its public key.")
def bundle(run: Path, key: Path | None, bundle_id: str, version: str, out: Path) -> None:
    """Seal the model of a finished run as a signed bundle; of ln_pcr, one per family of models.

    Of her2 the bundle is named her2-tl_pa-ID.

    \b
    Examples:
      oncorelay bundle run --key site.pem --id lung_metastasis-ourhospital --out bundles
      oncorelay bundle run --key site.pem --id ourhospital --out bundles
    """
    from services.model_factory.app import signing_key
    from services.model_factory.app.training import bundle_of_run
    from services.model_factory.formats.run_file import read_results
    from services.model_factory.handlers.imaged.results import ImagedResults
    from services.model_factory.handlers.slides.results import SlidesResults
    from services.model_factory.handlers.training.bundle_draft import Label

    results = read_results(run)
    if isinstance(results, SlidesResults):
        from services.model_factory.app.slide_bundles import bundle_of_slides

        label = Label(bundle_id or run.resolve().name, version)
        click.echo(bundle_of_slides(run, results, out, signing_key(key), label))
        return
    if isinstance(results, ImagedResults):
        from services.model_factory.app.imaged_bundles import bundles_of_run

        label = Label(bundle_id or run.resolve().name, version)
        for one in bundles_of_run(run, results, out, signing_key(key), label):
            click.echo(one)
        return
    label = Label(bundle_id or f"lung_metastasis-{run.resolve().name}", version)
    click.echo(bundle_of_run(run, out, signing_key(key), label))
