"""A slide file opened by the first reader that does not refuse it; the others' reasons are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from shared.domain.errors import InvalidInputError
from shared.domain.slides import ReadBy
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.openslide_reader import OpenSlideReader
from shared.slides.port import SlideDescription, SlideReader

MOST_PIXELS = 10**11
"""Of level 0: ten times the largest slides that are scanned; a header that claims more is broken or hostile."""
MOST_FILES = 512
"""Of one slide: a MIRAX slide has some twenty, a DICOM pyramid of single-level instances a dozen."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""TIFF and BigTIFF, of either byte order."""


def _openslide(paths: Sequence[Path], container: str) -> SlideReader:
    return OpenSlideReader(paths, container)


def _wsidicom(paths: Sequence[Path], container: str) -> SlideReader:
    if not _is_dicom(paths[0]):
        raise InvalidInputError("slide", "wsidicom reads only DICOM")
    from shared.slides.wsidicom_reader import WsiDicomReader

    return WsiDicomReader(paths, container)


def _tiffslide(paths: Sequence[Path], container: str) -> SlideReader:
    if _beginning(paths[0])[:4] not in _TIFF:
        raise InvalidInputError("slide", "tiffslide reads only TIFF")
    from shared.slides.tiffslide_reader import TiffSlideReader

    return TiffSlideReader(paths, container)


# The second and third bring 50 MB of libraries; they are imported where a slide asks for them.
_MAKERS = (_openslide, _wsidicom, _tiffslide)


@dataclass(frozen=True, slots=True)
class _Opened:
    reader: SlideReader
    described: SlideDescription

    @property
    def description(self) -> SlideDescription:
        """See ``SlideReader``."""
        return self.described

    def region(
        self, x: int, y: int, level: int, width: int, height: int, to: tuple[int, int] | None = None
    ) -> Image.Image:
        """See ``SlideReader``."""
        return self.reader.region(x, y, level, width, height, to)

    def close(self) -> None:
        """See ``SlideReader``."""
        self.reader.close()


def opened(paths: Sequence[Path], container: str = "") -> SlideReader | SlideTrouble:
    """Return the slide, opened; the caller closes it. For use in the jail, and on slides one has made oneself.

    Args:
        paths: All files of the slide, the one to open first.
        container: What the label's barcode is compared with; empty: the label is not looked at.
    """
    beside = _beside(paths)
    if beside:
        return beside
    refused: list[str] = []
    for make in _MAKERS:
        try:
            reader = make(paths, container)
        except InvalidInputError as error:
            refused.append(error.reason)
            continue
        except OSError as error:
            refused.append(f"the file cannot be read ({type(error).__name__})")
            continue
        read_by = ReadBy(reader.description.read_by.reader, tuple(refused))
        trouble = _implausible(reader.description)
        if trouble is None:
            return _Opened(reader, replace(reader.description, read_by=read_by))
        reader.close()
        return trouble
    text = f"No reader opens the file: {'; '.join(refused)}."
    return SlideTrouble(SlideProblem.UNREADABLE, text, "Export the slide again, or as DICOM or pyramidal TIFF.")


def _beside(paths: Sequence[Path]) -> SlideTrouble | None:
    try:
        if not paths or not _is_dicom(paths[0]):
            return None
    except OSError:
        return None  # the readers say what is wrong
    from shared.slides.associated import associated

    return associated(paths)


def _is_dicom(path: Path) -> bool:
    return _beginning(path)[128:] == b"DICM"


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(132)


def _implausible(description: SlideDescription) -> SlideTrouble | None:
    size = description.width * description.height
    if size > MOST_PIXELS:
        return SlideTrouble(SlideProblem.TOO_LARGE, f"The file claims {size:.1e} pixels; no slide has so many.")
    if min(description.width, description.height) < 1 or not description.levels:
        return SlideTrouble(SlideProblem.NOT_A_SLIDE, "The file holds no image.")
    return None
