"""``oncorelay certs``: the site's private authority, and certificates for its services and people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from services.cli.cases import print_json, screen
from services.cli.person import certificate_folder, make_all
from services.cli.up import Settings
from shared.security import certificates, register, tls_folder
from shared.security.parties import Party, Role

_CA_KEY = click.option(
    "--ca-key", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The authority's key, where it was moved away from the folder.",
)  # fmt: skip
_FOLDER = click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Default: [site] tls_folder, else DATA/tls."
)


@click.group("certs", invoke_without_command=True)
@_FOLDER
@click.option("--host", "hosts", multiple=True, metavar="SERVICE=HOST", help="A further name or address of a service.")
@click.pass_context
def certs(context: click.Context, folder: Path | None, hosts: tuple[str, ...]) -> None:
    """Make the site's certificates: one authority, one certificate and key per service, one administrator (you).

    What is there already stays as it is. Then move ca.key to a safe place: it is needed only to issue and renew.

    \b
    Examples:
      oncorelay certs
      oncorelay certs --host results=ledger.hospital.example.org
      oncorelay certs person jane --role operator
      oncorelay certs show
      oncorelay certs renew
    """
    chosen = folder or certificate_folder(Settings().site)
    context.obj = chosen
    if context.invoked_subcommand is None:
        made = make_all(chosen, Settings().site.site_id, _named_hosts(hosts))
        click.echo(f"{chosen}: made {', '.join(made)}" if made else f"{chosen}: everything is there, nothing was made")
        click.echo(f'name it in site.toml: [site] tls_folder = "{chosen.absolute()}"')


@certs.command("person")
@click.argument("name")
@click.option("--role", type=click.Choice([role.name.lower() for role in Role]), required=True)
@_CA_KEY
@click.pass_obj
def person(folder: Path, name: str, role: str, ca_key: Path | None) -> None:
    """Make a certificate for a person: a reader sees, an operator acts on cases, an administrator on the site."""
    try:
        party = Party(name, Role.named(role))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    path = tls_folder.make_person(folder, party, datetime.now(UTC), ca_key)
    click.echo(f"{path} and its .key: give both to {name}, with ca.pem; ONCORELAY_PERSON={name} chooses them")


@certs.command("show")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.option("--all", "everything", is_flag=True, help="All that was ever signed, with serial numbers.")
@click.pass_obj
def show(folder: Path, *, as_json: bool, everything: bool) -> None:
    """List every certificate with whom it stands for and when it ends."""
    if everything:
        for one in register.rows(folder):
            click.echo(f"{one.serial}  {one.name}  {one.party}  until {one.end:%Y-%m-%d}")
        return
    rows = rows_of(folder, datetime.now(UTC))
    if as_json:
        print_json([{"file": name, "party": party, "days_left": days} for name, party, days in rows])
        return
    table = Table("file", "stands for", "days left")
    for name, party, days in rows:
        table.add_row(name, party, str(days))
    screen().print(table)


@certs.command("renew")
@click.option("--within", "within_days", type=float, default=certificates.WARN_DAYS, show_default=True, metavar="DAYS")
@click.option("--all", "everything", is_flag=True, help="Renew all, whenever they end.")
@_CA_KEY
@click.pass_obj
def renew(folder: Path, within_days: float, ca_key: Path | None, *, everything: bool) -> None:
    """Replace, with new keys, the certificates that end soon.

    Servers take the new ones with the next connection; whoever calls takes them with its next start, and may go on
    with the old one until that ends.
    """
    days = float(certificates.VALID_DAYS + 1) if everything else within_days
    renewed = tls_folder.renew(folder, datetime.now(UTC), days, ca_key)
    click.echo(f"renewed {', '.join(renewed)}" if renewed else f"nothing ends within {within_days:g} days")


@certs.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke(folder: Path, name: str) -> None:
    """Have every service that reads this folder refuse a certificate from now on.

    NAME is a service, or people/NAME (all that was ever signed for it), or a serial number of ``certs show --all``.
    """
    click.echo(f"{name}: serial number {', '.join(tls_folder.revoke(folder, name))} is revoked")


def rows_of(folder: Path, now: datetime) -> list[tuple[str, str, int]]:
    """Return file, party and whole days left of every certificate, the authority first."""
    authority = folder / "ca.pem"
    if not authority.exists():
        raise click.ClickException(f"no certificates in {folder}: make them with `oncorelay certs`")
    rows = [("ca", "the site's authority", int(certificates.days_left(authority.read_bytes(), now)))]
    for name, pem in tls_folder.everybody(folder):
        rows.append((name, certificates.party_of(pem).uri, int(certificates.days_left(pem, now))))
    return rows


def _named_hosts(values: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in values:
        service, equals, host = value.partition("=")
        if service not in tls_folder.SERVICES or not equals or not host:
            raise click.BadParameter(f"SERVICE=HOST is needed, with a service of {', '.join(tls_folder.SERVICES)}")
        found.setdefault(service, []).append(host)
    return found
