"""The command ``oncorelay``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from services.cli.commands import COMMANDS
from services.cli.elsewhere import LazyGroup
from shared.domain.errors import OncoRelayError


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="site.toml of this site.")
@click.version_option(package_name="oncorelay")
def oncorelay(config: Path | None) -> None:
    """Published breast-cancer predictors between PACS, EHR and LIS.

    \b
    First steps:
      oncorelay demo                 everything up, demonstration cases through, results shown
      oncorelay up                   run the services of ~/.oncorelay/site.toml
      oncorelay doctor               what is missing, and what to change
      oncorelay send FOLDER          give the system DICOM and FHIR files
      oncorelay cases                what happened to every study, and why
      oncorelay slides               which slides came, and what they wait for
      oncorelay sinks                who receives results, and what is owed to whom
    """
    from services.cli import site_file

    site_file.choose(config)


oncorelay.add_places(COMMANDS)


def main() -> None:
    """Run the command line; our errors, and an extra that lacks, become one sentence and exit status 1."""
    try:
        oncorelay()
    except (OncoRelayError, RuntimeError, OSError) as error:
        click.echo(f"oncorelay: {error}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"services", "shared", ""}:
            raise
        click.echo(f"oncorelay: {error.name} is not installed; ./run install train,radiomics brings it", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
