"""A modality: sends images by C-STORE and insists on Success."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pynetdicom import AE


def store(images: Iterable[Dataset], port: int, called: str, calling: str, host: str = "127.0.0.1") -> None:
    """Send the images over one association.

    Raises:
        RuntimeError: If the association or an image is refused.
    """
    sent = list(images)
    entity = AE(ae_title=calling)
    for sop_class, syntax in sorted({(i.SOPClassUID, i.file_meta.TransferSyntaxUID) for i in sent}):
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(host, port, ae_title=called)
    if not association.is_established:
        raise RuntimeError(f"{called} at port {port} refused the association from {calling}")
    try:
        for image in sent:
            status = association.send_c_store(image).get("Status", -1)
            if status != 0:
                raise RuntimeError(f"{called} answered 0x{status & 0xFFFF:04X} to C-STORE")
    finally:
        association.release()
