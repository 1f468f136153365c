"""``oncorelay send``: give the running system DICOM files and FHIR resources, as a modality and an EHR would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click
import httpx
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pynetdicom import AE

from services.dicom_listener.config import Settings as ListenerSettings
from services.lab_consumer.config import Settings as LabSettings

SENDER_AE_TITLE = "ONCORELAYSEND"
SUCCESS = 0x0000
MAX_CONTEXTS = 120
"""Fewer than the 128 presentation contexts an association may propose (PS3.8 9.3.2.2)."""


@click.command("send")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--calling", default=SENDER_AE_TITLE, show_default=True, help="Our AE title; the listener must list it.")
def send(paths: tuple[Path, ...], calling: str) -> None:
    """Send DICOM files by C-STORE and FHIR JSON by HTTP to the running system; folders are searched.

    \b
    Examples:
      oncorelay send study_folder/
      oncorelay send patient.json observations/ study_folder/
    """
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    resources = [file for file in files if file.suffix.lower() == ".json"]
    failed = send_resources(resources)
    failed += send_images([file for file in files if file not in set(resources)], calling)
    if failed:
        raise click.ClickException(f"{failed} of {len(files)} files were refused; the lines above say why")


def send_resources(files: Iterable[Path]) -> int:
    """POST FHIR resources to the lab consumer; return how many were refused."""
    settings, failed = LabSettings(), 0
    token = settings.token_path.read_text().strip() if settings.token_path.exists() else ""
    base = f"http://{settings.http_host}:{settings.http_port}/fhir"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        for file in files:
            content = file.read_bytes()
            kind = json.loads(content).get("resourceType", "")
            answer = client.post(
                base if kind == "Bundle" else f"{base}/{kind}", content=content,
                headers={"Content-Type": "application/fhir+json"},
            )  # fmt: skip
            failed += answer.is_error
            click.echo(f"{answer.status_code} {file.name} {_diagnostics(answer)}")
    return failed


def send_images(files: Iterable[Path], calling: str) -> int:
    """C-STORE DICOM files over one association; return how many were refused."""
    images = [image for image in (_read(file) for file in files) if image is not None]
    if not images:
        return 0
    settings = ListenerSettings()
    entity = AE(ae_title=calling)
    wanted = {(str(image.SOPClassUID), str(image.file_meta.TransferSyntaxUID)) for image in images}
    for sop_class, syntax in sorted(wanted)[:MAX_CONTEXTS]:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(settings.host, settings.port, ae_title=settings.ae_title)
    if not association.is_established:
        raise click.ClickException(
            f"{settings.ae_title} at {settings.host}:{settings.port} refused the association: is it up, and is "
            f"{calling!r} in [dicom_listener] calling_ae_titles?"
        )
    failed = 0
    for image in images:
        status = association.send_c_store(image)
        if status.get("Status") != SUCCESS:
            failed += 1
            click.echo(f"0x{status.get('Status', 0xFFFF):04X} {status.get('ErrorComment', 'no answer')}")
    association.release()
    click.echo(f"{len(images) - failed} of {len(images)} objects stored by {settings.ae_title}")
    return failed


def _read(file: Path) -> FileDataset | None:
    try:
        return dcmread(file)
    except InvalidDicomError:
        click.echo(f"skipped {file.name}: not a DICOM file")
        return None


def _diagnostics(answer: httpx.Response) -> str:
    try:
        issues = answer.json().get("issue", [])
    except (ValueError, AttributeError):
        return ""
    return "; ".join(str(issue.get("diagnostics", "")) for issue in issues)
