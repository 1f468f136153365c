"""What the lab consumer needs to know about its site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.codes.pathology import SlideMeaning
from shared.domain.facts import FactName
from shared.fhir.reading.site_codes import SiteCode, SiteCodes
from shared.fhir.reading.slide_codes import SlideCodes
from shared.hl7.character_sets import CODECS
from shared.hl7.reading.orders import taken_apart
from shared.security.loopback import is_loopback
from shared.security.token_settings import BackendSettings, OidcSettings
from shared.site.networks import THIS_MACHINE, Networks
from shared.site.secret_files import read_line
from shared.site.settings import ServiceSettings

if TYPE_CHECKING:
    from shared.security.backend_services import Credentials


class SiteCodeRow(BaseModel):
    """One ``[[lab_consumer.site_code]]`` table: what a code of this site means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    """Code system, as the site's resources write it."""
    code: str
    """Code of ``Observation.code``, ``Observation.component.code`` or ``Condition.code``."""
    analyte: FactName
    """What it means: hscrp, il6, ifn_alpha, tnf_alpha, neutrophils, endocrine_therapy_received, lung_metastasis,
    active_infection or rheumatic_disease."""
    unit: str = ""
    """UCUM unit of a number that comes without one; empty: such a number is refused."""

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> SiteCodeRow:
        self.site_code()
        return self

    def site_code(self) -> SiteCode:
        """Return the checked row."""
        return SiteCode(**self.model_dump())


class SlideCodeRow(BaseModel):
    """One ``[[lab_consumer.slide_code]]`` table: what a code of this site says about slides; it may have several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    """Code system, as the site's orders and specimens write it."""
    code: str
    """Code of an order (OBR-4, ``ServiceRequest.code``), a specimen's type, site or preparation."""
    means: SlideMeaning
    """order (something on a slide is ordered), he, ihc, other_stain, breast, lymph_node, other_tissue, after_therapy,
    before_therapy or slide (the specimen is the glass itself)."""


class SlideOrderPlaces(BaseModel):
    """``[lab_consumer.slide_orders]``: where OML^O21 states identifiers; the first place that has one counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accession: tuple[str, ...] = ("OBR-18",)
    """Accession number. IHE RAD has it in OBR-18; others in OBR-19, OBR-20 or ORC-3."""
    specimen: tuple[str, ...] = ("SPM-2.2", "SPM-2.1")
    """The filler's number of the specimen, else the placer's."""
    block: tuple[str, ...] = ("SAC-4",)
    """The container the slide was cut from (Primary Container Identifier)."""
    slide: tuple[str, ...] = ("SAC-3",)
    """The slide's own number."""
    container: tuple[str, ...] = ("SAC-3",)
    """What the label's barcode says."""

    @model_validator(mode="after")
    def _are_places(self) -> SlideOrderPlaces:
        for places in (self.accession, self.specimen, self.block, self.slide, self.container):
            for place in places:
                taken_apart(place)
        return self


