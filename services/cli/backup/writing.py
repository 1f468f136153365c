"""Make a backup: copy what the plan names, in its order, and write the manifest last."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from services.cli.backup.databases import copy_sqlite, dump_postgresql, schema_revision
from services.cli.backup.manifest import NAME, Entry, Manifest
from services.cli.backup.plan import Plan, Source
from shared.domain.errors import ConflictError
from shared.security.sealed import SALT_BYTES, Seal
from shared.site.settings import CONFIG_VARIABLE
from shared.storage.blobs import sync_folder


def make_backup(plan: Plan, target: Path, passphrase: str = "") -> Manifest:
    """Copy everything durable into ``target`` (made here); the services may go on meanwhile.

    Raises:
        ConflictError: If ``target`` is there already.
        UnavailableError: If a database cannot be read.
    """
    partial = target.with_name(f"{target.name}.partial")
    if target.exists() or partial.exists():
        raise ConflictError(f"{target} or {partial} is there already: choose another name")
    partial.mkdir(parents=True, mode=0o700)
    salt = os.urandom(SALT_BYTES) if passphrase else b""
    seal = Seal.of(passphrase, salt) if passphrase else None
    schemas = {name: schema_revision(url) for name, url in plan.urls.items()}
    entries = tuple(_copied(plan, partial, seal))
    manifest = Manifest(
        version=version("oncorelay"), site_id=plan.results.site.site_id, created=datetime.now(UTC).isoformat(),
        data_folder=str(plan.data_folder), site_file=os.environ.get(CONFIG_VARIABLE, ""), schemas=schemas,
        salt=salt.hex(), entries=entries,
    ).marked(seal)  # fmt: skip
    _write(partial / NAME, manifest.model_dump_json(indent=1).encode())
    partial.rename(target)
    sync_folder(target.parent)
    return manifest


def digest_of(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copied(plan: Plan, folder: Path, seal: Seal | None) -> Iterator[Entry]:
    for number, source in enumerate(plan.sources()):
        name = f"{number // 1000:04d}/{number:07d}"
        target = folder / name
        target.parent.mkdir(exist_ok=True, mode=0o700)
        sealed = source.secret and seal is not None
        try:
            mode = _copy(plan, source, target)
        except FileNotFoundError:
            if source.kind == "file":
                continue  # a temporary file that became a blob, or went, while we copied
            raise
        if seal is not None and sealed:
            _write(target, seal.close(target.read_bytes(), source.place))
        yield Entry(
            file=name, place=source.place, kind=source.kind, sha256=digest_of(target),  # type: ignore[arg-type]
            size_bytes=target.stat().st_size, mode=mode, sealed=sealed,
        )  # fmt: skip


def _copy(plan: Plan, source: Source, target: Path) -> int:
    """Copy one thing, on disk when it returns; return its mode."""
    if source.kind == "postgresql":
        dump_postgresql(plan.urls[source.place], target)
        mode = 0o600
    elif source.kind == "sqlite":
        copy_sqlite(Path(source.place), target)
        mode = Path(source.place).stat().st_mode & 0o777
    else:
        shutil.copyfile(source.place, target, follow_symlinks=False)
        mode = Path(source.place).stat().st_mode & 0o777
    target.chmod(0o600)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return mode


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
