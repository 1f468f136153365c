"""``oncorelay stability``: would the features have been the same, had the region been drawn a little differently?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("stability")
@click.option("--cohort", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="manifest.toml of a cohort with images.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@click.option("--features", default="paper", show_default=True, metavar="A,B | paper | all",
              help="Names as pyradiomics writes them; paper: the six of paper 000.")  # fmt: skip
@click.option("--patients", type=click.IntRange(3), help="The first so many of the sheet; without it everybody.")
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64))
def stability(cohort: Path, out: Path, features: str, patients: int | None, processes: int) -> None:
    """Measure every patient again with the region, the bins, the voxels, the phase altered: ICC and change of AUC.

    \b
    Example:
      oncorelay stability --cohort cohort/manifest.toml --out stability
    """
    from services.cli.train_progress import Bars
    from services.model_factory.app.stability import report_stability
    from shared.radiomics.names import PAPER

    named = {"paper": PAPER, "all": ()}.get(features, tuple(one.strip() for one in features.split(",") if one.strip()))
    with Bars() as bars:
        text = report_stability(cohort, out, named, patients, processes, bars)
    click.echo(text + f"written: {out}")
