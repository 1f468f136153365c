"""The base of every service's settings.

Precedence: constructor, environment (``ONCORELAY_<SERVICE>__<FIELD>``; ``ONCORELAY_SITE__…`` for the site), then
the table of the same name in the TOML file that ``ONCORELAY_CONFIG`` names, then defaults. A key or table nobody knows
is refused by name.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.domain.errors import InvalidInputError
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.security.tls_files import TlsFiles, files_of
from shared.site.tables import SHARED_TABLES, check_tables, refusal

CONFIG_VARIABLE = "ONCORELAY_CONFIG"


class Site(BaseModel):
    """What every service of one hospital shares."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_id: str = "demonstration"
    """Name of the site; every ledger row carries it."""
    data_folder: Path = Field(default_factory=lambda: Path.home() / ".oncorelay")
    """Where everything durable lies: ledger, journal, blobs, keys, logs."""
    uid_root: str = "1.2.826.0.1.3680043.10.1490"
    """Root of the UIDs we derive; a hospital sets its own."""
    device_uid: str = "1.2.826.0.1.3680043.10.1490.0.1"
    """Device observer UID in every object we write; how our own output is recognised when it comes back."""

    secret_file: Path = Field(default_factory=lambda site: site["data_folder"] / "secrets" / "site.key")
    """File with the site's HMAC secret; default: ``secrets/site.key`` in the data folder, made by ``oncorelay up``."""

    tls_folder: Path | None = None
    """Folder with the site's certificates (``oncorelay certs``). Without it services speak on loopback only."""
    otlp_endpoint: str = ""
    """Base URL of an OpenTelemetry collector (OTLP over HTTP); empty: no traces, unless ``OTEL_*`` names one."""

    slide_folders: tuple[Path, ...] = ()
    """Folders the scanners write slides to. Workers read them there; nothing outside is opened as a slide."""

    def tls(self, name: str) -> TlsFiles | None:
        """Return the certificate files of a service (or of ``people/NAME``); None where the site has none."""
        return None if self.tls_folder is None else files_of(self.tls_folder, name)

    @property
    def blob_folder(self) -> Path:
        """Folder of the local blob store."""
        return self.data_folder / "blobs"

    @property
    def slide_cache(self) -> Path:
        """Folder for slides that no folder holds: fetched from S3, or put together from DICOM instances."""
        return self.data_folder / "slides"


class IdentityRow(BaseModel):
    """One ``[[identity]]`` table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dicom_issuer: str | None = None
    fhir_system: str = ""
    hl7_authority: str = ""


class ServiceSettings(BaseSettings):
    """Base of a service's ``config.Settings``; subclasses name their table in ``section``."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    section: ClassVar[str] = ""
    site: Site = Site()
    """The ``[site]`` table."""
    identity: tuple[IdentityRow, ...] = ()
    """The ``[[identity]]`` tables: how each standard spells the same assigning authority."""
    ops_address: str = ""
    """Where this process answers ``/health/live``, ``/health/ready`` and ``/metrics`` (host:port); empty: nowhere."""

    def __init__(self, **values: Any) -> None:
        """Read file and environment.

        Raises:
            InvalidInputError: If they hold what this service does not understand; names table and key, never values.
            pydantic.ValidationError: If ``values`` are given: then the calling code is wrong, not the site.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            if values:
                raise
            raise refusal(error, self.section) from None

    @property
    def identity_map(self) -> IdentityMap:
        """Return the site's identity map."""
        return IdentityMap(tuple(AssigningAuthority(**row.model_dump()) for row in self.identity))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Constructor, environment, TOML; nothing else."""
        return init_settings, _SiteFile(settings_cls, cls.section)


class _SiteFile(PydanticBaseSettingsSource):
    """The service's table, ``[site]``, ``[[identity]]`` and ``[[sinks]]``, overlaid with the environment."""

    def __init__(self, settings_cls: type[BaseSettings], section: str) -> None:
        super().__init__(settings_cls)
        self._section = section

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Unused: ``__call__`` returns everything at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the merged tables."""
        document = read_document(os.environ.get(CONFIG_VARIABLE, ""))
        check_tables(document)
        fields = self.settings_cls.model_fields
        values: dict[str, Any] = dict(document.get(self._section, {}))
        values |= {name: document[name] for name in SHARED_TABLES if name in document and name in fields}
        values |= _environment(f"ONCORELAY_{self._section.upper()}__")
        site = _environment("ONCORELAY_SITE__")
        return values | ({"site": {**values.get("site", {}), **site}} if site else {})


def read_document(path: str) -> dict[str, Any]:
    """Return the parsed TOML file, or nothing where no path is given.

    Raises:
        InvalidInputError: If the file is missing or not TOML; says which line.
    """
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(CONFIG_VARIABLE, f"cannot read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(path, f"not valid TOML: {error}") from error


def _environment(prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix).lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
