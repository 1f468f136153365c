"""Lists are read on the 80 columns of a terminal: columns stand in line, and no sentence is cut inside a word."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.text import Text

from services.cli.listing import show_list

SENTENCE = "The resolution cannot be relied on: XResolution says 0.00499 micrometres per pixel, which no scanner has."


def shown(*rows: tuple[tuple[str | Text, ...], str], width: int = 80) -> list[str]:
    out = StringIO()
    show_list(Console(file=out, width=width), ("slide", "state"), rows)
    return out.getvalue().splitlines()


def test_columns_stand_in_line_and_no_blank_ends_a_line() -> None:
    header, first, second = shown((("6abdcd5a", "held"), ""), (("f3", Text("submitted", style="green")), ""))

    assert header.index("state") == first.index("held") == second.index("submitted")
    assert [line.rstrip() for line in (header, first, second)] == [header, first, second]


def test_a_sentence_stands_beneath_its_row_and_no_word_of_it_is_cut() -> None:
    _, _, *below = shown((("6abdcd5a", "held"), SENTENCE))

    assert len(below) == 2
    assert all(line.startswith("    ") and len(line) <= 80 for line in below)
    assert " ".join(line.strip() for line in below) == SENTENCE


def test_a_line_is_whole_where_the_terminal_is_narrower_than_its_columns() -> None:
    _, line = shown((("6abdcd5a", "held"), ""), width=10)

    assert line.split() == ["6abdcd5a", "held"]


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    text = "\n".join(shown((("[red]x[/red]", "held"), "closes [/x] :warning:")))

    assert "[red]x[/red]" in text
    assert "closes [/x] :warning:" in text
