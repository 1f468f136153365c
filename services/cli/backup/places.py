"""Where a backup may put something: the data folder, the site file, and what that file names. Nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from services.cli.backup.manifest import Entry, Manifest
from services.cli.backup.plan import Plan
from shared.domain.errors import InvalidInputError
from shared.security.sealed import Seal
from shared.site.settings import CONFIG_VARIABLE

DATABASES = ("facts", "slides", "ledger")


def content(folder: Path, entry: Entry, seal: Seal | None) -> bytes:
    """Return what a file of the backup holds, opened where it is sealed.

    Raises:
        InvalidInputError: If it is sealed and the backup has no seal.
    """
    held = (folder / entry.file).read_bytes()
    if not entry.sealed:
        return held
    if seal is None:
        raise InvalidInputError(entry.place, "is sealed in a backup without a seal")
    return seal.open(held, entry.place)


@contextmanager
def site_of(folder: Path, manifest: Manifest, seal: Seal | None) -> Iterator[Plan]:
    """Give the plan of the site as its file in the backup says, overlaid with the environment; nothing is left behind.

    Raises:
        InvalidInputError: If the site file in the backup is none of ours.
    """
    before = os.environ.get(CONFIG_VARIABLE)
    entry = next((one for one in manifest.entries if one.place == manifest.site_file), None)
    with TemporaryDirectory() as place:
        try:
            if entry is not None and not (before and Path(before).exists()):
                path = Path(place) / "site.toml"
                path.touch(mode=0o600)
                path.write_bytes(content(folder, entry, seal))
                os.environ[CONFIG_VARIABLE] = str(path)
            yield Plan.of_site()
        finally:
            os.environ.pop(CONFIG_VARIABLE, None)
            if before is not None:
                os.environ[CONFIG_VARIABLE] = before


def check_places(manifest: Manifest, plan: Plan) -> None:
    """Refuse a backup that would write anywhere but into its site.

    Raises:
        InvalidInputError: If its data folder is not that of its site file, or a file belongs nowhere in the site.
    """
    if Path(manifest.data_folder) != plan.data_folder:
        raise InvalidInputError(manifest.data_folder, f"is not the data folder of the site, {plan.data_folder}")
    allowed = (plan.data_folder, *plan.named_places(), *([Path(manifest.site_file)] if manifest.site_file else []))
    for entry in manifest.entries:
        if entry.kind == "postgresql":
            if entry.place not in DATABASES:
                raise InvalidInputError(entry.place, "is no database of ours")
            continue
        place = Path(entry.place)
        if not place.is_absolute() or ".." in place.parts or not any(place.is_relative_to(one) for one in allowed):
            raise InvalidInputError(entry.place, "is neither in the data folder nor named by the site file")
