"""Scenes as PDF, one page each: vectors and text, A4 landscape, the same bytes every time.

Greek letters are set in Symbol: the standard fonts of PDF (ISO 32000-1, 9.6.2.2), of which no file must be embedded,
have them there and nowhere else.
"""

from __future__ import annotations

from io import BytesIO
from itertools import groupby
from typing import Any

from shared.pictures.scene import PAPER, Area, Curve, Dot, Frame, Line, Part, Raster, Ring, Scene, Words

A4_LANDSCAPE = (841.89, 595.28)
"""ISO 216, in points."""
_GREEK = "αβγ"


def to_pdf(scene: Scene, *more: Scene) -> bytes:
    """Return one page per scene; what is higher than A4 is scaled to fit. The document is named after the first."""
    from reportlab.pdfgen.canvas import Canvas

    stream = BytesIO()
    canvas = Canvas(stream, pagesize=A4_LANDSCAPE, invariant=1, lang="en")
    canvas.setTitle(scene.title)
    canvas.setSubject(scene.description)
    canvas.setCreator("oncorelay")
    canvas.setProducer("oncorelay")
    for one in (scene, *more):
        _page(canvas, one)
    canvas.save()
    return stream.getvalue()


def _page(canvas: Any, scene: Scene) -> None:
    scale = min(A4_LANDSCAPE[0] / scene.width, A4_LANDSCAPE[1] / scene.height)
    canvas.translate((A4_LANDSCAPE[0] - scale * scene.width) / 2, A4_LANDSCAPE[1])
    canvas.scale(scale, scale)
    draw(canvas, scene)
    canvas.showPage()


def draw(canvas: Any, scene: Scene) -> None:
    """Draw on a canvas of reportlab whose origin is the scene's upper left corner."""
    for part in scene.parts:
        _draw(canvas, part)


def _draw(canvas: Any, part: Part) -> None:
    if isinstance(part, Line):
        canvas.setStrokeColor(part.colour)
        canvas.setLineWidth(part.width)
        canvas.setDash([4, 3] if part.dashed else [])
        canvas.line(part.x1, -part.y1, part.x2, -part.y2)
    elif isinstance(part, Dot):
        canvas.setDash([])
        canvas.setLineWidth(1.2)
        canvas.setFillColor(part.colour)
        canvas.setStrokeColor(PAPER)
        canvas.circle(part.x, -part.y, part.radius, stroke=1, fill=1)
    elif isinstance(part, Frame):
        canvas.setDash([])
        canvas.setLineWidth(part.line)
        canvas.setStrokeColor("#000000")
        canvas.rect(part.x, -part.y - part.height, part.width, part.height, stroke=1, fill=0)
    elif isinstance(part, Words):
        _write(canvas, part)
    elif isinstance(part, Raster):
        from PIL import Image

        picture = Image.frombytes("RGB", (part.columns, part.rows), part.rgb)
        # Inline: an image that is an object of its own would get a name from its place in memory.
        canvas.drawInlineImage(picture, part.x, -part.y - part.height, part.width, part.height)
    else:
        _shape(canvas, part)


def _shape(canvas: Any, part: Curve | Area | Ring) -> None:
    if isinstance(part, Ring):
        canvas.setDash([])
        canvas.setLineWidth(part.width)
        canvas.setStrokeColor(part.colour)
        canvas.circle(part.x, -part.y, part.radius, stroke=1, fill=0)
        return
    path = canvas.beginPath()
    for number, (x, y) in enumerate(part.points):
        (path.lineTo if number else path.moveTo)(x, -y)
    if isinstance(part, Area):
        path.close()
        canvas.setFillColor(part.colour)
        canvas.setFillAlpha(part.opacity)
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.setFillAlpha(1.0)
        return
    canvas.setStrokeColor(part.colour)
    canvas.setLineWidth(part.width)
    canvas.setDash([4, 3] if part.dashed else [])
    canvas.setLineJoin(1)
    canvas.drawPath(path, stroke=1, fill=0)


def _write(canvas: Any, words: Words) -> None:
    runs = _runs(words)
    width = sum(canvas.stringWidth(text, face, words.size) for text, face in runs)
    x = words.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * width
    if words.backed:
        canvas.setFillColor(PAPER)
        canvas.rect(x - 1.5, -words.y - 2, width + 3, words.size + 1, stroke=0, fill=1)
    canvas.setFillColor(words.colour)
    for text, face in runs:
        canvas.setFont(face, words.size)
        canvas.drawString(x, -words.y, text)
        x += canvas.stringWidth(text, face, words.size)


def _runs(words: Words) -> list[tuple[str, str]]:
    """Return the text in pieces of one font each."""
    latin = "Helvetica-Bold" if words.bold else "Helvetica"
    pieces = groupby(words.text, key=lambda character: character in _GREEK)
    return [("".join(characters), "Symbol" if greek else latin) for greek, characters in pieces]
