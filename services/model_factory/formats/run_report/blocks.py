"""What a report consists of, before anybody decides on a file format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures.scene import Scene


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 2 opens a section, 3 a part of it."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; ``weight`` strong stands in a frame."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; a row whose number is in ``marked`` is a gap and is shown as one."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    """Shares of the page's width."""
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it must not be read without."""

    scene: Scene
    note: str = ""


Block = Heading | Text | Bullets | Grid | Picture


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report."""

    title: str
    banner: str
    """On top of every page of the PDF and of the HTML; empty for a cohort of patients."""
    subtitle: str
    blocks: tuple[Block, ...]

    def pictures(self) -> Iterator[Scene]:
        """Yield every picture."""
        return (block.scene for block in self.blocks if isinstance(block, Picture))
