"""``oncorelay doctor`` at slide ingestion: its folders and prefixes, the reader, and whether it answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from services.cli.doctor_serving import serving
from services.cli.person import person_tls
from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.adapters.s3_door import s3_door
from services.slide_ingestion.config import PrefixSettings, Settings
from shared.rpc.slide_ingestion_client import SlideIngestionClient

_TIMEOUT_S = 3.0
_MIB = 1 << 20

Look = tuple[str, Callable[[], str]]


def slide_looks(settings: Settings) -> Iterator[Look]:
    """Yield (name, look) of everything slides need."""
    yield "slide reader", reader
    yield "slide_ingestion", partial(_answers, settings)
    if not settings.site.slide_folders and not settings.s3:
        yield "slide folders", lambda: "none configured: slides come as DICOM only"
    for number, folder in enumerate(settings.site.slide_folders, 1):
        yield f"slide folder-{number}", partial(readable, folder)
    for one in settings.s3:
        yield f"slide prefix {one.name}", partial(_reached, one, settings)


def reader() -> str:
    """Return the version of OpenSlide.

    Raises:
        ValueError: If it is not installed; says how to get it.
    """
    try:
        import openslide
    except (ImportError, OSError) as error:
        raise ValueError("OpenSlide is not installed: pip install openslide-python openslide-bin") from error
    return f"OpenSlide {openslide.__library_version__}"


def readable(folder: Path) -> str:
    """Say that a folder can be listed, and how much room is where it lies.

    Raises:
        ValueError: If it cannot; says what to change.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: make it, mount it, or correct [site] slide_folders")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ValueError(f"{folder} cannot be read by this user: give it read access")
    return f"{folder}, {shutil.disk_usage(folder).free // _MIB} MiB free"


def _reached(one: PrefixSettings, settings: Settings) -> str:
    """List the prefix, as the service would."""
    door = s3_door(one, SlideCache(settings.site.slide_cache, 0), settings.most_entries)
    return f"{len(door.look())} object(s)"


def _answers(settings: Settings) -> str:
    return serving(SlideIngestionClient(settings.grpc_address, tls=person_tls(settings.site), deadline_s=_TIMEOUT_S))
