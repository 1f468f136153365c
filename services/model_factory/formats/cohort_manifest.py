"""``manifest.toml`` of a cohort: which files, which columns with which units and levels, which event."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.domain.errors import InvalidInputError

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Cell = Annotated[str, Field(max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TableFile(_Part):
    """One sheet; several are joined by the patient's column."""

    file: Text
    """Path from the manifest's folder; ``.csv`` (UTF-8, comma) or ``.xlsx``."""
    sheet: str = ""
    """Of a workbook; empty: the first."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Where given, another content is refused."""


class OutcomePart(_Part):
    """What is waited for, and for how long."""

    code: Name
    display: Text
    time: Text
    """Column with the time from the origin to the event or the end of follow-up."""
    unit: Literal["a", "mo", "wk", "d"]
    """UCUM: year, month, week, day."""
    status: Text
    """Column that tells how the time ended."""
    event: tuple[Cell, ...] = Field(min_length=1)
    censored: tuple[Cell, ...] = Field(min_length=1)
    competing: tuple[Cell, ...] = ()
    competing_display: str = ""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        cells = [*self.event, *self.censored, *self.competing]
        if len(cells) != len(set(cells)):
            raise ValueError("one text of the status column has two meanings")
        return self


class ColumnPart(_Part):
    """One candidate: measured (``unit``) or categorical (``levels``)."""

    name: Name
    display: str = ""
    header: str = ""
    """Column of the sheet; empty: ``name``."""
    unit: str = ""
    """UCUM; ``1`` for a number without unit."""
    detection_limit: float | None = Field(default=None, gt=0)
    assay_high: float | None = Field(default=None, gt=0)
    levels: tuple[Cell, ...] = ()
    """Reference first."""
    unknown: str = ""
    texts: dict[str, Cell] = {}
    """What the sheet writes -> which level is meant; a text that is a level itself needs none."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.levels) == bool(self.unit):
            raise ValueError(f"column {self.name} has either a unit or levels")
        if self.unknown and self.unknown not in self.levels:
            raise ValueError(f"column {self.name}: unknown is none of its levels")
        strange = sorted(set(self.texts.values()) - set(self.levels))
        if strange:
            raise ValueError(f"column {self.name}: texts lead to {strange[0]!r}, which is none of its levels")
        return self


class ExcludePart(_Part):
    """One exclusion, applied in order; its box of the flow diagram reads ``reason``."""

    reason: Text
    column: Text
    equals: tuple[Cell, ...] = ()
    below: float | None = None
    """Numbers smaller than this."""
    empty: bool = False
    """Cells without content."""


class _Head(_Part):
    """What every manifest has."""

    schema_version: Literal[1]
    name: Name
    description: Text
    simulated: bool = False
    patient: Text
    """Column with the patient's pseudonym; one row per patient."""
    table: tuple[TableFile, ...] = Field(min_length=1, max_length=20)
    column: tuple[ColumnPart, ...] = Field(min_length=1, max_length=50_000)
    exclude: tuple[ExcludePart, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [one.name for one in self.column]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ValueError(f"column {twice[0]} is declared twice")
        return self


class CohortManifest(_Head):
    """The whole file of a cohort with a time to the event."""

    outcome: OutcomePart


class BinaryOutcomePart(_Part):
    """What is asked: did it happen?"""

    code: Name
    display: Text
    status: Text
    """Column that tells."""
    event: tuple[Cell, ...] = Field(min_length=1)
    no_event: tuple[Cell, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if set(self.event) & set(self.no_event):
            raise ValueError("one text of the status column has two meanings")
        return self


class SurvivalPart(_Part):
    """How the patients fared later (disease-free survival, from surgery)."""

    time: Text
    unit: Literal["a", "mo", "wk", "d"]
    """UCUM: year, month, week, day."""
    status: Text
    event: tuple[Cell, ...] = Field(min_length=1)
    censored: tuple[Cell, ...] = Field(min_length=1)


class ImagesPart(_Part):
    """Which columns hold paths from the manifest's folder."""

    study: Text
    """Folder or file of DICOM objects."""
    mask: str = ""
    """SEG, NIfTI or NRRD; an empty cell: the region is found in the images."""
    second_mask: str = ""
    """Another reader's mask of the same tumour."""


class ImagesManifest(_Head):
    """The whole file of a cohort with images and a yes-or-no outcome."""

    kind: Literal["images"]
    outcome: BinaryOutcomePart
    survival: SurvivalPart | None = None
    images: ImagesPart


class SlideColumns(_Part):
    """Which columns say where a slide lies and what is known of it; one row per slide."""

    file: Text
    """Path from the manifest's folder: one file, or a folder with all files of one slide."""
    sha256: Text
    """Of the file's content (of a folder: of its files' contents, in the order of their names); another is refused."""
    annotation: str = ""
    """Where the tumour is: GeoJSON, ASAP XML, or a PNG or TIFF mask; an empty cell: nothing is learned from it."""
    level: str = ""
    """``0``, ``1+``, ``2+/FISH-``, ``2+/FISH+``, ``3+``; an empty cell: not known."""
    scanner: str = ""
    """``manufacturer model``; empty: what the file says."""
    site: str = ""
    """Where the slide was made; AUC and levels are stated per site."""
    microns_per_pixel: str = ""
    """What a person vouches for where the file does not say; an empty cell: the file's own."""


class TherapyPart(_Part):
    """Which columns say how patients treated before surgery responded: the NAT arm of paper 003."""

    pcr: Text
    """An empty cell: not treated, or not known."""
    achieved: tuple[Cell, ...] = ("yes",)
    not_achieved: tuple[Cell, ...] = ("no",)
    rcb: str = ""
    """Residual cancer burden: ``0``, ``I``, ``II``, ``III``; an empty cell: not known."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if set(self.achieved) & set(self.not_achieved):
            raise ValueError("one text of the pcr column has two meanings")
        return self


class SlidesManifest(_Head):
    """The whole file of a cohort of slides; ``patient`` may have several rows, all on one side of every split."""

    kind: Literal["slides"]
    column: tuple[ColumnPart, ...] = ()
    outcome: BinaryOutcomePart
    slides: SlideColumns
    therapy: TherapyPart | None = None
    learn_from: tuple[Cell, ...] = ()
    """Sites whose slides are learned from (paper 003: TCGA); the others are external. Empty: all."""

    @model_validator(mode="after")
    def _sited(self) -> Self:
        if self.learn_from and not self.slides.site:
            raise ValueError("learn_from names sites, and slides.site names no column")
        return self


def read_manifest(path: Path) -> tuple[CohortManifest, bytes]:
    """Return the manifest and the bytes it was read from.

    Raises:
        InvalidInputError: If the file is no TOML or no such manifest; names the key.
    """
    return _read(path, CohortManifest)


def read_images_manifest(path: Path) -> tuple[ImagesManifest, bytes]:
    """Return the manifest of a cohort with images; as ``read_manifest``."""
    return _read(path, ImagesManifest)


def read_slides_manifest(path: Path) -> tuple[SlidesManifest, bytes]:
    """Return the manifest of a cohort of slides; as ``read_manifest``."""
    return _read(path, SlidesManifest)


def kind_of(path: Path) -> str:
    """Return what kind of cohort a manifest describes: ``images``, ``slides``, or empty for times to an event.

    Raises:
        InvalidInputError: If the file cannot be read or is no TOML.
    """
    try:
        return str(tomllib.loads(path.read_bytes().decode()).get("kind", ""))
    except OSError as error:
        raise InvalidInputError(path.name, "cannot be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(path.name, f"is not TOML: {error}") from error


_M = TypeVar("_M", bound=_Head)


def _read(path: Path, kind: type[_M]) -> tuple[_M, bytes]:
    try:
        content = path.read_bytes()
        return kind.model_validate(tomllib.loads(content.decode())), content
    except OSError as error:
        raise InvalidInputError(path.name, "cannot be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(path.name, f"is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"{path.name}{': ' + place if place else ''}", first["msg"]) from error
