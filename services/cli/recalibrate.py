"""``oncorelay recalibrate``: a bundle updated with a site's own patients."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("recalibrate")
@click.argument("bundle")
@click.option("--cohort", required=True, help="manifest.toml of the cohort, or NAME=PATH of a sheet.")
@click.option("--method", type=click.Choice(["in-the-large", "slope", "flexible"]), required=True)
@click.option("--out", required=True, type=_FOLDER, help="Folder that receives the bundle and its public key.")
@click.option("--key", type=_FILE, help="Ed25519 private key (PEM, 0600); without it a new one is made and not kept.")
@click.option("--id", "bundle_id", default="", help="Name of the new bundle.")
@click.option("--version", default="1.0.0", show_default=True)
def recalibrate(
    bundle: str, cohort: str, method: str, out: Path, key: Path | None, bundle_id: str, version: str
) -> None:
    """Update a bundle with a site's patients; too few events are refused with the number needed.

    \b
    Examples:
      oncorelay recalibrate lung_metastasis-demonstration --cohort manifest.toml --method slope --out bundles
      oncorelay recalibrate ln_pcr-clinical-published --cohort duke=Clinical.xlsx --method in-the-large --out bundles
    """
    from services.cli.models import site_catalog
    from services.model_factory.app import signing_key
    from services.model_factory.app.updating import recalibrate as update
    from services.model_factory.handlers.statistics.recalibration import Method
    from services.model_factory.handlers.training.bundle_draft import Label

    methods: dict[str, Method] = {"in-the-large": "in_the_large", "slope": "slope", "flexible": "flexible"}
    label = Label(bundle_id or f"{bundle}-local", version)
    click.echo(update(bundle, cohort, methods[method], out, signing_key(key), label, site_catalog()))
