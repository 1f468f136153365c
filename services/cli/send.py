"""``oncorelay send``: give the running system DICOM files and FHIR resources, as a modality and an EHR would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click
import httpx

from services.cli.send_images import send_images
from services.lab_consumer.config import Settings as LabSettings
from shared.security.tokens import first_key

SENDER_AE_TITLE = "ONCORELAYSEND"
TIMEOUT_S = 30.0


@click.command("send")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--calling", default=SENDER_AE_TITLE, show_default=True, help="Our AE title; the listener must list it.")
def send(paths: tuple[Path, ...], calling: str) -> None:
    """Send DICOM files by C-STORE and FHIR JSON by HTTP to the running system; folders are searched.

    A file that was named must be one of the two; what lies beside them in a folder is skipped.

    \b
    Examples:
      oncorelay send study_folder/
      oncorelay send patient.json observations/ study_folder/
    """
    named = {path for path in paths if path.is_file()}
    found = {file for path in paths if path.is_dir() for file in path.rglob("*") if file.is_file()}
    files = sorted(named | found)
    resources = [file for file in files if file.suffix.lower() == ".json"]
    failed = send_resources(resources)
    failed += send_images([file for file in files if file not in set(resources)], calling, named)
    if failed:
        raise click.ClickException(f"{failed} of {len(files)} files failed; the lines above say why")


def send_resources(files: Iterable[Path]) -> int:
    """POST FHIR resources to the lab consumer, one line each; return how many were not taken."""
    settings = LabSettings()
    token = first_key(settings.key_path) if settings.key_path and settings.key_path.exists() else ""
    scheme = "https" if settings.http_tls_certificate else "http"
    base = f"{scheme}://{settings.http_host}:{settings.http_port}/fhir"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(headers=headers, timeout=TIMEOUT_S) as client:
        return sum(not _post(client, base, file) for file in files)


def _post(client: httpx.Client, base: str, file: Path) -> bool:
    """Post one file as it is: the door says what is wrong with it. Return whether it was taken."""
    try:
        content = file.read_bytes()
        answer = client.post(_url(base, content), content=content, headers={"Content-Type": "application/fhir+json"})
    except httpx.TransportError as error:
        why = f"the lab consumer does not answer at {base} ({type(error).__name__}): is `oncorelay up` running?"
        click.echo(f"failed {file.name}: {why}")
        return False
    except OSError as error:
        click.echo(f"failed {file.name}: cannot be read: {error.strerror}")
        return False
    click.echo(f"{answer.status_code} {file.name} {_diagnostics(answer)}".rstrip())
    return answer.is_success


def _url(base: str, content: bytes) -> str:
    """Return the address of the resource's type; the base for a Bundle, and for what says no type."""
    try:
        resource = json.loads(content)
    except (ValueError, RecursionError):
        return base
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    named = isinstance(kind, str) and kind.isascii() and kind.isalpha() and kind != "Bundle"
    return f"{base}/{kind}" if named else base


def _diagnostics(answer: httpx.Response) -> str:
    try:
        issues = answer.json().get("issue", [])
    except (ValueError, AttributeError):
        return ""
    return "; ".join(str(issue.get("diagnostics", "")) for issue in issues)
