"""Restore a backup onto an empty machine: everything is verified before anything is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from services.cli.backup.databases import load_postgresql, require_empty
from services.cli.backup.manifest import Entry, Manifest, read_manifest
from services.cli.backup.places import check_places, content, site_of
from services.cli.backup.plan import Plan
from services.cli.backup.writing import digest_of
from services.lab_consumer.adapters import database as facts_database
from services.results.ledger import database as ledger_database
from services.slide_ingestion.adapters import database as slides_database
from shared.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from shared.security.sealed import Seal
from shared.storage.databases import revisions

MIGRATIONS = {
    "ledger": ledger_database.MIGRATIONS,
    "facts": Path(facts_database.__file__).parent / "migrations",
    "slides": Path(slides_database.__file__).parent / "migrations",
}


def restore(folder: Path, passphrase: str = "", *, unsealed: bool = False) -> Manifest:
    """Put everything back where it came from.

    Raises:
        ConflictError: If something is there already, a database is not empty, or a schema is newer than this version.
        InvalidInputError: If the backup is not whole, a file differs from its digest, or belongs nowhere in the site.
        ForbiddenError: If the passphrase is missing or another one, or the backup is unsealed and nobody said so.
    """
    manifest = read_manifest(folder)
    seal = _opened(manifest, passphrase, unsealed=unsealed)
    _check_target(manifest)
    _check_schemas(manifest)
    _check_files(folder, manifest)
    with site_of(folder, manifest, seal) as plan:
        check_places(manifest, plan)
        urls = _urls(folder, manifest, seal, plan)
    for url in urls.values():
        require_empty(url)
    for entry in manifest.entries:
        if entry.kind != "postgresql":
            _put_back(folder, entry, seal)
    for entry in manifest.entries:
        if entry.kind == "postgresql":
            load_postgresql(urls[entry.place], folder / entry.file)
    return manifest


def _opened(manifest: Manifest, passphrase: str, *, unsealed: bool) -> Seal | None:
    if not manifest.salt:
        if passphrase:
            raise ForbiddenError("a passphrase is given and this backup has no seal: somebody may have replaced it")
        if not unsealed:
            raise ForbiddenError("nothing proves who made this backup: --unsealed if it was made without a passphrase")
        return None
    if not passphrase:
        raise ForbiddenError("the keys of this backup are sealed: give --passphrase-file")
    seal = Seal.of(passphrase, bytes.fromhex(manifest.salt))
    if not manifest.is_marked_by(seal):
        raise ForbiddenError("the passphrase is another one, or somebody changed the manifest")
    return seal


def _check_target(manifest: Manifest) -> None:
    data = Path(manifest.data_folder)
    if data.exists() and any(data.iterdir()):
        raise ConflictError(f"{data} is not empty: move it away first, nothing is overwritten")
    for entry in manifest.entries:
        if entry.kind != "postgresql" and Path(entry.place).exists():
            raise ConflictError(f"{entry.place} is there already: move it away first, nothing is overwritten")


def _check_schemas(manifest: Manifest) -> None:
    for name, revision in manifest.schemas.items():
        if revision and revision not in revisions(MIGRATIONS[name]):
            raise ConflictError(f"{name} has schema {revision}, which this version does not know: use a newer one")


def _check_files(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.entries:
        path = folder / entry.file
        if not Path(entry.file).parts or ".." in Path(entry.file).parts or Path(entry.file).is_absolute():
            raise InvalidInputError(entry.file, "points outside the backup")
        if not path.is_file() or path.stat().st_size != entry.size_bytes or digest_of(path) != entry.sha256:
            raise InvalidInputError(str(path), f"is missing or differs from its digest (it is {entry.place})")


def _put_back(folder: Path, entry: Entry, seal: Seal | None) -> None:
    place = Path(entry.place)
    _make_closed(place.parent)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, entry.mode & 0o700), "wb") as target:
        if entry.sealed:
            target.write(content(folder, entry, seal))
        else:
            with (folder / entry.file).open("rb") as source:
                shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())


def _make_closed(folder: Path) -> None:
    """Make a folder, and what is missing above it, for its owner only."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700)


def _urls(folder: Path, manifest: Manifest, seal: Seal | None, plan: Plan) -> dict[str, str]:
    """Return where the dumps go; a file with the URL may itself still lie in the backup."""
    files = {
        "facts": plan.lab.database_url_file, "slides": plan.slides.database_url_file,
        "ledger": plan.results.database_url_file,
    }  # fmt: skip
    held = {entry.place: entry for entry in manifest.entries}
    found = {}
    for name in (entry.place for entry in manifest.entries if entry.kind == "postgresql"):
        file = files[name]
        entry = held.get(str(file.absolute())) if file is not None and not file.exists() else None
        found[name] = content(folder, entry, seal).decode().strip() if entry else plan.urls[name]
    return found
