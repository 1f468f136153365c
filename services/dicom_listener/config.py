"""Settings of the listener (table ``[dicom_listener]``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.security.token_settings import OidcSettings
from shared.site.networks import THIS_MACHINE, Networks, split
from shared.site.settings import ServiceSettings

AeTitle = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[ -\[\]-~]*[!-\[\]-~][ -\[\]-~]*$")]
"""PS3.5 6.2, AE: 1 to 16 printable characters without backslash, not only spaces."""


def _no_port(value: Any) -> Any:
    """TOML has no word for nothing: ``port = "none"``."""
    return None if value == "none" else value


LOOPBACK = ("127.0.0.1", "::1", "localhost")


class PeerSettings(BaseModel):
    """One ``[[dicom_listener.peers]]`` table: a sender we may ask back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ae_title: AeTitle
    """Its AE title: calling title when it sends, called title when we ask."""
    host: str
    port: int = Field(ge=1, le=65535)
    ask_instance_count: bool = False
    """Ask it by C-FIND for Number of Study Related Instances (0020,1208) before a study counts as complete."""
    storage_commitment: bool = True
    """It may ask for storage commitment; our report goes to this host and port, on an association of our own."""
    certificate_name: str = ""
    """Name (CN, or DNS or URI of the alternative names) of the TLS certificate it must show; needs ``tls_client_ca``.
    Anybody can claim an AE title: this is what proves it."""
    networks: Networks = ()
    """Networks (CIDR) this title may come from, within ``allowed_networks``; empty: any of those."""


class Settings(ServiceSettings):
    """What the listener needs."""

    section: ClassVar[str] = "dicom_listener"

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int | None, BeforeValidator(_no_port)] = Field(default=11112, ge=0, le=65535)
    """Port to listen on without TLS; "none": there is none (needs ``tls_certificate``); 0 lets the system choose
    (tests)."""
    ae_title: AeTitle = "ONCORELAY"
    """Our AE title; any other called title is rejected."""
    calling_ae_titles: Annotated[tuple[AeTitle, ...], BeforeValidator(split)] = ()
    """Senders that may associate; anybody else, and everybody where it is empty, is rejected."""
    results_address: str = "127.0.0.1:50051"
    """Where results serves."""
    slide_ingestion_address: str = ""
    """Where slide ingestion serves: studies with slide microscopy are handed to it; empty: they go to results as any
    other study does."""
    grpc_address: str = "127.0.0.1:50053"
    """Where administrators reach the listener (``oncorelay erase``); port 0 lets the system choose (tests)."""
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
    ledger_grace_s: float = Field(default=30.0, ge=0)
    """Results may be silent for so long before doors refuse, in seconds; meanwhile studies wait in the outbox."""
    max_backlog: int = Field(default=50_000, ge=1)
    """Objects that may wait to be judged; beyond it doors refuse for a while."""
    acse_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for an association message, in seconds; a connection that says nothing is closed after it."""
    network_timeout_s: float = Field(default=60.0, gt=0)
    """An association without any traffic for this time is aborted, in seconds."""
    find_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for an answer to our C-FIND, in seconds."""
    stop_grace_s: float = Field(default=10.0, ge=0)
    """On an orderly stop, how long open associations may finish, in seconds."""

    door: Literal["own", "pynetdicom"] = "own"
    """Which C-STORE server: our own, or the slower reference on pynetdicom."""
    allowed_networks: Networks = THIS_MACHINE
    """Networks (CIDR) senders may come from; from any other address an association is rejected."""
    max_associations_per_sender: int = Field(default=16, ge=1)
    """Associations at once of one AE title; one more is rejected as transient."""
    associations_per_minute: int = Field(default=3000, ge=0)
    """Associations of one AE title in a minute; more are rejected as transient; 0: no limit."""
    max_waiting_connections: int = Field(default=64, ge=1)
    """Connections that have no association yet, or none any more; one more is closed at once."""
    max_connections_per_address: int = Field(default=48, ge=1)
    """Connections of one address at once; one more is closed at once."""
    tls_port: int = Field(default=2762, ge=0, le=65535)
    """Port to listen on with TLS, once ``tls_certificate`` is set (2762: the registered port of DICOM TLS, PS3.15
    B.1); 0 lets the system choose (tests). ``port`` stays open beside it unless it is "none"."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) of the DICOM TLS port; without it there is none."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    tls_client_ca: Path | None = None
    """Certificates (PEM) that sign clients; with it a client without a certificate is not let in."""

    commitment_wait_s: float = Field(default=60.0, ge=0)
    """A request for storage commitment waits so long for objects that are not judged yet, in seconds."""
    commitment_give_up_h: float = Field(default=24.0, gt=0)
    """A requestor that cannot be reached is tried so long, then a person is told, in hours."""
    commitment_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for an answer to our report, in seconds."""

    stow_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of the STOW-RS door (``/dicomweb/studies``); without it there is none; 0 lets the system choose (tests)."""
    stow_host: str = "127.0.0.1"
    """Address of the STOW-RS door; another than this machine's own needs ``stow_tls_certificate``."""
    stow_tls_certificate: Path | None = None
    """Certificate chain (PEM) of the STOW-RS door."""
    stow_tls_key: Path | None = None
    """Its private key (PEM)."""
    stow_token_file: Path | None = None
    """File with the keys of the STOW-RS door, ``NAME KEY`` a line or one bare key; default (unless there is a
    ``stow_oidc`` table): ``secrets/dicom_listener.token`` in the data folder. The name is the sender's name."""
    stow_oidc: OidcSettings | None = None
    """``[dicom_listener.stow_oidc]``: the OpenID provider whose access tokens open the door (``images.write``)."""
    stow_max_requests: int = Field(default=16, ge=1)
    """Requests at once; one more is answered 503 with Retry-After."""
    stow_max_parts: int = Field(default=10_000, ge=1)
    """Most instances of one request."""
    stow_idle_s: float = Field(default=30.0, gt=0)
    """Longest pause in a body, in seconds."""
    stow_longest_s: float = Field(default=3600.0, gt=0)
    """Longest time a body may keep us waiting in all, in seconds."""
    stow_min_kb_per_s: float = Field(default=1.0, ge=0)
    """Slowest body, in the mean, in kB/s."""

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.port is None and self.tls_certificate is None:
            raise ValueError('port is "none" and there is no tls_certificate: nobody could send anything')
        if self.tls_client_ca is None and any(peer.certificate_name for peer in self.peers):
            raise ValueError("certificate_name of a peer needs tls_client_ca")
        if (self.stow_tls_certificate is None) != (self.stow_tls_key is None):
            raise ValueError("stow_tls_certificate and stow_tls_key belong together")
        if self.stow_tls_certificate is None and self.stow_host not in LOOPBACK:
            raise ValueError("stow_host is reachable from elsewhere: it needs stow_tls_certificate, or a proxy here")
        return self

    @property
    def stow_key_path(self) -> Path | None:
        """Return where the keys of the STOW-RS door lie; None where only the OpenID provider's tokens count."""
        if self.stow_token_file is None and self.stow_oidc is not None:
            return None
        return self.stow_token_file or self.site.data_folder / "secrets" / "dicom_listener.token"

    @property
    def segment_folder(self) -> Path:
        """Folder of the inbox's segments."""
        return self.object_folder / "segments"

    @property
    def folder(self) -> Path:
        """Folder of journal, index and quarantine."""
        return self.site.data_folder / "dicom"

    @property
    def object_folder(self) -> Path:
        """Folder of the stored objects; below the blob store, where every other service finds them."""
        return self.site.blob_folder / "dicom"
