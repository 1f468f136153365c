"""Settings of the listener (table ``[dicom_listener]``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.site.settings import ServiceSettings

AeTitle = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[ -\[\]-~]*[!-\[\]-~][ -\[\]-~]*$")]
"""PS3.5 6.2, AE: 1 to 16 printable characters without backslash, not only spaces."""


def _split(value: Any) -> Any:
    """Let the environment give a list as ``PACS,MODALITY``."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class PeerSettings(BaseModel):
    """One ``[[dicom_listener.peers]]`` table: a sender we may ask back."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ae_title: AeTitle
    """Its AE title: calling title when it sends, called title when we ask."""
    host: str
    port: int = Field(ge=1, le=65535)
    ask_instance_count: bool = False
    """Ask it by C-FIND for Number of Study Related Instances (0020,1208) before a study counts as complete."""


class Settings(ServiceSettings):
    """What the listener needs."""

    section: ClassVar[str] = "dicom_listener"

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=11112, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose (tests)."""
    ae_title: AeTitle = "ONCORELAY"
    """Our AE title; any other called title is rejected."""
    calling_ae_titles: Annotated[tuple[AeTitle, ...], BeforeValidator(_split)] = ()
    """Senders that may associate; anybody else, and everybody where it is empty, is rejected."""
    results_address: str = "127.0.0.1:50051"
    """Where results serves."""
    settle_s: float = Field(default=1.0, ge=0)
    """Pause after an association was released before its studies are judged, in seconds."""
    quiet_s: float = Field(default=60.0, gt=0)
    """Last resort: a study nobody sent anything for during this time is taken as it is, in seconds."""
    peers: tuple[PeerSettings, ...] = ()
    max_associations: int = Field(default=32, ge=1)
    """Associations at once; one more is rejected as transient (local limit exceeded)."""
    max_object_mb: int = Field(default=2048, ge=1)
    """Largest object accepted, in MiB; the association is aborted beyond it."""
    min_free_mb: int = Field(default=1024, ge=0)
    """Below this much free disk, in MiB, C-STORE answers 0xA700 (out of resources; the sender tries again)."""
    backlog: int = Field(default=1000, ge=1)
    """More studies and notices waiting for results than this is told by health."""
    acse_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for an association message, in seconds; a bare TCP probe holds a place that long."""
    network_timeout_s: float = Field(default=60.0, gt=0)
    """An association without any traffic for this time is aborted, in seconds."""
    find_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for an answer to our C-FIND, in seconds."""
    stop_grace_s: float = Field(default=10.0, ge=0)
    """On an orderly stop, how long open associations may finish, in seconds."""

    @property
    def folder(self) -> Path:
        """Folder of journal, index and quarantine."""
        return self.site.data_folder / "dicom"

    @property
    def object_folder(self) -> Path:
        """Folder of the stored objects; below the blob store, where every other service finds them."""
        return self.site.blob_folder / "dicom"
