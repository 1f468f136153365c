"""Settings of the three processes of results (table ``[results]``) and the sinks."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.domain.errors import InvalidInputError
from shared.domain.images import AutomaticRegion, ImagingPolicy
from shared.domain.slides import AreaReading, Cropping, Rounding, SlidePolicy
from shared.security.loopback import is_loopback
from shared.security.token_settings import DEFAULT_SCOPE, BackendSettings
from shared.site.secret_files import RedisSettings, read_line

RESULTS_SCOPE = " ".join(
    [DEFAULT_SCOPE]
    + [f"system/{kind}.crus" for kind in ("RiskAssessment", "Observation", "DiagnosticReport", "DocumentReference")]
    + [f"system/{kind}.crs" for kind in ("Device", "Provenance")]
)
"""SMART v2: what a result rests on is read, what it is written as is created, found again and taken back."""


Kind = Literal[
    "dicom-sr", "dicom-seg", "dicom-sc", "dicom-pm", "dicom-ann", "fhir-transaction", "pdf", "geojson", "json", "hl7"
]
"""What a result can be rendered as."""


class SinkBackend(BackendSettings):
    """``[sinks.backend]``: who we are at the authorization server of a FHIR sink."""

    scope: str = RESULTS_SCOPE
    """What we ask for, SMART v2 syntax."""


class SinkSettings(BaseModel):
    """One ``[[sinks]]`` table: a PACS, EHR or folder that receives results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["dicom-cstore", "dicom-stow", "fhir", "folder", "hl7-mllp"]
    """What it speaks. "hl7-mllp" is a laboratory system (LIS): it takes findings about slides, and nothing else."""
    clinical: bool = False
    """A clinical sink refuses demonstration and research bundles."""
    hold_until_reviewed: bool = False
    """True: no finding of the site leaves for this sink before a person accepted it, refusals included. False: sent as
    preliminary."""
    host: str = "127.0.0.1"
    """C-STORE: host of the PACS. MLLP: host of the LIS."""
    port: int = 104
    """C-STORE: port of the PACS. MLLP: port of the LIS; it has no default there."""
    sending_application: str = "ONCORELAY"
    """MLLP: MSH-3, who we are."""
    sending_facility: str = ""
    """MLLP: MSH-4."""
    receiving_application: str = ""
    """MLLP: MSH-5, what the LIS calls itself."""
    receiving_facility: str = ""
    """MLLP: MSH-6."""
    processing_id: Literal["P", "T", "D"] = "P"
    """MLLP: MSH-11 (HL7 table 0103): P production, T training, D debugging."""
    tls: bool = False
    """MLLP: encrypt; the certificate of the LIS must be valid for ``host``."""
    tls_ca: Path | None = None
    """MLLP: the authority that signed it, as PEM; absent: those this machine trusts."""
    tls_certificate: Path | None = None
    """MLLP: our own certificate, as PEM, for a LIS that asks for one."""
    tls_key: Path | None = None
    """MLLP: its key."""
    ae_title: str = ""
    """C-STORE: AE title of the PACS (called)."""
    calling_ae_title: str = "ONCORELAY"
    """C-STORE: our AE title (calling)."""
    storage_commitment: bool = False
    """C-STORE: ask for storage commitment as well; the report is awaited on ``commitment_port``."""
    commitment_port: int = 0
    """C-STORE: port where this process awaits N-EVENT-REPORT; 0 where storage_commitment is off."""
    url: str = ""
    """STOW-RS or FHIR: base URL."""
    token_file: Path | None = None
    """STOW-RS or FHIR: file with a bearer token that somebody else renews; none when absent."""
    backend: SinkBackend | None = None
    """FHIR: ``[sinks.backend]``, SMART Backend Services: tokens of our own, asked for with a signed assertion."""
    probability_convention: Literal["fraction", "percent"] = "fraction"
    """FHIR: how this server reads ``probabilityDecimal`` (the specification is ambiguous)."""
    folder: Path | None = None
    """Folder: where the files go."""
    objects: tuple[Kind, ...] = (
        "dicom-sr",
        "dicom-seg",
        "dicom-sc",
        "dicom-pm",
        "dicom-ann",
        "fhir-transaction",
        "pdf",
        "geojson",
        "json",
    )
    """What is sent or written. "dicom-sr" is the report, which an archive always gets; beside it, of an answer from
    images, "dicom-seg" the region, "dicom-sc" a picture of it that any archive shows, "dicom-pm" the heatmap's values.
    Folder: "pdf" is the page a person opens. Of laboratory values there is nothing in DICOM. Of slides: "dicom-ann" the
    patches and "dicom-pm" their probabilities, where the slide came as DICOM; in a folder also "geojson" the patches
    for QuPath, "json" the whole finding, and "hl7" the message a LIS gets (which needs an hl7_authority in
    [[identity]])."""
    timeout_s: float = 15.0
    """Longest wait for one answer of the peer, in seconds."""
    workers: int = 4
    """Deliveries to this sink at once, in threads: most of a delivery is waiting for the peer (tests/bench). The
    deliveries of one case stay in order."""
    max_tries: int = 8
    """After this many temporary failures the delivery becomes a dead letter."""
    first_retry_s: float = 2.0
    """Pause before the first retry; doubles up to ``longest_retry_s``, with jitter."""
    longest_retry_s: float = 600.0
    breaker_failures: int = 5
    """After so many failures of the sink in a row (not reached, overloaded, no answer) its deliveries wait without
    losing tries, and one at a time finds out whether it works again."""
    breaker_first_s: float = 5.0
    """Pause before the first such probe; doubles up to ``breaker_longest_s``."""
    breaker_longest_s: float = 300.0
    """Longest pause between two probes; also the longest Retry-After that is believed."""
    withdrawal: Literal["sr", "rejection-note", "both"] = "sr"
    """C-STORE and STOW-RS: how a result is taken back. "sr": a report that says so and names its predecessor, which
    every archive can show. "rejection-note": a Key Object Selection that asks the archive to hide the earlier report
    (IHE IOCM); only for archives that take and follow it. "both": the report, then the note."""
    rejection: Literal["quality", "patient-safety"] = "patient-safety"
    """Title of the rejection note (PS3.16 CID 7010): quality (DCM 113001) or patient safety (DCM 113037). The reason of
    a withdrawal is a sentence; it is not guessed from its words."""

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Return the files with what says who we are at this sink."""
        named = (self.token_file, self.backend and self.backend.key_file, self.tls_key)
        return tuple(path for path in named if path)

    @property
    def images_only(self) -> bool:
        """Tell whether every object of this sink belongs into a DICOM study: then it takes nothing about panels."""
        only_dicom = all(row.startswith("dicom-") for row in self.objects)
        return self.kind in {"dicom-cstore", "dicom-stow"} or (self.kind == "folder" and only_dicom)

    @property
    def slides_only(self) -> bool:
        """Tell whether this sink takes nothing but findings about slides: a laboratory system."""
        return self.kind == "hl7-mllp"

    @property
    def keeps_reports(self) -> bool:
        """Tell whether this sink is an archive in which a person looks for reports and regions."""
        return self.kind in {"dicom-cstore", "dicom-stow"}

    @property
    def pictures(self) -> tuple[str, ...]:
        """Return what goes beside a report: nothing at a FHIR server, nor where no report is asked for."""
        if self.kind in {"fhir", "hl7-mllp"} or (self.kind == "folder" and "dicom-sr" not in self.objects):
            return ()
        return tuple(row for row in self.objects if row in {"dicom-seg", "dicom-sc", "dicom-pm", "dicom-ann"})

    @model_validator(mode="after")
    def _whole_where_it_is_mllp(self) -> SinkSettings:
        if self.kind == "hl7-mllp" and "port" not in self.model_fields_set:
            raise ValueError(f"sink {self.name}: an hl7-mllp sink needs the port of the LIS")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError(f"sink {self.name}: tls_certificate and tls_key belong together")
        if not self.tls and (self.tls_ca or self.tls_certificate):
            raise ValueError(f"sink {self.name}: tls_ca and tls_certificate say nothing without tls = true")
        return self

    @model_validator(mode="after")
    def _no_token_in_the_clear(self) -> SinkSettings:
        parts = urlsplit(self.url)
        if self.backend is not None and (self.kind != "fhir" or self.token_file is not None):
            raise ValueError(f"sink {self.name}: backend is for FHIR servers, and instead of token_file")
        if self.token_file is not None and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError(f"sink {self.name}: its token would travel in the clear: write https:// into url")
        return self


class Retention(BaseModel):
    """``[results.retention]``: days after which something is removed; absent: kept. The audit is always kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    findings_days: int | None = Field(default=None, ge=1)
    """What findings said that were superseded or withdrawn (their ids, revisions and deliveries stay)."""
    requests_days: int | None = Field(default=None, ge=7)
    """Answers to requests: a request repeated later than this would be carried out again."""
    notices_days: int | None = Field(default=None, ge=1)
    """Notices to people."""


