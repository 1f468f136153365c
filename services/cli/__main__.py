"""The command ``oncorelay``."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

import click

from services.cli import (
    acceptance,
    calibrate,
    cases,
    certs,
    doctor,
    explain,
    governance,
    letters,
    literature,
    models,
    recalibrate,
    report,
    send,
    simulate,
    site_file,
    slides,
    stability,
    train,
)
from services.cli.backup import command as backup_command
from services.cli.demo import command as demo_command
from services.cli.up import running, watch
from shared.domain.errors import OncoRelayError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
    site_file.choose(config)


@oncorelay.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="site.toml of this site.")
def up(config: Path | None) -> None:
    """Run every service on this machine, with embedded parts, until Ctrl-C."""
    if config:
        site_file.choose(config)
    click.echo(f"site file: {site_file.choose_or_write()}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly stop, as by Ctrl-C
    with running(lambda name, text: click.echo(f"{name}: {text.removeprefix(name + ': ')}")) as supervisor:
        click.echo("all services are up; stop with Ctrl-C; look with `oncorelay cases` and `oncorelay doctor`")
        with contextlib.suppress(KeyboardInterrupt):
            watch(supervisor)


for _command in (
    cases.cases, cases.case, cases.retry, cases.review, cases.withdraw, letters.letters, letters.sinks, send.send,
    models.models, models.predict, models.validate, doctor.doctor, certs.certs, governance.audit, governance.erase,
    explain.explain, backup_command.backup, backup_command.restore, demo_command.demo, simulate.simulate,
    train.train_command, train.bundle, report.report, recalibrate.recalibrate, calibrate.calibrate,
    literature.literature, slides.slides, stability.stability,
):  # fmt: skip
    oncorelay.add_command(_command)

for _command in (governance.recall, governance.recalls, acceptance.accept):
    models.models.add_command(_command)


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
