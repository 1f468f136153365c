"""The two commands."""

from __future__ import annotations

from pathlib import Path

import click

from services.cli.backup.manifest import Manifest
from services.cli.backup.plan import Plan
from services.cli.backup.reading import restore as put_back
from services.cli.backup.writing import make_backup
from shared.site.secret_files import read_line

_PASSPHRASE = click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the passphrase that seals keys, tokens and the site file.",
)  # fmt: skip


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@_PASSPHRASE
def backup(folder: Path, passphrase_file: Path | None) -> None:
    """Copy everything durable into FOLDER: ledger, facts, journal, blobs, keys, site file. Services may go on.

    The copy names patients, as the data folder does: keep it on an encrypted disk. Sealed are the keys only.
    """
    manifest = make_backup(Plan.of_site(), folder.absolute(), _passphrase(passphrase_file))
    click.echo(f"{folder}: {_size(manifest)}, state of {manifest.created}")
    if not manifest.salt:
        click.echo("neither sealed nor proven: --passphrase-file seals the keys; without, `restore` needs --unsealed")


@click.command("restore")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_PASSPHRASE
@click.option("--unsealed", is_flag=True, help="The backup was made without a passphrase: nothing proves who made it.")
def restore(folder: Path, passphrase_file: Path | None, *, unsealed: bool) -> None:
    """Put a backup back where it came from, on a machine where nothing of it is left.

    Nothing is written but the data folder, the site file, and what that file names (keys, certificates, bundles). Every
    digest is verified first; nothing that is there is overwritten. Then `oncorelay up` starts from that state.
    """
    manifest = put_back(folder.absolute(), _passphrase(passphrase_file), unsealed=unsealed)
    click.echo(f"{manifest.data_folder}: {_size(manifest)}, state of {manifest.created}")


def _passphrase(path: Path | None) -> str:
    return read_line(path, "--passphrase-file") if path else ""


def _size(manifest: Manifest) -> str:
    size = sum(entry.size_bytes for entry in manifest.entries) / 2**20
    return f"{len(manifest.entries)} files, {size:.1f} MiB"