class Imaging(BaseModel):
    """``[results.imaging]``: what the site decides about measuring images; a change of it makes a new result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    automatic_region: AutomaticRegion = AutomaticRegion.USE
    """A region that no person drew, ours or a SEG that says AUTOMATIC: "use" it, "confirm" (it waits for a person until
    ``collect_s`` is over, then the variant that needs no region answers), or "never"."""
    classifier: Literal["logistic", "forest"] = "logistic"
    """Which of a bundle's classifiers answers; one without a forest answers with its logistic
    regression and says so."""
    refuse_distance: float = Field(default=0.0, ge=0.0)
    """Beyond this Mahalanobis distance from a model's training patients the question is not analysed; 0: it is said and
    answered."""

    @property
    def policy(self) -> ImagingPolicy:
        """Return it as it is pinned."""
        return ImagingPolicy(self.automatic_region, self.classifier, self.refuse_distance)


class Slides(BaseModel):
    """``[results.slides]``: what the site decides about scoring slides; a change of it makes a new result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cropping: Cropping = Cropping.MICROMETRES
    """How large a patch is: "micrometres" (the model's own) or "paper" (512 * sqrt(height * width / 1e9) pixels)."""
    sensitivity: bool = False
    """True: the other way of cutting is run as well and the difference is reported; it takes as long again."""
    area_reading: AreaReading = AreaReading.TUMOUR
    """Eq. 3 counts "a": tumour patches only, or "b": every patch."""
    rounding: Rounding = Rounding.FLOOR
    """How 0.3 * Area_tumour of Eq. 5 becomes a whole number: "floor", "ceil" or "round"."""
    least_tumour_patches: int = Field(default=30, ge=1)
    """With fewer the answer is "indeterminate, reflex IHC/ISH". Ours, not a published figure."""
    indeterminate_share: float = Field(default=0.9, ge=0.0, le=1.0)
    """A level is stated only where at least this share of the resamples ends at it. Ours, not a published figure."""

    @property
    def policy(self) -> SlidePolicy:
        """Return it as it is pinned."""
        return SlidePolicy(**self.model_dump())


