"""DICOM inputs for tests: small series as files, and senders that speak to a listener."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pynetdicom import _config

from shared.dicom.scu import CalledNode
from shared.phantoms.blob import blob_volume
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series


def small_series(
    slices: int = 3, patient: PatientAttributes | None = None, study: StudyAttributes | None = None
) -> tuple[Dataset, ...]:
    """Return a series of tiny MR images (16 x 16)."""
    volume = blob_volume((slices, 16, 16))
    return mr_series(volume, VolumeGeometry(1.0, 1.0, 2.0), patient, study)


def encoded(image: Dataset) -> bytes:
    """Return the DICOM file of ``image``."""
    stream = BytesIO()
    dcmwrite(stream, image, enforce_file_format=True)
    return stream.getvalue()


def save_series(images: Iterable[Dataset], folder: Path) -> tuple[Path, ...]:
    """Write each image to ``folder``; return the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, image in enumerate(images):
        path = folder / f"{index:04d}.dcm"
        path.write_bytes(encoded(image))
        paths.append(path)
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class Sender:
    """A storage client whose every step a test controls."""

    port: int
    calling: str = "PACS"
    called: str = "ONCORELAY"

    def associate(self, images: Sequence[Dataset]) -> Any:
        """Return an association that proposes what the images need; the caller ends it."""
        contexts = {(image.SOPClassUID, image.file_meta.TransferSyntaxUID) for image in images}
        asked = CalledNode("127.0.0.1", self.port, self.called, self.calling, 30.0).ask(contexts)
        if not asked.established:
            raise ConnectionError("the association was rejected")
        return asked.association

    def send(self, images: Sequence[Dataset]) -> tuple[int, ...]:
        """Send the images over one association and release it; return the statuses."""
        association = self.associate(images)
        statuses = tuple(int(association.send_c_store(image).Status) for image in images)
        association.release()
        return statuses


def send_raw(association: Any, image: Dataset, content: bytes) -> Dataset:
    """Send ``content`` as the data set of a C-STORE request that announces ``image``; return the status."""
    meta = encoded(image)[: -len(data_set_bytes(image))]
    before = _config.STORE_SEND_CHUNKED_DATASET
    _config.STORE_SEND_CHUNKED_DATASET = True  # sends what follows the file meta information as it is
    try:
        with NamedTemporaryFile(suffix=".dcm") as file:
            file.write(meta + content)
            file.flush()
            status: Dataset = association.send_c_store(file.name)
            return status
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = before


def data_set_bytes(image: Dataset) -> bytes:
    """Return the encoded data set without preamble and file meta information."""
    content = encoded(image)
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]


def knock(port: int, content: bytes = b"") -> None:
    """Open a TCP connection, send ``content`` and close it."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(content)
