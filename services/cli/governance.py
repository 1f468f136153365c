"""``oncorelay audit | models recall | models recalls | erase``: what administrators do about results as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

import click

from services.cli.cases import print_json, results_client, screen, tree
from services.cli.ledger_client import ledger_client
from services.cli.person import person_name, person_tls
from services.dicom_listener.config import Settings as ListenerSettings
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings
from services.slide_ingestion.config import Settings as SlideSettings
from shared.domain.audit import faults
from shared.domain.errors import OncoRelayError, UnavailableError
from shared.domain.governance import Erasure, ObjectErasure, Recall
from shared.domain.identity import PatientIdentity
from shared.fhir.writing.audit_event import audit_event
from shared.rpc.governance import GovernanceClient, LabErasureClient, ObjectErasureClient
from shared.rpc.slide_ingestion_client import SlideErasureClient
from shared.site.anchors import read_anchors

DEADLINE_S = 60.0
_LOOK_S = 0.5
_LONGEST_S = 600.0
"""How long a command watches; what it began goes on by itself."""
NOT_PROVEN = 3
"""Exit status of a check that found nothing wrong and could not have found everything."""
_STAYS = """\
What stays, and why:
  the audit chain        proof of who did what; the patient is a keyed HMAC in it, no name and no identifier
  cases and deliveries   which object of ours lies in which chart; nothing about the person
  the listener's journal that an erasure was done, when and of how many objects; no UID and no identifier
  results at sinks       they belong to the PACS and the EHR{sinks}: erase them there
  slides in the site's folders and buckets  they belong to the scanner; they are not taken in again as they are
  backups                until they age out as the site has decided
