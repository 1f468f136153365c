"""``oncorelay models | predict | validate``: which models are installed, what one answers, how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from services.cli.acceptance import acceptances
from services.cli.cases import print_json
from services.cli.elsewhere import LazyGroup, Places
from services.inference.config import Settings
from services.inference.formats.predictions import render_text, to_json
from services.inference.handlers.predict_by_hand import predict_from_command_line
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.checks import checked

if TYPE_CHECKING:
    from services.model_factory.handlers.validate_bundle import ValidationResult

NOT_CLINICAL = "demonstration: cannot be"


ELSEWHERE: Places = {
    "accept": (
        "services.cli.acceptance:accept",
        "Record that the site accepts a bundle; only then may a clinical sink get a result of it.",
    ),
    "recall": (
        "services.cli.governance:recall",
        "Withdraw, at every sink, every result a bundle delivered, and use it no more.",
    ),
    "recalls": ("services.cli.governance:recalls", "List recalled bundles and how far each recall is."),
}


@click.group("models", cls=LazyGroup)
def models() -> None:
    """Show and verify the installed model bundles."""


models.add_places(ELSEWHERE)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def list_models(*, as_json: bool) -> None:
    """List installed bundles, and those that were refused with the remedy."""
    catalog = site_catalog()
    known = acceptances(catalog)
    rows = [_row(catalog, one.reference.bundle_id, known) for one in catalog.installed]
    if as_json:
        refused = [{"bundle": p.bundle, "reason": p.reason, "remedy": p.remedy} for p in catalog.problems]
        print_json({"installed": rows, "refused": refused})
        return
    for one in rows:
        click.echo(f"{one['bundle']} {one['version']}  sha256 {one['digest'][:16]}")
        click.echo(f"  {one['predictor']} {one['variant']}, {one['intended_use']}; accepted: {one['accepted']}")
    for problem in catalog.problems:
        click.echo(f"refused: {problem.bundle}: {problem.reason}; {problem.remedy}")


@models.command("show")
@click.argument("bundle")
def show(bundle: str) -> None:
    """Print the model card of a bundle."""
    catalog = site_catalog()
    found = catalog.find(bundle)
    click.echo(found.card)
    click.echo(f"Acceptance by this site: {acceptances(catalog).get(found.reference.digest, NOT_CLINICAL)}")


@models.command("verify")
@click.argument("bundle")
def verify(bundle: str) -> None:
    """Check signature, files and golden inputs of a bundle on this machine."""
    for check in checked(site_catalog(), bundle):
        click.echo(f"ok  {check.name}: {check.detail}")


@click.command("predict")
@click.argument("bundle")
@click.argument("inputs", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def predict(bundle: str, inputs: tuple[str, ...], *, as_json: bool) -> None:
    """Ask a bundle by hand; nothing is stored.

    \b
    Example:
      oncorelay predict ln_pcr-clinical-published er=positive her2=0 t=3
    """
    answer = predict_from_command_line(bundle, _pairs(inputs), site_catalog())
    if as_json:
        print_json(to_json(answer))
    else:
        click.echo(render_text(answer))


@click.command("validate")
@click.argument("bundle")
@click.option("--cohort", required=True, help="manifest.toml of a cohort, or NAME=PATH of a sheet (duke=FILE.xlsx).")
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64), help="Images: that measure.")
@click.option("--measurements", type=click.Path(file_okay=False, path_type=Path),
              help="Images: where what was measured is kept; not kept if not given.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def validate(bundle: str, cohort: str, *, processes: int, measurements: Path | None, as_json: bool) -> None:
    """Measure a bundle on a cohort: flow of exclusions, discrimination, calibration.

    \b
    Examples:
      oncorelay validate ln_pcr-clinical-published --cohort duke=Clinical.xlsx
      oncorelay validate lung_metastasis-demonstration --cohort cohort/manifest.toml
      oncorelay validate ln_pcr-clinical_dlr-ourhospital --cohort women/manifest.toml
      oncorelay validate her2-tl_pa-ourhospital --cohort slides/manifest.toml
    """
    from services.model_factory.formats import report

    if _is_manifest(cohort) and site_catalog().find(bundle).manifest.survival:
        _validate_on_manifest(bundle, Path(cohort), as_json=as_json)
        return
    result = _validated(bundle, cohort, processes, measurements)
    if as_json:
        print_json(report.to_json(result))
    else:
        click.echo(report.render_text(result), nl=False)


def _is_manifest(cohort: str) -> bool:
    return "=" not in cohort and cohort.endswith(".toml")


def _validated(bundle: str, cohort: str, processes: int, measurements: Path | None) -> ValidationResult:
    from services.cli.train_progress import Bars
    from services.model_factory.app import validate_bundle
    from services.model_factory.app.imaged_validation import validate_images
    from services.model_factory.app.slides_validation import validate_slides

    if not _is_manifest(cohort):
        name, _, path = cohort.partition("=")
        if not name or not path:
            raise click.UsageError(f"--cohort {cohort!r}: write NAME=PATH, for example duke=Clinical.xlsx, or a .toml")
        return validate_bundle(bundle, name, Path(path), site_catalog())
    ask = validate_slides if site_catalog().find(bundle).manifest.slides else validate_images
    with TemporaryDirectory(prefix="oncorelay-") as unkept, Bars(errors=True) as bars:
        return ask(bundle, Path(cohort), site_catalog(), measurements or Path(unkept), bars, processes)


def _validate_on_manifest(bundle: str, manifest: Path, *, as_json: bool) -> None:
    from services.model_factory.app.external import validate_on_manifest
    from services.model_factory.formats import external_report

    found = validate_on_manifest(bundle, manifest, site_catalog())
    if as_json:
        print_json(external_report.to_json(found))
    else:
        click.echo(external_report.render_text(found), nl=False)


def site_catalog() -> Catalog:
    """Return the bundles of this site, verified."""
    settings = Settings()
    return installed_catalog(settings.bundle_folders, settings.trusted_key_folder, settings.network_runtime)


def _row(catalog: Catalog, bundle_id: str, known: Mapping[str, str]) -> dict[str, Any]:
    one = catalog.find(bundle_id)
    return {
        "bundle": one.reference.bundle_id, "version": one.reference.version, "predictor": one.manifest.predictor,
        "variant": one.manifest.variant, "intended_use": one.reference.intended_use.value,
        "digest": one.reference.digest, "accepted": known.get(one.reference.digest, NOT_CLINICAL),
    }  # fmt: skip


def _pairs(inputs: tuple[str, ...]) -> dict[str, str]:
    """Return the inputs by name; one given twice is refused, because nobody can tell which is meant."""
    pairs: dict[str, str] = {}
    for text in inputs:
        name, value = _pair(text)
        if name in pairs:
            raise click.UsageError(f"{name} is given twice: {name}={pairs[name]} and {text}")
        pairs[name] = value
    return pairs


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise click.UsageError(f"{text!r}: inputs look like er=positive")
    return name, value
