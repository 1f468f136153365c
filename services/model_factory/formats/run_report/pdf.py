"""A report as PDF, A4: vectors and text, the banner and a number on every page, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from services.model_factory.formats.run_report.blocks import Block, Bullets, Grid, Heading, Picture, Report, Text
from shared.pictures.pdf import draw
from shared.pictures.scene import Scene

_MARGIN = 48.0
_TALLEST, _FULL = 600.0, 690.0
"""Height a picture may take, and one that stands on its side, in points."""
_ROOM = 120.0
"""What must be left of a page for a heading or a table to begin on it."""
_GREEK = "αβγ"


def to_pdf(report: Report) -> bytes:
    """Return the document."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    stream = BytesIO()
    document = SimpleDocTemplate(
        stream, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN + 14, bottomMargin=_MARGIN,
        title=report.title, subject=report.subtitle, creator="oncorelay", producer="oncorelay", lang="en", invariant=1,
    )  # fmt: skip
    width = A4[0] - 2 * _MARGIN

    def frame(canvas: Any, _: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica-Bold", 8)
        canvas.drawString(_MARGIN, A4[1] - _MARGIN + 8, report.banner[:110])
        canvas.setFont("Helvetica", 8)
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN - 20, f"page {canvas.getPageNumber()}")
        canvas.drawString(_MARGIN, _MARGIN - 20, report.title[:100])
        canvas.restoreState()

    document.build(list(_story(report, width)), onFirstPage=frame, onLaterPages=frame)
    return stream.getvalue()


def _story(report: Report, width: float) -> Iterator[Any]:
    from reportlab.platypus import CondPageBreak, Paragraph

    styles = _styles()
    yield Paragraph(_said(report.title), styles["title"])
    yield Paragraph(_said(report.subtitle), styles["text"])
    for block, after in zip(report.blocks, (*report.blocks[1:], None), strict=True):
        if isinstance(block, Heading):
            yield CondPageBreak(_room_before(after, width))
        yield from _block(block, styles, width)


def _room_before(after: Block | None, width: float) -> float:
    """Return what must be left of a page: a heading stays with the picture below it."""
    return 60.0 + _flowable(after.scene, width).height if isinstance(after, Picture) else _ROOM


def _block(block: Block, styles: dict[str, Any], width: float) -> Iterator[Any]:
    from reportlab.platypus import CondPageBreak, KeepTogether, Paragraph, Spacer

    if isinstance(block, Heading):
        yield Paragraph(_said(block.text), styles[f"h{block.level}"])
    elif isinstance(block, Text):
        yield Paragraph(_said(block.text), styles["strong" if block.strong else "text"])
    elif isinstance(block, Bullets):
        for item in block.items:
            yield Paragraph(_said(item), styles["bullet"], bulletText="•")
    elif isinstance(block, Grid):
        yield CondPageBreak(_ROOM)
        yield Paragraph(_said(block.caption), styles["note"])
        yield _table(block, styles, width)
        yield Spacer(0, 8)
    else:
        note = [Paragraph(_said(block.note), styles["note"])] if block.note else []
        yield KeepTogether([_flowable(block.scene, width), *note, Spacer(0, 8)])


def _table(grid: Grid, styles: dict[str, Any], width: float) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import Paragraph, Table

    head = [Paragraph(f"<b>{_said(cell)}</b>", styles["cell"]) for cell in grid.head]
    rows = [[Paragraph(_said(cell), styles["cell"]) for cell in row] for row in grid.rows]
    look: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, 0), 1.0, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, colors.HexColor("#d9d9d9")),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]  # fmt: skip
    look += [("BACKGROUND", (0, n + 1), (-1, n + 1), colors.HexColor("#fdeee4")) for n in sorted(grid.marked)]
    return Table([head, *rows], colWidths=[width * share for share in grid.widths], repeatRows=1, style=look)


def _flowable(scene: Scene, width: float) -> Any:
    from reportlab.platypus import Flowable

    # A wide picture stands on its side, so that its letters stay as large as those of the text.
    turned = scene.width > 1.3 * width
    across, up = (scene.height, scene.width) if turned else (scene.width, scene.height)
    scale = min(1.0, width / across, (_FULL if turned else _TALLEST) / up)

    class Drawn(Flowable):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.width, self.height = scale * across, scale * up

        def draw(self) -> None:
            if turned:
                self.canv.rotate(90)
            else:
                self.canv.translate(0, self.height)
            self.canv.scale(scale, scale)
            draw(self.canv, scene)

    return Drawn()


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle

    text = ParagraphStyle("text", fontName="Helvetica", fontSize=9.5, leading=13, spaceAfter=6)
    bold = "Helvetica-Bold"
    return {
        "text": text,
        "title": ParagraphStyle("title", parent=text, fontName=bold, fontSize=18, leading=22, spaceAfter=8),
        "h2": ParagraphStyle(
            "h2", parent=text, fontName=bold, fontSize=13, leading=17, spaceBefore=14, keepWithNext=1,
        ),
        "h3": ParagraphStyle("h3", parent=text, fontName=bold, fontSize=10.5, spaceBefore=8, keepWithNext=1),
        "strong": ParagraphStyle(
            "strong", parent=text, fontName=bold, borderWidth=1, borderColor="#000000", borderPadding=5, spaceBefore=8,
            spaceAfter=12,
        ),
        "bullet": ParagraphStyle("bullet", parent=text, leftIndent=12, spaceAfter=2),
        "note": ParagraphStyle("note", parent=text, fontSize=8.5, leading=11, textColor="#4a4a4a", keepWithNext=0),
        "cell": ParagraphStyle("cell", parent=text, fontSize=7.5, leading=9.5, spaceAfter=0),
    }  # fmt: skip


def _said(text: str) -> str:
    """Return text as reportlab's markup; the standard fonts have Greek letters in Symbol only."""
    return "".join(
        f'<font name="Symbol">{one}</font>' if one in _GREEK else one for one in escape(text)
    )  # fmt: skip
