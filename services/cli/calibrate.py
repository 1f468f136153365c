"""``oncorelay calibrate``: the shift of one scanner, as a signed record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("calibrate")
@click.argument("predictor", type=click.Choice(["her2"]))
@click.option("--bundle", required=True, help="Whose scores are shifted.")
@click.option("--cohort", required=True, type=_FILE, help="manifest.toml of slides with known HER2 status.")
@click.option("--manufacturer", required=True, help="Of the scanner, exactly as its files state it.")
@click.option("--model", required=True, help="Of the scanner, likewise.")
@click.option("--out", required=True, type=_FOLDER, help="Folder of records.")
@click.option("--key", type=_FILE, required=True, help="Ed25519 private key (PEM, 0600) whose public key is trusted.")
@click.option("--site", required=True, help="Who measured; stands in the record.")
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64), help="That read slides.")
@click.option("--patches", type=_FOLDER, help="Where what was read is kept; not kept if not given.")
def calibrate(
    predictor: str, bundle: str, cohort: Path, manufacturer: str, model: str, out: Path, key: Path, site: str,
    processes: int, patches: Path | None,
) -> None:  # fmt: skip
    """Measure by how much a scanner moves every score, and sign the record.

    At least 20 slides of the scanner with known status are needed, five of either class.

    \b
    Example:
      oncorelay calibrate her2 --bundle her2-tl_pa-ourhospital --cohort slides/manifest.toml
        --manufacturer Leica --model "Aperio GT450" --site "Our hospital" --out records --key site.pem
    """
    from services.cli.models import site_catalog
    from services.cli.train_progress import Bars
    from services.model_factory.app import signing_key
    from services.model_factory.app.slides_validation import calibrate_scanner

    del predictor
    with TemporaryDirectory(prefix="oncorelay-") as unkept, Bars(errors=True) as bars:
        with_ = (site_catalog(), patches or Path(unkept), bars)
        who, now = (manufacturer, model), datetime.now(UTC)
        file, found = calibrate_scanner(bundle, cohort, who, out, signing_key(key), now, with_, site, processes)
    low, high = found.interval
    click.echo(
        f"shift {found.shift:+.3f} ({low:+.3f} to {high:+.3f}) from {found.n} slides, {found.positives} positive"
    )
    click.echo(file)
