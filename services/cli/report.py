"""``oncorelay report``: a finished run as one HTML file and as PDF."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("report")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=_FILE, help="The HTML file; default: report.html in the run folder.")
@click.option("--pdf", type=_FILE, help="Also write a PDF.")
def report(run: Path, out: Path | None, pdf: Path | None) -> None:
    """Write the report of a finished run: tables and pictures. Needs no network.

    With the TRIPOD+AI and PROBAST+AI tables; the model cards of a run on images stand in its bundles.

    \b
    Example:
      oncorelay report run --out report.html --pdf report.pdf
    """
    from services.model_factory.app.reporting import write_report

    for file in write_report(run, out or run / "report.html", pdf):
        click.echo(file)
