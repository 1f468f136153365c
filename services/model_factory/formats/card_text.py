"""What all model cards have in common: how sections become text, and the table of performance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def card_text(draft: Mapping[str, Any], sections: Iterable[tuple[str, str]]) -> str:
    """Return the card of a bundle's statement; ``sections`` are titles with their text."""
    head = f"# {draft['id']} {draft['version']}\n\n"
    return head + "\n".join(f"## {title}\n\n{text}\n" for title, text in sections)


def performance_table(draft: Mapping[str, Any]) -> str:
    """Return the statement's metrics as a table that names the positive class."""
    rows = ["| measure | value | interval | n | events |", "|---|---|---|---|---|"]
    for one in draft["metrics"]:
        interval = f"{one['interval'][0]:.3f} to {one['interval'][1]:.3f}" if one["interval"] else "-"
        rows.append(f"| {one['name']} | {one['value']:.3f} | {interval} | {one['n']} | {one['positives']} |")
    return "\n".join([*rows, "", f"Positive class: `{draft['output']['positive_class']}`; unit: patient."])
