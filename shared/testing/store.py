"""A modality: sends images by C-STORE and insists on Success."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from shared.dicom.scu import CalledNode


def store(images: Iterable[Dataset], port: int, called: str, calling: str, host: str = "127.0.0.1") -> None:
    """Send the images over one association.

    Raises:
        RuntimeError: If the association or an image is refused.
    """
    sent = list(images)
    contexts = sorted({(i.SOPClassUID, i.file_meta.TransferSyntaxUID) for i in sent})
    asked = CalledNode(host, port, called, calling, 30.0).ask(contexts)
    association = asked.association
    if not asked.established:
        raise RuntimeError(f"{called} at port {port} refused the association from {calling}")
    try:
        for image in sent:
            status = association.send_c_store(image).get("Status", -1)
            if status != 0:
                raise RuntimeError(f"{called} answered 0x{status & 0xFFFF:04X} to C-STORE")
    finally:
        association.release()
