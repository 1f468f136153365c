"""What slide ingestion needs to know about its site (table ``[slide_ingestion]``)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.security.loopback import is_loopback
from shared.site.secret_files import read_line
from shared.site.settings import ServiceSettings


class PrefixSettings(BaseModel):
    """One ``[[slide_ingestion.s3]]`` table: a prefix of a bucket that slides are written to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """What people call it; no bucket or key is ever shown."""
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,62}$")
    prefix: str = ""
    """Keys below it are looked at."""
    endpoint_url: str = ""
    """Of a server that is not Amazon's; https, or http on this machine."""
    region: str = "us-east-1"
    credentials_file: Path | None = None
    """File with ``ACCESS_KEY SECRET_KEY`` in one line; without it the environment's own (instance role) count."""

    @model_validator(mode="after")
    def _not_in_the_clear(self) -> PrefixSettings:
        parts = urlsplit(self.endpoint_url)
        if self.endpoint_url and parts.scheme != "https" and not (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        ):  # fmt: skip
            raise ValueError("endpoint_url must be https, or http on this machine")
        return self


class Settings(ServiceSettings):
    """The ``[slide_ingestion]`` table. The folders themselves stand in ``[site] slide_folders``: workers read them."""

    section: ClassVar[str] = "slide_ingestion"

    grpc_address: str = "127.0.0.1:50055"
    """Where studies, orders and people's questions are answered."""
    results_address: str = "127.0.0.1:50051"
    """Whom slides are handed to."""
    database_url: str = ""
    """SQLAlchemy URL; empty: SQLite in the data folder. Without password: see the next key, or pgpass."""
    database_url_file: Path | None = None
    """File with the URL, where it holds a password."""
    key_file: Path | None = None
    """File with the key that slides' UIDs are derived with (64 hex digits), for ever the same; default:
    ``secrets/slides.key`` in the data folder, made where it is missing."""
    s3: tuple[PrefixSettings, ...] = ()
    """``[[slide_ingestion.s3]]``: prefixes of buckets, beside the folders."""
    scan_s: float = Field(default=5.0, gt=0)
    """Pause between two looks into the folders and prefixes, in seconds."""
    settle_s: float = Field(default=30.0, ge=0)
    """A slide is complete once size and times of all its files stood still for so long, in seconds."""
    most_entries: int = Field(default=200_000, ge=1)
    """More files than this in one folder or prefix are not looked at, and health says so."""
    deepest: int = Field(default=6, ge=1)
    """Folders within folders, at most."""
    max_slide_mb: int = Field(default=65536, ge=1)
    """A larger slide is refused, in MiB."""
    min_free_mb: int = Field(default=2048, ge=0)
    """Below this much free disk, in MiB, nothing is fetched from S3."""
    cache_days: float = Field(default=30.0, gt=0)
    """What was fetched from S3 is removed after so many days, whatever became of it."""
    cache_after_result_h: float = Field(default=24.0, ge=0)
    """What was fetched from S3 is removed so long after results had it answered, in hours."""
    keep_days: float = Field(default=365.0, gt=0)
    """Slides whose file is gone, and orders no slide came for, are forgotten after so many days."""
    coarsest_um: float = Field(default=2.0, gt=0, le=2.0)
    """Micrometres per pixel of level 0 that are too coarse to be analysed begin above this."""
    retry_s: float = Field(default=0.5, gt=0)
    """Pause before results is told again; doubles up to ``longest_retry_s``."""
    longest_retry_s: float = Field(default=60.0, gt=0)
    backlog: int = Field(default=1000, ge=1)
    """More slides and notices waiting for results than this is told by health."""

    @model_validator(mode="after")
    def _each_name_once(self) -> Settings:
        names = [one.name for one in self.s3]
        if len(set(names)) != len(names):
            raise ValueError("two tables of s3 have the same name")
        return self

    @property
    def slides_url(self) -> str:
        """Return the database's SQLAlchemy URL."""
        if self.database_url_file is not None:
            return read_line(self.database_url_file, "database_url_file")
        return self.database_url or f"sqlite:///{self.site.data_folder / 'slide_ingestion' / 'slides.sqlite'}"

    @property
    def key_path(self) -> Path:
        """Return where the key of the slides' UIDs lies."""
        return self.key_file or self.site.data_folder / "secrets" / "slides.key"
