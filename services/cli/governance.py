"""``oncorelay audit | models recall | models recalls | erase``: what administrators do about results as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from services.cli.cases import print_json, screen, tree
from services.cli.person import person_name, person_tls
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings
from shared.domain.audit import faults
from shared.domain.errors import UnavailableError
from shared.domain.governance import Recall
from shared.domain.identity import PatientIdentity
from shared.fhir.writing.audit_event import audit_event
from shared.rpc.governance import GovernanceClient, LabErasureClient
from shared.site.anchors import read_anchors

DEADLINE_S = 60.0
_LOOK_S = 0.5
_STAYS = """\
What stays, and why:
  the audit chain        proof of who did what; the patient is a keyed HMAC in it, no name and no identifier
  cases and deliveries   which object of ours lies in which chart; nothing about the person
  results at sinks       they belong to the PACS and the EHR{sinks}: erase them there
  the DICOM listener     its journal and index still name the instances (services/results/ledger/README.md)
  backups                until they age out as the site has decided"""


@contextmanager
def governance_client() -> Iterator[GovernanceClient]:
    """Give a client of the ledger this site names.

    Raises:
        UnavailableError: If results does not answer; says where it was looked for.
    """
    address = Settings().grpc_address
    client = GovernanceClient(address, tls=person_tls(Settings().site), deadline_s=DEADLINE_S)
    try:
        yield client
    except UnavailableError as error:
        raise UnavailableError(f"results does not answer at {address}: is `oncorelay up` running?") from error
    finally:
        client.close()


@click.group("audit")
def audit() -> None:
    """Check, show and export who did what, when and why."""


@audit.command("verify")
@click.option("--anchors", type=click.Path(path_type=Path), help="File of anchors; default: the site's.")
def verify(anchors: Path | None) -> None:
    """Recompute the whole chain here and compare it with its anchors; name every row that is not as it was written."""
    written = read_anchors(anchors or Settings().anchor_file)
    with governance_client() as client:
        rows = list(client.audit())
    found = faults(rows, written)
    for fault in found:
        click.echo(f"FAULT  {fault.text}")
    if found:
        raise SystemExit(1)
    click.echo(
        f"ok  {len(rows)} rows, {len(written)} anchors: nothing changed, removed, reordered, inserted or cut off"
    )


@audit.command("show")
@click.argument("case_id")
def show(case_id: str) -> None:
    """Show the rows about one case."""
    with governance_client() as client:
        for row in client.audit(case_id=case_id):
            screen().print(f"{row.number:>8}  {row.time:%Y-%m-%d %H:%M:%S}  {row.actor}: {row.act} {row.subject}")
            screen().print(f"          {row.detail}", soft_wrap=True)


@audit.command("export")
@click.option("--format", "form", type=click.Choice(["json", "fhir"]), default="json", help="What each line is.")
@click.option("--authority", default="", help="With --identifier: only rows about this patient.")
@click.option("--identifier", default="")
def export(form: str, authority: str, identifier: str) -> None:
    """Print the chain, one JSON document per line: rows, or FHIR R4 AuditEvents."""
    who = PatientIdentity(authority, identifier) if identifier else None
    site_id = Settings().site.site_id
    with governance_client() as client:
        for row in client.audit(identity=who):
            print_json(audit_event(row, site_id) if form == "fhir" else tree(row))


@click.command("recall")
@click.argument("bundle")
@click.option("--reason", required=True, help="One sentence that says why; it reaches every sink.")
@click.option("--actor", default="", help="Who recalls it; default: you.")
@click.option("--digest", default="", help="Only the build with this digest.")
@click.option("--wait/--no-wait", default=True, help="Show progress until every sink has confirmed.")
def recall(bundle: str, reason: str, actor: str, digest: str, *, wait: bool) -> None:
    """Withdraw, at every sink, every result a bundle delivered, and use it no more.

    \b
    BUNDLE is an id, or id@version. May be repeated and interrupted: the recall goes on by itself.
      oncorelay models recall ln_pcr-clinical-published --reason "a coefficient was printed wrongly"
    """
    bundle_id, _, version = bundle.partition("@")
    with governance_client() as client:
        state = client.recall(bundle_id, version, digest, actor or person_name(), reason)
        click.echo(_progress(state))
        while wait and state.finished_time is None:
            time.sleep(_LOOK_S)
            before, state = state, next(one for one in client.recalls() if one.recall_id == state.recall_id)
            if state != before:
                click.echo(_progress(state))


@click.command("recalls")
def recalls() -> None:
    """List recalled bundles and how far each recall is."""
    with governance_client() as client:
        for state in client.recalls():
            named = "@".join(part for part in (state.bundle_id, state.version) if part)
            click.echo(f"{named}  {state.created_time:%Y-%m-%d %H:%M}  {state.actor}: {state.reason}")
            click.echo(f"  {_progress(state)}")


@click.command("erase")
@click.option("--authority", required=True, help="The site's name of the assigning authority.")
@click.option("--identifier", required=True, help="The patient's identifier.")
@click.option("--reason", required=True, help="One sentence that says why, without naming the patient.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(authority: str, identifier: str, reason: str, *, yes: bool) -> None:
    """Erase what the ledger, the facts and the stored objects hold about one patient. It cannot be undone."""
    who = PatientIdentity(authority, identifier)
    if not yes:
        click.confirm("Erase this patient? It cannot be undone", abort=True)
    settings = LabSettings()
    lab = LabErasureClient(settings.grpc_address, tls=person_tls(settings.site), deadline_s=DEADLINE_S)
    try:
        resources, statements, group = lab.erase(who)
    finally:
        lab.close()
    click.echo(f"lab_consumer: {resources} resource(s) and {statements} statement(s) erased")
    for one in group:
        if one != who:
            click.echo(f"merged with this patient, and erased too: {one.authority} {one.identifier}")
    with governance_client() as client:
        state = client.erase(who, person_name(), reason)
        click.echo(f"results: {state.case_count} case(s) emptied, {state.blobs_left} stored object(s) to remove")
        while state.finished_time is None:
            time.sleep(_LOOK_S)
            state = client.erasure(state.erasure_id)
    click.echo("stored objects removed, space given back")
    click.echo(_STAYS.format(sinks=f" ({', '.join(state.sinks)})" if state.sinks else ""))


def _progress(state: Recall) -> str:
    done = "; finished" if state.finished_time else ""
    return (
        f"{state.withdrawn_count} of {state.case_count} cases withdrawn, "
        f"{state.confirmed_count} of {state.delivery_count} deliveries confirmed at sinks{done}"
    )
