"""Lists for people: a line of short columns for each row, and beneath it its sentence, over the whole width.

A sentence in a column of its own is cut into pieces of a word on the 80 columns a terminal has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

Cell = str | Text
_GAP = "  "
_INDENT = 4


def show_list(console: Console, header: Sequence[str], rows: Iterable[tuple[Sequence[Cell], str]]) -> None:
    """Print rows of (cells, sentence), each text as it is; a row without a sentence has one line."""
    made = [([_text(cell) for cell in cells], sentence) for cells, sentence in rows]
    columns = zip(header, *(cells for cells, _ in made), strict=True)
    widths = [max(len(cell) for cell in column) for column in columns]
    _line(console, [Text(name, style="bold") for name in header], widths)
    for cells, sentence in made:
        _line(console, cells, widths)
        if sentence:
            console.print(Padding(Text(sentence), (0, 0, 0, _INDENT)))


def _line(console: Console, cells: Sequence[Text], widths: Sequence[int]) -> None:
    aligned = (cell + " " * (width - len(cell)) for cell, width in zip(cells, widths, strict=True))
    line = Text(_GAP).join(aligned)
    line.rstrip()
    console.print(line, soft_wrap=True)


def _text(cell: Cell) -> Text:
    """Return a cell as it is, whatever looks like markup in it."""
    return cell if isinstance(cell, Text) else Text(cell)
