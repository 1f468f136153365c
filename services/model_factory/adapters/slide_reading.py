"""Slides of a cohort read once: stains fitted, patches cut and normalised, kept by content and settings."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.run_folder import write_whole
from services.model_factory.formats.annotations.reading import read_annotation
from services.model_factory.formats.slide_cohort import content_sha256
from services.model_factory.handlers.cohort.slides import SlideFiles
from services.model_factory.handlers.patches.cutting import CutSlide, begin_cutting
from services.model_factory.handlers.patches.settings import CutSettings
from services.model_factory.handlers.slides.cropping import other_of
from services.model_factory.handlers.slides.patches import GridPatches, LearnedPatches, SlideNote
from services.model_factory.handlers.slides.results import StainNote
from shared.domain.errors import InvalidInputError
from shared.domain.slides import Cropping, Resolution
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.predictors.her2.gate import named
from shared.slides.opening import opened
from shared.slides.port import SlideReader
from shared.slides.resolution import OperatorsValue, gated

STATED_BY = "the cohort's manifest"
_Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How slides are read for one run."""

    contract: PatchContract
    coarsest_um: float
    learned: CutSettings | None
    """Which patches are cut to learn from; None: none."""

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) of all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SlideReading:
    """Reads slides; what was read is kept below ``folder`` and not read again."""

    settings: ReadingSettings
    folder: Path
    cropping: Cropping = Cropping.MICROMETRES
    """Of every slide."""
    twice: frozenset[str] = frozenset()
    """sha256 of the slides that are cut by both rules."""

    def __call__(self, files: SlideFiles) -> str:
        """Read one slide and keep it; return why it cannot be used, or an empty text.

        Raises:
            InvalidInputError: If its content is not what the sheet says, or the annotation cannot be read.
        """
        known = self._note_file(files)
        if not known.exists():
            if content_sha256(files.file) != files.sha256:
                raise InvalidInputError("slide", f"sha256 {files.sha256[:16]}...: the file has another content")
            note, arrays = self._read(files)
            if arrays:
                stream = io.BytesIO()
                np.savez(stream, allow_pickle=False, **arrays)
                write_whole(self._array_file(files), stream.getvalue())
            write_whole(known, json.dumps(note).encode())
        return str(json.loads(known.read_bytes()).get("trouble", ""))

    def grid(self, files: SlideFiles, cropping: Cropping) -> GridPatches:
        """Return the patches of one grid that were kept."""
        note = json.loads(self._note_file(files).read_bytes())
        name = cropping.value
        with np.load(self._array_file(files), allow_pickle=False) as kept:
            side_px, side_um, columns, rows = note["grids"][name]
            grid = CropGrid(cropping, side_px, side_um, columns, rows)
            return GridPatches(
                grid, kept[f"{name}_index"], kept[f"{name}_tissue"], kept[f"{name}_pixels"], note["width"],
                note["height"], note["um"],
            )  # fmt: skip

    def learned(self, files: SlideFiles) -> LearnedPatches:
        """Return the patches to learn from that were kept."""
        with np.load(self._array_file(files), allow_pickle=False) as kept:
            return LearnedPatches(kept["learned_pixels"], kept["learned_tumour"])

    def note(self, files: SlideFiles) -> SlideNote:
        """Return what was found."""
        note = json.loads(self._note_file(files).read_bytes())
        return SlideNote(note["scanner"], note["um"], note["width"], note["height"], StainNote(*note["stain"]))

    def _read(self, files: SlideFiles) -> tuple[dict[str, Any], _Arrays]:
        paths = sorted(files.file.rglob("*")) if files.file.is_dir() else [files.file]
        reader = opened([one for one in paths if one.is_file()])
        if isinstance(reader, SlideTrouble):
            return {"trouble": reader.problem.value}, {}
        try:
            return self._of(reader, files)
        finally:
            reader.close()

    def _of(self, reader: SlideReader, files: SlideFiles) -> tuple[dict[str, Any], _Arrays]:
        told = files.microns_per_pixel
        operator = OperatorsValue(told, STATED_BY) if told is not None else None
        found = gated(reader.description, operator=operator, coarsest_um=self.settings.coarsest_um)
        if not isinstance(found, Resolution):
            return {"trouble": found.problem.value}, {}
        um = float(np.sqrt(found.x * found.y))
        try:
            cut = begin_cutting(reader, um, self.settings.contract)
            grids, arrays = self._grids(cut, files)
        except InvalidInputError:
            return {"trouble": SlideProblem.UNREADABLE.value}, {}
        if not len(arrays[f"{self.cropping.value}_index"]):
            return {"trouble": SlideProblem.NO_TISSUE.value}, {}
        arrays["learned_pixels"], arrays["learned_tumour"] = self._learned(cut, files)
        size, fit = reader.description, cut.fit
        note = {
            "um": um, "width": size.width, "height": size.height, "grids": grids,
            "scanner": files.scanner or named(size.scanner),
            "stain": [fit.method, fit.angle_degrees, fit.fallback],
        }  # fmt: skip
        return note, arrays

    def _grids(self, cut: CutSlide, files: SlideFiles) -> tuple[dict[str, Any], _Arrays]:
        arrays: _Arrays = {}
        grids: dict[str, Any] = {}
        both = (self.cropping, other_of(self.cropping))
        for cropping in both if files.sha256 in self.twice else both[:1]:
            found, name = cut.patches(cut.grid(cropping)), cropping.value
            grids[name] = [found.grid.side_px, found.grid.side_um, found.grid.columns, found.grid.rows]
            arrays |= {f"{name}_index": found.index, f"{name}_tissue": found.tissue, f"{name}_pixels": found.pixels}
        return grids, arrays

    def _learned(self, cut: CutSlide, files: SlideFiles) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        side, wanted = self.settings.contract.input_px, self.settings.learned
        pixels, tumour = [np.zeros((0, side, side, 3), dtype=np.uint8)], [np.zeros(0, dtype=np.bool_)]
        if files.annotation is not None and wanted is not None:
            annotation = read_annotation(files.annotation.read_bytes(), files.annotation.suffix)
            # Drawn anew for every slide and the same every time, whoever else is in the cohort.
            rng = np.random.default_rng(int(files.sha256[:16], 16))
            for one in cut.learned(annotation, wanted, rng):
                pixels.append(one.pixels)
                tumour.append(one.tumour >= wanted.inside)
        return np.concatenate(pixels), np.concatenate(tumour)

    def _note_file(self, files: SlideFiles) -> Path:
        return self.folder / f"{self._key(files)}.json"

    def _array_file(self, files: SlideFiles) -> Path:
        return self.folder / f"{self._key(files)}.npz"

    def _key(self, files: SlideFiles) -> str:
        both = files.sha256 in self.twice
        told = (
            files.sha256,
            files.annotation_sha256,
            files.microns_per_pixel,
            files.scanner,
            both,
            self.cropping.value,
        )
        return hashlib.sha256(f"{told} {self.settings.digest}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class KeptPatches:
    """``handlers.slides.patches.SlidePatches`` of a cohort, as ``SlideReading`` kept them."""

    reading: SlideReading
    slides: tuple[SlideFiles, ...]

    @property
    def contract(self) -> PatchContract:
        """Return how they were made."""
        return self.reading.settings.contract

    def grid(self, place: int, cropping: Cropping) -> GridPatches:
        """Return the patches of one grid."""
        return self.reading.grid(self.slides[place], cropping)

    def cut_twice(self, place: int) -> bool:
        """Tell whether the slide was cut by both rules."""
        return self.slides[place].sha256 in self.reading.twice

    def learned(self, place: int) -> LearnedPatches:
        """Return the patches to learn from."""
        return self.reading.learned(self.slides[place])

    def note(self, place: int) -> SlideNote:
        """Return what was found."""
        return self.reading.note(self.slides[place])