class Settings(RedisSettings):
    """What serve, dispatch and deliver need."""

    section: ClassVar[str] = "results"

    grpc_address: str = "127.0.0.1:50051"
    """Where serve listens."""
    dispatch_ops_address: str = ""
    """Health and metrics of dispatch (host:port); ``ops_address`` is serve's."""
    deliver_ops_address: str = ""
    """Health and metrics of deliver (host:port)."""
    min_free_mb: int = 256
    """Below this much free disk where the data folder lies, in MiB, health says so."""
    backlog: int = 1000
    """More orders waiting than this is told by health."""
    database_url: str = ""
    """SQLAlchemy URL of the ledger; empty: SQLite in the data folder. Without password: see the next key, or pgpass."""
    database_url_file: Path | None = None
    """File with the URL, where it holds a password."""
    lab_consumer_address: str = "127.0.0.1:50052"
    bundle_folders: tuple[Path, ...] = ()
    """Folders that hold bundles, besides the demonstration bundles that ship."""
    trusted_key_folder: Path | None = None
    """Folder with public keys (*.pem) of this site's bundles."""
    collect_s: float = 6 * 3600.0
    """How long a case waits for missing inputs before it ends as not analysed."""
    draw_days: int = Field(default=7, ge=0, le=365)
    """Laboratory values at most so many days apart are of one draw; the same as ``draw_days`` of [lab_consumer]."""
    oldest_days: int = Field(default=30, ge=0, le=365)
    """Laboratory values may be so many days old when the first of their draw reaches us. Site policy as well."""
    attempt_lease_s: float = 30.0
    """A worker must renew its lease within this time."""
    max_attempts: int = 3
    """Attempts per revision before the case is failed and a person is told."""
    redispatch_s: float = 60.0
    """A queued order nobody claimed is sent again after this time (at once when the queue is empty)."""
    state_deadline_s: float = 24 * 3600.0
    """After this time in queued, running or waiting for review a person is told."""
    sink_patience_s: float = 900.0
    """A sink that is down for longer is told to a person."""
    review_required: bool = False
    """True: findings wait for a person before they count as final."""
    validity_days: int = 90
    """A result expires after this many days (or at the start of therapy, whichever is first). Site policy, not a
    published figure."""
    poll_s: float = 0.1
    """Pause of dispatch and deliver between two looks at the ledger, in seconds."""
    sinks: tuple[SinkSettings, ...] = ()
    retention: Retention = Retention()
    imaging: Imaging = Imaging()
    slides: Slides = Slides()
    calibration_folder: Path | None = None
    """Folder with signed records of what this site's scanners shift the score of slides by; None: none is known. They
    are signed by a key of ``trusted_key_folder``."""
    audit_anchor_file: Path | None = None
    """Where the head of the audit chain is written down, line by line; default: ``audit/anchors.jsonl`` in the data
    folder. Name a file whose folder this service may append to and not rewrite (another owner, a write-once share)."""
    audit_anchor_s: float = 60.0
    """Pause between two anchors, in seconds; none is written while the chain stands still."""
    audit_syslog: str = ""
    """``host:port`` (UDP) or ``tcp://host:port`` of a syslog server (RFC 5424) that receives each anchor as well."""

    @property
    def anchor_file(self) -> Path:
        """Return where anchors are written."""
        return self.audit_anchor_file or self.site.data_folder / "audit" / "anchors.jsonl"

    @property
    def ledger_url(self) -> str:
        """Return the ledger's SQLAlchemy URL."""
        if self.database_url_file is not None:
            return read_line(self.database_url_file, "database_url_file")
        return self.database_url or f"sqlite:///{self.site.data_folder / 'ledger' / 'ledger.sqlite'}"


def sink_names(sinks: tuple[SinkSettings, ...]) -> tuple[str, ...]:
    """Return the names.

    Raises:
        InvalidInputError: If two sinks share one; deliveries are owed by name.
    """
    names = tuple(sink.name for sink in sinks)
    if len(set(names)) != len(names):
        raise InvalidInputError("[[sinks]] name", "two sinks share a name: give each its own")
    return names
