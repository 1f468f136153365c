"""Slides of a cohort read once: stains fitted, patches cut and normalised, kept by content and settings."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.run_folder import write_whole
from services.model_factory.formats.annotation_masks import annotated
from services.model_factory.formats.slide_cohort import content_sha256
from services.model_factory.handlers.cohort.slides import SlideFiles
from services.model_factory.handlers.slides.cropping import other_of
from services.model_factory.handlers.slides.patches import GridPatches, LearnedPatches, Pixels, SlideNote
from services.model_factory.handlers.slides.results import StainNote
from shared.domain.errors import InvalidInputError
from shared.domain.slides import Cropping, Resolution
from shared.pathology.background import is_background
from shared.pathology.grid import CropGrid, crop_grid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.fit import fit_stains
from shared.pathology.stain.transform import normalised
from shared.pathology.stain_fit import StainFit
from shared.pathology.tissue import OVERVIEW_UM, tissue_mask, tissue_shares
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.predictors.her2.gate import named
from shared.slides.opening import opened
from shared.slides.overview import draw_overview, overview_size
from shared.slides.patches import PatchReading
from shared.slides.port import SlideReader
from shared.slides.resolution import OperatorsValue, gated

SAMPLED = 24
"""Patches of the grid, spread evenly over the tissue, whose pixels the stains are fitted on."""
STATED_BY = "the cohort's manifest"


@dataclass(frozen=True, slots=True)
class CutSettings:
    """How slides are cut for one run."""

    contract: PatchContract
    coarsest_um: float
    training_sides_um: tuple[float, ...]
    """Paper 003: 1024 and 2048 pixels at x40: 256 and 512 micrometres."""
    most_per_slide: int | None
    """Patches to learn from, of the tumour and of the rest each and per side; None: all."""
    within: float = 0.5
    """Share of a patch inside the annotation from which it is tumour."""

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) of all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """An open slide that passed the gate."""

    reader: SlideReader
    um: float
    fit: StainFit
    tissue: NDArray[np.bool_]
    overview_um: float


@dataclass(frozen=True, slots=True)
class SlideReading:
    """Reads slides; what was read is kept below ``folder`` and not read again."""

    settings: CutSettings
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

    def _read(self, files: SlideFiles) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        paths = sorted(files.file.rglob("*")) if files.file.is_dir() else [files.file]
        reader = opened([one for one in paths if one.is_file()])
        if isinstance(reader, SlideTrouble):
            return {"trouble": reader.problem.value}, {}
        try:
            found = self._open(reader, files)
            return (
                ({"trouble": found.problem.value}, {}) if isinstance(found, SlideTrouble) else self._cut(found, files)
            )
        except InvalidInputError:
            return {"trouble": SlideProblem.UNREADABLE.value}, {}
        finally:
            reader.close()

    def _open(self, reader: SlideReader, files: SlideFiles) -> _Seen | SlideTrouble:
        told = files.microns_per_pixel
        operator = OperatorsValue(told, STATED_BY) if told is not None else None
        found = gated(reader.description, operator=operator, coarsest_um=self.settings.coarsest_um)
        if not isinstance(found, Resolution):
            return found
        um = float(np.sqrt(found.x * found.y))
        size = overview_size(reader.description.width, reader.description.height, OVERVIEW_UM / um)
        small = np.empty((size.height, size.width, 3), dtype=np.uint8)
        draw_overview(reader, size, small)
        overview_um = size.shrink * um
        tissue = tissue_mask(small, overview_um)
        grid, wanted, _ = self._wanted(reader, um, tissue, overview_um, Cropping.MICROMETRES)
        if not len(wanted):
            return SlideTrouble(SlideProblem.NO_TISSUE, "No patch of the slide has enough tissue.")
        sampled = wanted[np.unique(np.linspace(0, len(wanted) - 1, SAMPLED).round().astype(np.intp))]
        reading = PatchReading(reader, grid.side_px, self.settings.contract.input_px)
        pixels = np.concatenate([reading.rgb(*grid.corner(int(one))).reshape(-1, 3) for one in sampled])
        return _Seen(reader, um, fit_stains(pixels, self.settings.contract.stain), tissue, overview_um)

    def _wanted(
        self, reader: SlideReader, um: float, tissue: NDArray[np.bool_], overview_um: float, cropping: Cropping,
        side_um: float | None = None,
    ) -> tuple[CropGrid, NDArray[np.int32], NDArray[np.float32]]:  # fmt: skip
        """Return a grid, the places with enough tissue, and the tissue of every place."""
        size, contract = reader.description, self.settings.contract
        grid = crop_grid(cropping, size.width, size.height, um, contract.side_um if side_um is None else side_um)
        share = tissue_shares(tissue, overview_um, grid, um)
        return grid, np.flatnonzero(share >= contract.least_tissue).astype(np.int32), share

    def _cut(self, seen: _Seen, files: SlideFiles) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        arrays: dict[str, NDArray[Any]] = {}
        grids = {}
        both = (self.cropping, other_of(self.cropping))
        for cropping in both if files.sha256 in self.twice else both[:1]:
            grid, wanted, share = self._wanted(seen.reader, seen.um, seen.tissue, seen.overview_um, cropping)
            index, pixels = self._pixels(seen, grid, wanted)
            name = cropping.value
            grids[name] = [grid.side_px, grid.side_um, grid.columns, grid.rows]
            arrays |= {f"{name}_index": index, f"{name}_tissue": share[index], f"{name}_pixels": pixels}
        arrays["learned_pixels"], arrays["learned_tumour"] = self._learned(seen, files)
        size, fit = seen.reader.description, seen.fit
        note = {
            "um": seen.um, "width": size.width, "height": size.height, "grids": grids,
            "scanner": files.scanner or named(size.scanner),
            "stain": [fit.method, fit.angle_degrees, fit.fallback],
        }  # fmt: skip
        return note, arrays

    def _pixels(
        self, seen: _Seen, grid: CropGrid, wanted: Sequence[int] | NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], Pixels]:
        """Return the places that are no background, and their pixels, stain-normalised."""
        contract = self.settings.contract
        reading = PatchReading(seen.reader, grid.side_px, contract.input_px)
        kept: list[int] = []
        found: list[NDArray[np.uint8]] = []
        for place in wanted:
            rgb = reading.rgb(*grid.corner(int(place)))
            if not is_background(rgb, contract.background_variance):
                kept.append(int(place))
                found.append(normalised(rgb, seen.fit, contract.stain))
        side = contract.input_px
        pixels = np.stack(found) if found else np.zeros((0, side, side, 3), dtype=np.uint8)
        return np.array(kept, dtype=np.int32), pixels

    def _learned(self, seen: _Seen, files: SlideFiles) -> tuple[Pixels, NDArray[np.bool_]]:
        side = self.settings.contract.input_px
        pixels, tumour = [np.zeros((0, side, side, 3), dtype=np.uint8)], [np.zeros(0, dtype=np.bool_)]
        for side_um in self.settings.training_sides_um if files.annotation else ():
            for is_tumour, (grid, places) in self._annotated(seen, files, side_um):
                index, found = self._pixels(seen, grid, places)
                pixels.append(found)
                tumour.append(np.full(len(index), is_tumour))
        return np.concatenate(pixels), np.concatenate(tumour)

    def _annotated(
        self, seen: _Seen, files: SlideFiles, side_um: float
    ) -> Iterator[tuple[bool, tuple[CropGrid, NDArray[np.int32]]]]:
        """Yield the places of a grid that are tumour by the annotation, then the others that are tissue."""
        size = seen.reader.description
        if files.annotation is None:
            return
        mask, um = annotated(files.annotation, size.width, size.height, seen.um)
        grid, wanted, _ = self._wanted(
            seen.reader, seen.um, seen.tissue, seen.overview_um, Cropping.MICROMETRES, side_um
        )
        inside = tissue_shares(mask, um, grid, seen.um)[wanted] >= self.settings.within
        yield True, (grid, self._some(wanted[inside]))
        yield False, (grid, self._some(wanted[~inside]))

    def _some(self, places: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return at most so many, spread evenly: the same ones every time."""
        most = self.settings.most_per_slide
        if most is None or len(places) <= most:
            return places
        return places[np.linspace(0, len(places) - 1, most).round().astype(np.intp)]

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
