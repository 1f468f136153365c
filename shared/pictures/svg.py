"""A scene as SVG 1.1: text stays text, and a title and a description say what the picture shows."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

from shared.pictures.scene import PAPER, Area, Curve, Dot, Frame, Line, Part, Raster, Ring, Scene, Words

_FACE = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def to_svg(scene: Scene) -> str:
    """Return the picture; the same scene gives the same text. Fit to be put into an HTML page as it is."""
    # Several pictures may lie in one page, so the ids are made from what the picture says.
    key = hashlib.sha256((scene.title + scene.description).encode()).hexdigest()[:10]
    size = f'width="{_number(scene.width)}pt" height="{_number(scene.height)}pt"'
    box = f'viewBox="0 0 {_number(scene.width)} {_number(scene.height)}"'
    named = f'role="img" aria-labelledby="t{key} d{key}"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {named} font-family={quoteattr(_FACE)}>',
        f'<title id="t{key}">{escape(scene.title)}</title>',
        f'<desc id="d{key}">{escape(scene.description)}</desc>',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
    ]
    return "\n".join([*head, *(_part(one) for one in scene.parts), "</svg>"]) + "\n"


def _part(part: Part) -> str:
    if isinstance(part, Line):
        return _line(part)
    if isinstance(part, Dot):
        place = f'cx="{_number(part.x)}" cy="{_number(part.y)}" r="{_number(part.radius)}"'
        return f'<circle {place} fill="{part.colour}" stroke="{PAPER}" stroke-width="1.2"/>'
    if isinstance(part, Frame):
        place = f'x="{_number(part.x)}" y="{_number(part.y)}" width="{_number(part.width)}"'
        return (
            f'<rect {place} height="{_number(part.height)}" fill="none" stroke="#000000" '
            f'stroke-width="{_number(part.line)}"/>'
        )
    if isinstance(part, Raster):
        return _raster(part)
    return _words(part) if isinstance(part, Words) else _shape(part)


def _raster(part: Raster) -> str:
    from PIL import Image

    stream = BytesIO()
    Image.frombytes("RGB", (part.columns, part.rows), part.rgb).save(stream, "PNG")
    place = f'x="{_number(part.x)}" y="{_number(part.y)}" width="{_number(part.width)}" height="{_number(part.height)}"'
    return f'<image {place} href="data:image/png;base64,{b64encode(stream.getvalue()).decode("ascii")}"/>'


def _shape(part: Curve | Area | Ring) -> str:
    if isinstance(part, Ring):
        place = f'cx="{_number(part.x)}" cy="{_number(part.y)}" r="{_number(part.radius)}"'
        return f'<circle {place} fill="none" stroke="{part.colour}" stroke-width="{_number(part.width)}"/>'
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in part.points)
    if isinstance(part, Area):
        return f'<polygon points="{points}" fill="{part.colour}" fill-opacity="{_number(part.opacity)}"/>'
    dashes = ' stroke-dasharray="4 3"' if part.dashed else ""
    stroke = f'stroke="{part.colour}" stroke-width="{_number(part.width)}" stroke-linejoin="round"{dashes}'
    return f'<polyline points="{points}" fill="none" {stroke}/>'


def _line(line: Line) -> str:
    ends = f'x1="{_number(line.x1)}" y1="{_number(line.y1)}" x2="{_number(line.x2)}" y2="{_number(line.y2)}"'
    dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
    return f'<line {ends} stroke="{line.colour}" stroke-width="{_number(line.width)}"{dashes}/>'


def _words(words: Words) -> str:
    weight = ' font-weight="bold"' if words.bold else ""
    # A white rim drawn below the letters keeps lines behind them from running through.
    rim = f' stroke="{PAPER}" stroke-width="3" paint-order="stroke" stroke-linejoin="round"' if words.backed else ""
    place = f'x="{_number(words.x)}" y="{_number(words.y)}" font-size="{_number(words.size)}"'
    style = f'text-anchor="{words.anchor}" fill="{words.colour}"{weight}{rim}'
    return f"<text {place} {style}>{escape(words.text)}</text>"


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
