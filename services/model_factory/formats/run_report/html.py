"""A report as one HTML file: no script, no link, nothing to be fetched."""

from __future__ import annotations

from html import escape

from services.model_factory.formats.run_report.blocks import Block, Bullets, Grid, Heading, Picture, Report, Text
from shared.pictures.svg import to_svg

_STYLE = """
:root { color-scheme: light; }
body { font: 11pt/1.45 Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; color: #000; background: #fff;
  max-width: 56rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 2px solid #0b3c8c; }
h3 { margin-top: 1.4rem; }
.banner { position: sticky; top: 0; background: #fff; border: 2px solid #000; padding: .4rem .8rem; font-weight: bold; }
.strong { border-left: 5px solid #a63603; padding-left: .8rem; font-weight: bold; }
figure { margin: 1rem 0; break-inside: avoid; }
figcaption, caption { text-align: left; color: #4a4a4a; font-size: .9rem; }
svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .82rem; margin: 1rem 0; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .2rem .4rem; border-bottom: 1px solid #d9d9d9;
  overflow-wrap: break-word; }
th { border-bottom: 2px solid #000; } tr { break-inside: avoid; }
tr.gap td { background: #fdeee4; } tr.gap td:last-child { font-weight: bold; }
nav ol { columns: 2; }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } .banner { position: static; }
  h2, h3 { break-after: avoid; } thead { display: table-header-group; } nav { display: none; }
  table { font-size: 7.5pt; } svg { max-height: 17cm; } @page { size: A4; margin: 16mm; } }
"""


def to_html(report: Report) -> bytes:
    """Return the file; the same report gives the same bytes."""
    banner = f'<p class="banner" role="note">{escape(report.banner)}</p>' if report.banner else ""
    body = [_block(number, block) for number, block in enumerate(report.blocks)]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Nothing may be fetched, whatever a text holds.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>",
        banner, f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p></header>",
        _contents(report), "<main>", *body, "</main></body></html>",
    ]  # fmt: skip
    return ("\n".join(parts) + "\n").encode()


def _contents(report: Report) -> str:
    rows = [
        f'<li><a href="#s{number}">{escape(block.text)}</a></li>'
        for number, block in enumerate(report.blocks)
        if isinstance(block, Heading) and block.level == 2
    ]
    return f'<nav aria-label="Contents"><ol>{"".join(rows)}</ol></nav>'


def _block(number: int, block: Block) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level} id="s{number}">{escape(block.text)}</h{block.level}>'
    if isinstance(block, Text):
        kind = ' class="strong"' if block.strong else ""
        return f"<p{kind}>{escape(block.text)}</p>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>"
    return _grid(block) if isinstance(block, Grid) else _picture(block)


def _grid(grid: Grid) -> str:
    columns = "".join(f'<col style="width:{100 * share:.4g}%">' for share in grid.widths)
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in grid.head)
    rows = []
    for number, row in enumerate(grid.rows):
        kind = ' class="gap"' if number in grid.marked else ""
        rows.append(f"<tr{kind}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>")
    return (
        f'<div class="wide"><table><caption>{escape(grid.caption)}</caption><colgroup>{columns}</colgroup>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _picture(picture: Picture) -> str:
    note = f"<figcaption>{escape(picture.note)}</figcaption>" if picture.note else ""
    return f"<figure>{to_svg(picture.scene)}{note}</figure>"
