"""C-STORE of files, one line for each that fails; the rest is still sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import click
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pynetdicom.association import Association

from services.dicom_listener.config import Settings as ListenerSettings
from shared.dicom.scu import CalledNode

SUCCESS = 0x0000
TIMEOUT_S = 30.0
"""Longest single wait on the listener (pynetdicom's own default for DIMSE)."""
MAX_CONTEXTS = 120
"""Fewer than the 128 presentation contexts an association may propose (PS3.8 9.3.2.2)."""


class _UnusableError(Exception):
    """A file cannot be sent; says why."""


def send_images(files: Iterable[Path], calling: str, named: Collection[Path]) -> int:
    """C-STORE DICOM files over one association; return how many failed.

    ``named`` are the files a person named: one that is not DICOM failed, where others are skipped.
    """
    images, failed = [], 0
    for file in files:
        try:
            images.append((file, _read(file)))
        except _UnusableError as error:
            failed += file in named
            click.echo(f"{'failed' if file in named else 'skipped'} {file.name}: {error}")
    return failed + (_store(images, calling) if images else 0)


def _store(images: list[tuple[Path, FileDataset]], calling: str) -> int:
    settings = ListenerSettings()
    if settings.port is None:
        raise click.ClickException("the listener has no plain port ([dicom_listener] port): send with TLS by DCMTK")
    wanted = {(str(image.SOPClassUID), str(image.file_meta.TransferSyntaxUID)) for _, image in images}
    node = CalledNode(settings.host, settings.port, settings.ae_title, calling, TIMEOUT_S)
    asked = node.ask(sorted(wanted)[:MAX_CONTEXTS])
    if not asked.established:
        where = f"{settings.ae_title} at {settings.host}:{settings.port}"
        hint = f"is it up, and is {calling!r} in [dicom_listener] calling_ae_titles?"
        for file, _ in images:
            click.echo(f"failed {file.name}: {where} refused the association: {hint}")
        return len(images)
    failed = sum(not _store_one(asked.association, file, image) for file, image in images)
    asked.association.release()
    click.echo(f"{len(images) - failed} of {len(images)} objects stored by {settings.ae_title}")
    return failed


def _store_one(association: Association, file: Path, image: FileDataset) -> bool:
    try:
        answer = association.send_c_store(image)
    except (ValueError, RuntimeError, AttributeError) as error:
        click.echo(f"failed {file.name}: {str(error).splitlines()[0]}")
        return False
    status = answer.get("Status")
    if status == SUCCESS:
        return True
    code = "no answer" if status is None else f"0x{status:04X} {answer.get('ErrorComment', '')}".rstrip()
    click.echo(f"failed {file.name}: {code}")
    return False


def _read(file: Path) -> FileDataset:
    try:
        image = dcmread(file)
        if not image.SOPClassUID or not image.SOPInstanceUID or not image.file_meta.TransferSyntaxUID:
            raise _UnusableError("SOP class, SOP instance or transfer syntax is empty")
    except InvalidDicomError:
        raise _UnusableError("not a DICOM file") from None
    except OSError as error:
        raise _UnusableError(f"cannot be read: {error.strerror or 'it ends too early'}") from None
    except (ValueError, AttributeError, KeyError, NotImplementedError) as error:
        raise _UnusableError(f"not a whole DICOM file ({type(error).__name__})") from None
    return image
