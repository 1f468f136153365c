"""``oncorelay simulate-cohort | train | bundle``: a cohort in, a signed model out."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("simulate-cohort")
@click.option("--n", default=326, show_default=True, type=click.IntRange(1, 1_000_000), help="Patients.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same files.")
@click.option(
    "--follow-up",
    type=click.Choice(["long", "paper"]),
    default="long",
    show_default=True,
    help="long: up to twelve years. paper: admitted 2018 to 2023.",
)
@click.option("--out", required=True, type=_FOLDER, help="Folder that receives manifest.toml and patients.csv.")
def simulate(n: int, seed: int, follow_up: str, out: Path) -> None:
    """Write a simulated cohort for lung metastasis: no patients, and a truth that is known.

    \b
    Example:
      oncorelay simulate-cohort --n 326 --out cohort
    """
    from shared.domain.errors import InvalidInputError
    from shared.phantoms.cohort.simulate import FOLLOW_UPS, simulate_cohort
    from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files

    if (out / MANIFEST_FILE).exists():
        raise InvalidInputError(str(out / MANIFEST_FILE), "exists already; remove it or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    for name, content in cohort_files(simulate_cohort(n, seed, FOLLOW_UPS[follow_up])).items():
        (out / name).write_bytes(content)
    click.echo(out / MANIFEST_FILE)
