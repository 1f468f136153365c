"""``oncorelay models accept``: the site's recorded acceptance of a bundle, and which bundles are accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from services.cli.ledger_client import ledger_client
from services.cli.person import person_name
from shared.bundles.catalog import Catalog
from shared.domain.errors import InvalidInputError, OncoRelayError
from shared.domain.governance import Acceptance
from shared.domain.prediction import BundleReference, IntendedUse
from shared.rpc.governance import GovernanceClient

DEADLINE_S = 10.0
_LOOK_S = 2.0
UNKNOWN = "unknown: the ledger does not answer"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("accept")
@click.argument("bundle")
@click.option("--report", required=True, type=_FILE, help="The validation report the acceptance rests on.")
@click.option("--by", "accepted_by", required=True, help="Who accepts it for the site: a person or a board.")
@click.option("--reason", default="accepted for this site", show_default=True, help="One sentence for the audit.")
def accept(bundle: str, report: Path, accepted_by: str, reason: str) -> None:
    """Record that the site accepts a bundle; only then may a clinical sink get a result of it.

    The sha256 of the report is recorded, not the report. Another build needs an acceptance of its own.

    \b
    Example:
      oncorelay models accept lung_metastasis-ourhospital --report validation.json --by "tumour board"
    """
    from services.cli.models import site_catalog

    reference = site_catalog().find(bundle).reference
    if reference.intended_use is IntendedUse.DEMONSTRATION:
        raise InvalidInputError("bundle", "is a demonstration: no clinical sink takes a result of it, accepted or not")
    asked = Acceptance(
        reference.bundle_id, reference.version, reference.digest, hashlib.sha256(report.read_bytes()).hexdigest(),
        accepted_by, person_name(), datetime.now(UTC),
    )  # fmt: skip
    with ledger_client(GovernanceClient, DEADLINE_S) as client:
        made = client.accept(asked, reason)
    click.echo(f"{made.bundle_id} {made.version} ({made.digest[:12]}): {said(made)}")
    if reference.intended_use is not IntendedUse.CLINICAL:
        click.echo(f"its intended use is {reference.intended_use}: clinical sinks refuse its results all the same")


def said(one: Acceptance) -> str:
    """Return an acceptance as people read it."""
    return (
        f"accepted by {one.accepted_by} on {one.created_time:%Y-%m-%d} (recorded by {one.actor}; report "
        f"{one.report_sha256[:12]})"
    )


def acceptances(catalog: Catalog) -> Mapping[str, str]:
    """Return by digest what the ledger says of the site's bundles; it is asked only where one could be accepted."""
    candidates = [one.reference for one in catalog.installed if _may_be(one.reference)]
    if not candidates:
        return {}
    try:
        with ledger_client(GovernanceClient, _LOOK_S) as client:
            found = {one.digest: said(one) for one in client.acceptances()}
    except (OncoRelayError, OSError):
        return {one.digest: UNKNOWN for one in candidates}
    return {one.digest: found.get(one.digest, "not accepted") for one in candidates}


def _may_be(reference: BundleReference) -> bool:
    return reference.intended_use is not IntendedUse.DEMONSTRATION
