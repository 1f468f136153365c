"""``oncorelay literature check``: do the numbers of a published table agree with each other?"""

from __future__ import annotations

from pathlib import Path

import click


@click.group("literature")
def literature() -> None:
    """Work with published tables of metrics."""


@literature.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Run the guards on every row of a table (TOML); exit status 1 if a row is flawed.

    \b
    Example:
      oncorelay literature check paper_table_4.toml
    """
    from services.model_factory.app.literature import check_literature
    from shared.domain.errors import InvalidInputError

    rows = check_literature(file)
    for row, flaw in rows:
        click.echo(flaw or f"{row}: sound")
    flawed = sum(bool(flaw) for _, flaw in rows)
    if flawed:
        raise InvalidInputError(file.name, f"{flawed} of {len(rows)} rows do not agree with themselves")
