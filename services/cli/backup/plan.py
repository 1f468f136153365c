"""What belongs into a backup, and in which order it is copied."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from services.cli.backup.databases import is_sqlite
from services.cli.site_file import SLIDE_INBOX
from services.dicom_listener.config import Settings as ListenerSettings
from services.inference.config import Settings as InferenceSettings
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from services.slide_ingestion.config import Settings as SlideSettings
from shared.site.settings import CONFIG_VARIABLE

LEFT_OUT = ("logs", "run", "redis", "redis.conf", "up.lock", "slides", "reading", SLIDE_INBOX)
"""Told by the ledger again (orders in Redis), of this machine only, or the scanner's: slides, what was fetched of them,
and what is put together of them while they are read."""
SECRET_FOLDERS = ("secrets", "tls")
_BLOBS = "blobs"


@dataclass(frozen=True, slots=True)
class Source:
    """One file or database, in the order of copying."""

    place: str
    """Absolute path, or the name of a PostgreSQL database."""
    kind: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything durable of one site."""

    results: ResultsSettings
    lab: LabSettings
    listener: ListenerSettings
    inference: InferenceSettings
    slides: SlideSettings

    @classmethod
    def of_site(cls) -> Plan:
        """Return the plan of the site the environment names."""
        return cls(ResultsSettings(), LabSettings(), ListenerSettings(), InferenceSettings(), SlideSettings())

    @property
    def data_folder(self) -> Path:
        """Return the data folder."""
        return self.results.site.data_folder.absolute()

    @property
    def urls(self) -> dict[str, str]:
        """Return the databases; they may hold passwords."""
        return {"facts": self.lab.facts_url, "slides": self.slides.slides_url, "ledger": self.results.ledger_url}

    def sources(self) -> Iterator[Source]:
        """Yield what to copy; looked up step by step, so that what is made meanwhile is not missed.

        1 senders' databases; 2 journals, anchors, keys; 3 the ledger; 4 blobs and everything else.
        """
        own = {_sqlite_path(url) for url in self.urls.values()}
        yield from self._database("facts")
        yield from self._database("slides")
        yield from (Source(str(path), "sqlite") for path in self._files() if path not in own and is_sqlite(path))
        yield from self._early(own)
        yield from self._database("ledger")
        yield from (Source(str(path), "file") for path in self._files() if not self._is_early(path, own))

    def _early(self, own: set[Path | None]) -> Iterator[Source]:
        for path in self._files():
            if self._is_early(path, own) and not is_sqlite(path):
                yield Source(str(path), "file", secret=self._is_secret(path))
        for place in self.named_places():
            for path in _walk(place):
                if not path.is_relative_to(self.data_folder):
                    yield Source(str(path), "file", secret=self._is_secret(path))

    def _database(self, name: str) -> Iterator[Source]:
        path = _sqlite_path(self.urls[name])
        if path is None:
            yield Source(name, "postgresql")
        elif path.exists():
            yield Source(str(path), "sqlite")

    def _is_early(self, path: Path, own: set[Path | None]) -> bool:
        if path in own or path.name.endswith(("-wal", "-shm")):
            return True
        in_blobs = path.is_relative_to(self.data_folder / _BLOBS)
        return not in_blobs and (path.suffix == ".jsonl" or self._is_secret(path) or is_sqlite(path))

    def _is_secret(self, path: Path) -> bool:
        first = path.relative_to(self.data_folder).parts[0] if path.is_relative_to(self.data_folder) else ""
        if first in SECRET_FOLDERS or path.name == "site.toml":
            return True
        return any(path.is_relative_to(place) for place in _absolute(self._secret_places()))

    def _files(self) -> Iterator[Path]:
        for entry in sorted(self.data_folder.iterdir()):
            if entry.name not in LEFT_OUT:
                yield from _walk(entry)

    def named_places(self) -> tuple[Path, ...]:
        """Return every file and folder the site names, wherever it lies: keys, certificates, anchors, bundles."""
        open_places = [self.results.anchor_file, self.results.redis_authority_file, self.results.trusted_key_folder]
        open_places += [*self.results.bundle_folders, *self.inference.bundle_folders, self.inference.trusted_key_folder]
        return _absolute([*self._secret_places(), *open_places])

    def _secret_places(self) -> list[Path | None]:
        results, lab, listener = self.results, self.lab, self.listener
        config = os.environ.get(CONFIG_VARIABLE, "")
        return [
            Path(config) if config else None, results.site.secret_file, results.site.tls_folder,
            results.database_url_file, lab.database_url_file, results.redis_password_file,
            self.inference.redis_password_file, lab.key_path, lab.panel_key_path, listener.stow_key_path,
            *lab.fhir_server_secrets, self.slides.database_url_file, self.slides.key_path,
            *(one.credentials_file for one in self.slides.s3),
            *(path for sink in results.sinks for path in sink.secret_files),
            listener.stow_tls_certificate, listener.stow_tls_key,
            listener.tls_certificate, listener.tls_key, listener.tls_client_ca,
        ]  # fmt: skip


def _absolute(places: Iterable[Path | None]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(place.absolute() for place in places if place is not None))


def _walk(path: Path) -> Iterator[Path]:
    if path.is_symlink():
        return
    if path.is_file():
        if not path.name.endswith(("-wal", "-shm")):
            yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _walk(child)


def _sqlite_path(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database).absolute() if parsed.get_backend_name() == "sqlite" and parsed.database else None
