"""From what a door shows to slides: which files are one, and what a slide still waits for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import PurePosixPath

from services.slide_ingestion.ports.doors import Entry

SINGLE = (".svs", ".tif", ".tiff", ".ndpi", ".scn", ".svslide", ".bif", ".czi")
"""Formats of one file (OpenSlide 4.0.1, tiffslide 3.0.1)."""
MRXS = ".mrxs"
DICOM = ".dcm"
INDEXED = (".vms", ".vmu")
"""Their index names the other files: they are taken where a manifest lists those, see ``formats.manifest``."""
SLIDES = (*SINGLE, MRXS, DICOM, *INDEXED)
UNFINISHED = (".lock", ".part", ".tmp", "~")
"""A writer's companions: while ``NAME.svs.part`` or ``NAME.part`` is there, ``NAME.svs`` is not finished."""
MANIFESTS = (".manifest.json", ".manifest.csv")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a slide."""

    place: str
    files: tuple[Entry, ...]
    """The one to open first."""
    waits: str = ""
    """What it waits for; empty: only for its writer to stand still."""
    refused: str = ""
    """Why it cannot be one."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one look at a door shows."""

    entries: Mapping[str, Entry]
    names: Sequence[str]
    """Sorted."""

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Listing:
        """Return it without hidden files: they are a copier's own."""
        shown = [one for one in entries if not any(part.startswith(".") for part in PurePosixPath(one.name).parts)]
        return cls({one.name: one for one in shown}, sorted(one.name for one in shown))

    @property
    def manifests(self) -> tuple[Entry, ...]:
        """Return the manifests."""
        return tuple(one for name, one in self.entries.items() if name.lower().endswith(MANIFESTS))

    def candidates(self) -> Iterator[Candidate]:
        """Yield what may be slides."""
        folders: dict[str, list[Entry]] = {}
        for name in self.names:
            entry = self.entries[name]
            suffix = PurePosixPath(name).suffix.lower()
            if suffix not in SLIDES:
                continue
            if entry.oddity:
                yield Candidate(name, (entry,), refused=entry.oddity)
            elif suffix == DICOM:
                folders.setdefault(str(PurePosixPath(name).parent), []).append(entry)
            else:
                yield self._waiting(self._with_its_files(entry, suffix))
        for folder, members in folders.items():
            found = _dicom(folder, members)
            yield found if found.refused else self._waiting(found)

    def unfinished(self, name: str) -> bool:
        """Tell whether a writer's companion of this file is there."""
        stem = str(PurePosixPath(name).with_suffix(""))
        return any(f"{base}{mark}" in self.entries for base in (name, stem) for mark in UNFINISHED)

    def below(self, folder: str) -> tuple[Entry, ...]:
        """Return every file below a folder."""
        first = bisect_left(self.names, f"{folder}/")
        found = takewhile(lambda name: name.startswith(f"{folder}/"), islice(self.names, first, None))
        return tuple(self.entries[name] for name in found)

    def _with_its_files(self, entry: Entry, suffix: str) -> Candidate:
        if suffix in INDEXED:
            return Candidate(entry.name, (entry,), waits="a manifest that lists the files of this format")
        if suffix != MRXS:
            return Candidate(entry.name, (entry,))
        folder = str(PurePosixPath(entry.name).with_suffix(""))
        parts = tuple(one for one in self.below(folder) if not one.name.lower().endswith(MANIFESTS))
        odd = next((one.oddity for one in parts if one.oddity), "")
        whole = f"{folder}/Slidedat.ini" in self.entries
        waits = "" if whole else "the folder with Slidedat.ini that belongs to it"
        return Candidate(entry.name, (entry, *parts), waits, odd)

    def _waiting(self, candidate: Candidate) -> Candidate:
        names = [one.name for one in candidate.files]
        if any(map(self.unfinished, names)) or self.unfinished(candidate.place.rstrip("/")):
            return Candidate(candidate.place, candidate.files, "its writer, whose lock is there", candidate.refused)
        return candidate


def _dicom(folder: str, members: Sequence[Entry]) -> Candidate:
    """A folder of DICOM files is one slide: the largest, which holds level 0, is opened."""
    files = tuple(sorted(members, key=lambda one: (-one.size, one.name)))
    if folder == ".":
        return Candidate("./", files, refused="DICOM files need a folder of their own for each slide")
    return Candidate(f"{folder}/", files)
