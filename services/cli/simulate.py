"""``oncorelay simulate-cohort``: patients that never were, with a truth that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_PATIENTS = {"lung_metastasis": 326, "ln_pcr": 447, "her2": 175}
"""As many as the papers have; of her2: slides, those it learns from."""


@click.command("simulate-cohort")
@click.option("--of", "target", type=click.Choice(list(_PATIENTS)), default="lung_metastasis", show_default=True,
              help="lung_metastasis: a sheet. ln_pcr: with everyone's DCE-MRI. her2: with H&E slides.")  # fmt: skip
@click.option(
    "--n", type=click.IntRange(1, 1_000_000), help="Patients (her2: slides); without it as many as the paper has."
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed, the same files.")
@click.option("--follow-up", type=click.Choice(["long", "paper"]), default="long", show_default=True,
              help="Of lung_metastasis. long: up to twelve years. paper: admitted 2018 to 2023.")  # fmt: skip
@click.option("--phases", type=click.IntRange(3, 5), default=5, show_default=True,
              help="Of ln_pcr: phases of each dynamic series, the one before the injection included.")  # fmt: skip
@click.option("--masks", type=click.Choice(["nrrd", "seg"]), default="nrrd", show_default=True,
              help="Of ln_pcr: how the two readers' masks are written.")  # fmt: skip
@click.option("--out", required=True, type=_FOLDER, help="Folder that receives manifest.toml and what it names.")
def simulate(target: str, n: int | None, seed: int, follow_up: str, phases: int, masks: str, out: Path) -> None:
    """Write a simulated cohort: no patients, and a truth that is known.

    \b
    Examples:
      oncorelay simulate-cohort --n 326 --out cohort
      oncorelay simulate-cohort --of ln_pcr --n 400 --seed 1 --out cohort
      oncorelay simulate-cohort --of her2 --n 120 --seed 1 --out cohort

    400 patients of ln_pcr take about 1.2 GB, 120 slides of her2 about 75 MB. What is true of them lies in
    truth.csv, which the manifest does not name.
    """
    from shared.domain.errors import InvalidInputError

    if (out / "manifest.toml").exists():
        raise InvalidInputError(str(out / "manifest.toml"), "exists already; remove it or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    patients = n or _PATIENTS[target]
    written = {
        "ln_pcr": lambda: _images(patients, seed, phases, masks, out),
        "her2": lambda: _slides(patients, seed, out),
        "lung_metastasis": lambda: _sheet(patients, seed, follow_up, out),
    }
    click.echo(written[target]())


def _sheet(n: int, seed: int, follow_up: str, out: Path) -> Path:
    from shared.phantoms.cohort.simulate import FOLLOW_UPS, simulate_cohort
    from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files

    for name, content in cohort_files(simulate_cohort(n, seed, FOLLOW_UPS[follow_up])).items():
        (out / name).write_bytes(content)
    return out / MANIFEST_FILE


def _images(n: int, seed: int, phases: int, masks: str, out: Path) -> Path:
    from services.cli.train_progress import Bars
    from shared.phantoms.dce.cohort import draw_cohort
    from shared.phantoms.dce.writing import write_cohort

    masks_as: Literal["nrrd", "seg"] = "seg" if masks == "seg" else "nrrd"

    with Bars() as bars, bars.stage("patients", n) as one_done:
        return write_cohort(draw_cohort(n, seed), out, phases=phases, masks_as=masks_as, one_done=one_done)


def _slides(n: int, seed: int, out: Path) -> Path:
    from services.cli.train_progress import Bars
    from shared.phantoms.slides.bayes import bayes_limits
    from shared.phantoms.slides.cohort import draw_slides
    from shared.phantoms.slides.writing import write_slides

    limits = bayes_limits()
    click.echo(
        f"The best of all models has an AUC of {limits.her2.value:.3f} for HER2-positive, and of "
        f"{limits.residual.value:.3f} for non-pCR.",
        err=True,
    )
    with Bars() as bars, bars.stage("slides", n) as one_done:
        return write_slides(draw_slides(n, seed), out, one_done=one_done)