class FhirServerSettings(BaseModel):
    """``[lab_consumer.fhir_server]``: the EHR's FHIR server, asked for what notifications name and for new cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Base URL; https, or http on this machine."""
    token_file: Path | None = None
    """File with a bearer token that somebody else renews."""
    backend: BackendSettings | None = None
    """``[lab_consumer.fhir_server.backend]``: SMART Backend Services, our own tokens."""
    authority_file: Path | None = None
    """PEM file with the authority of the server's certificate; default: the system's."""
    timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for each step of a request, in seconds."""
    poll_s: float = Field(default=60.0, gt=0)
    """Pause between two polls of what changed, in seconds."""
    overlap_s: float = Field(default=300.0, ge=0)
    """So far before the newest known change a poll begins: changes may become visible late, in seconds."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """Resources asked for on one page."""
    max_pages: int = Field(default=1000, ge=1)
    """More pages than this are a search that does not end."""
    max_page_bytes: int = 16_000_000
    """Largest answer, in bytes."""
    retry_s: float = Field(default=1.0, gt=0)
    """Pause after a failure, in seconds; doubles up to ``longest_retry_s``, or as long as the server says."""
    longest_retry_s: float = 300.0
    wishes: int = 1000
    """More resources waiting to be asked for than this is told by health."""

    @model_validator(mode="after")
    def _one_credential(self) -> FhirServerSettings:
        if self.token_file is not None and self.backend is not None:
            raise ValueError("token_file and backend exclude each other")
        return self

    @property
    def credentials(self) -> Credentials:
        """Return what requests carry.

        Raises:
            InvalidInputError: If the key of SMART Backend Services cannot serve.
        """
        from shared.security.backend_services import BackendServices, NoCredentials, TokenFile  # HTTP and JWT

        if self.backend is not None:
            return BackendServices(self.backend, self.url)
        return TokenFile(self.token_file) if self.token_file else NoCredentials()


class Settings(ServiceSettings):
    """The ``[lab_consumer]`` table."""

    section: ClassVar[str] = "lab_consumer"

    http_host: str = "127.0.0.1"
    """Interface of the FHIR door."""
    http_port: int = 8080
    """Port of the FHIR door; 0 takes a free one."""
    http_tls_certificate: Path | None = None
    """Certificate chain (PEM) of the FHIR door; needed where ``http_host`` is not this machine's own."""
    http_tls_key: Path | None = None
    """Its private key (PEM)."""
    behind_proxy: bool = False
    """True: the door speaks plain HTTP though others can reach it, because a proxy that speaks TLS stands before it."""
    grpc_address: str = "127.0.0.1:50052"
    """Where GetFacts and ListRefusals are answered."""
    results_address: str = "127.0.0.1:50051"
    """Whom changed facts are announced to."""
    slide_ingestion_address: str = ""
    """Who takes orders for slides (``slide_ingestion``); empty: orders for slides are refused with a sentence."""
    slide_code: tuple[SlideCodeRow, ...] = ()
    """``[[lab_consumer.slide_code]]``: what this site's own codes say about slides."""
    slide_orders: SlideOrderPlaces = SlideOrderPlaces()
    """``[lab_consumer.slide_orders]``: where OML^O21 states accession, specimen, block, slide and container."""
    database_url: str = ""
    """SQLAlchemy URL; empty: SQLite in the data folder. Without password: see the next key, or pgpass."""
    database_url_file: Path | None = None
    """File with the URL, where it holds a password."""
    token_file: Path | None = None
    """File with the keys of the FHIR door, ``NAME KEY`` a line or one bare key; default (unless there is an ``oidc``
    table): ``secrets/lab_consumer.token`` in the data folder."""
    oidc: OidcSettings | None = None
    """``[lab_consumer.oidc]``: the OpenID provider whose access tokens open the FHIR door (scope ``facts.write``)."""
    fhir_server: FhirServerSettings | None = None
    """``[lab_consumer.fhir_server]``: whom to ask; without it nobody is asked, and notifications are refused."""
    fhir_base_url: str = ""
    """Base URL of the EHR whose resources come in here: absolute references below it are its own ``Type/id``; empty:
    the one of ``fhir_server``."""
    site_code: tuple[SiteCodeRow, ...] = ()
    """``[[lab_consumer.site_code]]``: what this site's own codes mean. Interferon alpha is read in no other way."""
    max_body_bytes: int = 5_000_000
    """Largest request body, in bytes."""
    max_depth: int = 64
    """Deepest nesting of the JSON."""
    max_entries: int = 1000
    """Most entries of one Bundle."""
    max_ndjson_bytes: int = 1_000_000_000
    """Largest NDJSON body, in bytes; it is read and kept as it comes, a line is at most ``max_body_bytes`` long."""
    body_timeout_s: float = 30.0
    """A body must arrive within this time, in seconds."""
    max_connections: int = 64
    """More requests at once are answered 503 with Retry-After."""
    mllp_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of the MLLP door (HL7 v2); without it there is none; 0 lets the system choose (tests)."""
    mllp_host: str = "127.0.0.1"
    """Interface of the MLLP door."""
    mllp_allowed_networks: Networks = THIS_MACHINE
    """Networks (CIDR) senders may come from; HL7 v2 knows no key, so that this and certificates are all there is."""
    mllp_tls_certificate: Path | None = None
    """Certificate chain (PEM) of the MLLP door; without it there is no TLS."""
    mllp_tls_key: Path | None = None
    """Its private key (PEM)."""
    mllp_tls_client_ca: Path | None = None
    """Certificates (PEM) that sign clients; with it a client without a certificate is not let in."""
    mllp_max_connections: int = Field(default=32, ge=1)
    """Connections at once; the first message of one more is answered AE, then it is closed."""
    mllp_max_connections_per_address: int = Field(default=8, ge=1)
    mllp_max_message_bytes: int = Field(default=2_000_000, ge=1000)
    """Largest message, continued ones in all, in bytes."""
    mllp_max_unfinished_bytes: int = Field(default=32_000_000, ge=1000)
    """What all connections together may hold of continued messages whose rest is awaited, in bytes."""
    mllp_max_segments: int = Field(default=5000, ge=1)
    mllp_message_timeout_s: float = Field(default=30.0, gt=0)
    """A message must arrive within this time, from its first byte on, in seconds."""
    mllp_idle_timeout_s: float = Field(default=86400.0, gt=0)
    """A connection without any byte for so long is closed, in seconds; laboratories keep theirs open."""
    mllp_processing_id: Literal["P", "T", "D"] = "P"
    """MSH-11 that is taken: production, training or debugging. Anything else is refused."""
    mllp_time_zone: str = "UTC"
    """Zone (IANA, ``Europe/Berlin``) of times without an offset, where MSH-7 states none either."""
    mllp_default_character_set: str = "ASCII"
    """Character set (HL7 table 0211, for example ``8859/1``) of messages that state none in MSH-18."""
    mllp_code_systems: dict[str, str] = Field(default_factory=dict)
    """Names of coding systems as the laboratory writes them (OBX-3.3, ``L`` where it writes none) -> URI."""
    announce_retry_s: float = 0.5
    """Pause before an announcement is repeated; doubles up to ``announce_longest_retry_s``."""
    announce_longest_retry_s: float = 30.0
    min_free_mb: int = 256
    """Below this much free disk where the data folder lies, in MiB, the FHIR door answers 503."""
    ledger_grace_s: float = 30.0
    """Results may be silent for so long before the FHIR door answers 503, in seconds."""
    backlog: int = 1000
    """More announcements waiting than this is told by health."""
    poll_s: float = 1.0
    """Longest pause of the announcer between two looks at its outbox, in seconds."""

    panel_key_file: Path | None = None
    """File with the key that panels are named with (64 hex digits), for ever the same; default: ``secrets/panels.key``
    in the data folder, made where it is missing. Not the ledger's secret: this service has a door to the outside."""
    draw_days: int = Field(default=7, ge=0, le=365)
    """Laboratory values at most so many days apart are of one draw. Site policy: paper 002 does not state it."""
    draw_oldest_days: int = Field(default=30, ge=0)
    """A draw that is older than this many days when it first comes opens no case: it is history, and not a question."""
    draw_opens_with: int = Field(default=1, ge=1)
    """How many different analytes of a predictor a draw must have before a case is opened; 1: the first value opens it.
    A hospital that orders one of them for other reasons all the time may ask for more."""

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Settings:
        if (self.http_tls_certificate is None) != (self.http_tls_key is None):
            raise ValueError("http_tls_certificate and http_tls_key belong together")
        if self.http_tls_certificate is None and not self.behind_proxy and not is_loopback(self.http_host):
            raise ValueError(
                "http_host is reachable from elsewhere: it needs http_tls_certificate and http_tls_key, or "
                "behind_proxy = true where a proxy speaks TLS for it"
            )
        return self

    @model_validator(mode="after")
    def _messages_can_be_read(self) -> Settings:
        if (self.mllp_tls_certificate is None) != (self.mllp_tls_key is None):
            raise ValueError("mllp_tls_certificate and mllp_tls_key belong together")
        if self.mllp_default_character_set.upper() not in CODECS:
            raise ValueError(f"mllp_default_character_set is none of {', '.join(CODECS)}")
        try:
            ZoneInfo(self.mllp_time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError("mllp_time_zone is no zone of the IANA database, as Europe/Berlin is") from None
        spelled = [row for row in self.identity if row.hl7_authority]
        if self.mllp_port is not None and not spelled:
            raise ValueError("mllp_port: no [[identity]] has an hl7_authority, nobody's results could be taken")
        if self.mllp_port is not None and any(not row.fhir_system for row in spelled):
            raise ValueError("mllp_port: an [[identity]] with hl7_authority needs a fhir_system as well")
        return self

    @model_validator(mode="after")
    def _each_code_once(self) -> Settings:
        SiteCodes.of(row.site_code() for row in self.site_code)
        SlideCodes.of((row.system, row.code, row.means) for row in self.slide_code)
        return self

    @property
    def site_codes(self) -> SiteCodes:
        """Return what the site's own codes mean."""
        return SiteCodes.of(row.site_code() for row in self.site_code)

    @property
    def slide_codes(self) -> SlideCodes:
        """Return what the site's own codes say about slides."""
        return SlideCodes.of((row.system, row.code, row.means) for row in self.slide_code)

    @property
    def fhir_server_secrets(self) -> tuple[Path, ...]:
        """Return the files with a token or key for the FHIR server."""
        server = self.fhir_server
        named = (server.token_file, server.backend.key_file if server.backend else None) if server else ()
        return tuple(path for path in named if path is not None)

    @property
    def base_url(self) -> str:
        """Return the base URL below which absolute references are local ones."""
        return self.fhir_base_url or (self.fhir_server.url if self.fhir_server else "")

    @property
    def facts_url(self) -> str:
        """Return the database's SQLAlchemy URL."""
        if self.database_url_file is not None:
            return read_line(self.database_url_file, "database_url_file")
        return self.database_url or f"sqlite:///{self.site.data_folder / 'lab_consumer' / 'facts.sqlite'}"

    @property
    def panel_key_path(self) -> Path:
        """Return where the key of the panels' names lies."""
        return self.panel_key_file or self.site.data_folder / "secrets" / "panels.key"

    @property
    def key_path(self) -> Path | None:
        """Return where the keys lie; None where only the OpenID provider's tokens count."""
        if self.token_file is None and self.oidc is not None:
            return None
        return self.token_file or self.site.data_folder / "secrets" / "lab_consumer.token"