Whatever comes of this patient from now on is new data and is taken as such."""


def governance_client() -> AbstractContextManager[GovernanceClient]:
    """Give a client of the ledger this site names, see ``ledger_client``."""
    return ledger_client(GovernanceClient, DEADLINE_S)


@click.group("audit")
def audit() -> None:
    """Check, show and export who did what, when and why."""


@audit.command("verify")
@click.option("--anchors", type=click.Path(path_type=Path), help="File of anchors; default: the site's.")
def verify(anchors: Path | None) -> None:
    """Recompute the whole chain here and compare it with its anchors; name every row that is not as it was written.

    Exit status: 0 proven, 1 something was done to the chain, 3 nothing can be proven because there is no anchor.
    """
    place = anchors or Settings().anchor_file
    written = read_anchors(place)
    with governance_client() as client:
        rows = list(client.audit())
    found = [fault.text for fault in faults(rows, written)]
    if not rows and not written and _has_cases():
        found.append("the chain is empty, and there are cases: all of it was removed")
    for text in found:
        click.echo(f"FAULT  {text}")
    if found:
        raise SystemExit(1)
    if rows and not written:
        click.echo(f"NOT PROVEN  {len(rows)} rows agree with each other, but no anchor is in {place}:")
        click.echo("            whether the chain was cut off or written anew cannot be told")
        raise SystemExit(NOT_PROVEN)
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
@click.option("--digest", default="", help="Only the build with this digest.")
@click.option("--wait/--no-wait", default=True, help="Show progress until every sink has confirmed.")
@click.option("--wait-s", default=_LONGEST_S, show_default=True, help="Wait no longer; the recall goes on by itself.")
def recall(bundle: str, reason: str, digest: str, *, wait: bool, wait_s: float) -> None:
    """Withdraw, at every sink, every result a bundle delivered, and use it no more.

    \b
    BUNDLE is an id, or id@version. May be repeated and interrupted: the recall goes on by itself.
      oncorelay models recall ln_pcr-clinical-published --reason "a coefficient was printed wrongly"
    """
    bundle_id, _, version = bundle.partition("@")
    with governance_client() as client:
        state = client.recall(bundle_id, version, digest, person_name(), reason)
        click.echo(_progress(state))
        until = time.monotonic() + (wait_s if wait else 0.0)
        while state.finished_time is None and time.monotonic() < until:
            time.sleep(_LOOK_S)
            before, state = state, next(one for one in client.recalls() if one.recall_id == state.recall_id)
            if state != before:
                click.echo(_progress(state))
    if wait and state.finished_time is None:
        click.echo("not finished yet: it goes on by itself; see `oncorelay models recalls`, `sinks` and `letters`")
        raise SystemExit(1)


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
    """Erase what the facts, the DICOM objects, the slides and the ledger hold of one patient. It cannot be undone.

    Each owner is asked in turn, and one that cannot be reached does not stop the others. Repeat the command until none
    is named as unfinished.
    """
    who = PatientIdentity(authority, identifier)
    if not yes:
        click.confirm("Erase this patient? It cannot be undone", abort=True)
    sinks: list[str] = []
    uids: list[str] = []
    everybody = [who]
    # The listener before the ledger: what it still had to submit must not come after the ledger was emptied, and only
    # it knows which studies are the patient's where the images of one disagree.
    owners: dict[str, Callable[[], None]] = {
        "lab_consumer": lambda: everybody.extend(_erase_facts(who)),
        "dicom_listener": lambda: uids.extend(_erase_objects_of(everybody, reason)),
        "slide_ingestion": lambda: _erase_slides(everybody),
        "results": lambda: sinks.extend(_erase_results(who, reason, uids)),
    }
    failed = [owner for owner, step in owners.items() if not _done(owner, step)]
    click.echo(_STAYS.format(sinks=f" ({', '.join(sinks)})" if sinks else ""))
    if failed:
        raise click.ClickException(
            f"not erased at {', '.join(failed)}: repeat the command for each identity named here"
        )


def _done(owner: str, step: Callable[[], None]) -> bool:
    try:
        step()
    except OncoRelayError as error:
        click.echo(f"{owner}: FAILED: {error}")
        return False
    return True


def _erase_facts(who: PatientIdentity) -> list[PatientIdentity]:
    settings = LabSettings()
    client = LabErasureClient(settings.grpc_address, tls=person_tls(settings.site), deadline_s=DEADLINE_S)
    with closing(client):
        resources, statements, group = client.erase(who)
    click.echo(f"lab_consumer: {resources} resource(s) and {statements} statement(s) erased")
    others = [one for one in group if one != who]
    for one in others:
        click.echo(f"merged with this patient, and erased too: {one.authority} {one.identifier}")
    return others


def _erase_objects_of(everybody: list[PatientIdentity], reason: str) -> list[str]:
    return [uid for one in everybody for uid in _erase_objects(one, reason)]


def _erase_objects(who: PatientIdentity, reason: str) -> tuple[str, ...]:
    """Return the UIDs the ledger must be told; they are told once, so nothing is begun while it does not answer."""
    with governance_client() as ledger:
        ledger.recalls()
    settings = ListenerSettings()
    client = ObjectErasureClient(settings.grpc_address, tls=person_tls(settings.site), deadline_s=DEADLINE_S)
    with closing(client):
        state = client.erase(who, reason)
        click.echo(
            f"dicom_listener: {state.instance_count} object(s) of {state.study_count} study(ies) and "
            f"{state.quarantined_count} in quarantine to erase"
        )
        _until_finished("dicom_listener", state, lambda: client.erasure(state.erasure_id))
    click.echo("dicom_listener: bytes, journal and index erased")
    return state.uids


def _erase_slides(everybody: list[PatientIdentity]) -> None:
    """After the listener, which hands slides over, and before the ledger, which is told of them."""
    settings = SlideSettings()
    with closing(
        SlideErasureClient(settings.grpc_address, tls=person_tls(settings.site), deadline_s=DEADLINE_S)
    ) as client:
        found = [client.erase(one) for one in everybody]
    slides, orders = sum(one.slide_count for one in found), sum(one.order_count for one in found)
    click.echo(f"slide_ingestion: {slides} slide(s) and {orders} order(s) erased")
    left = sum(one.left_file_count for one in found)
    if left:
        click.echo(f"slide_ingestion: {left} file(s) in the site's slide folders are hers: remove them there")


def _erase_results(who: PatientIdentity, reason: str, uids: Sequence[str]) -> tuple[str, ...]:
    with governance_client() as client:
        state = client.erase(who, person_name(), reason, uids)
        click.echo(f"results: {state.case_count} case(s) emptied, {state.blobs_left} stored object(s) to remove")
        _until_finished("results", state, lambda: client.erasure(state.erasure_id))
    click.echo("results: stored objects removed, space given back")
    return state.sinks


def _until_finished(owner: str, state: Erasure | ObjectErasure, look: Callable[[], Erasure | ObjectErasure]) -> None:
    """Look until it is finished; after ten minutes it goes on by itself.

    Raises:
        UnavailableError: If it takes longer.
    """
    until = time.monotonic() + _LONGEST_S
    while state.finished_time is None:
        if time.monotonic() > until:
            raise UnavailableError(f"{owner} is still at work; its log says why, and it goes on by itself")
        time.sleep(_LOOK_S)
        state = look()


def _has_cases() -> bool:
    with results_client() as client:
        return bool(client.list_cases(page_size=1))


def _progress(state: Recall) -> str:
    done = "; finished" if state.finished_time else ""
    return (
        f"{state.withdrawn_count} of {state.case_count} cases withdrawn, "
        f"{state.confirmed_count} of {state.delivery_count} deliveries confirmed at sinks{done}"
    )
