"""What a bench returns: rows of ours against a named peer, and notes about the machine."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import Any

_WITHOUT_BOUND = 1e9
"""The ratio to nothing; JSON has no infinity."""


@dataclass(frozen=True)
class Row:
    """One measurement; ``ratio`` above 1 means that ours is better (times: peer / ours; rates ``x/s`` and counts marked
    ``higher``: ours / peer)."""

    case: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    higher: bool = False
    """More is better: rates, and counts of what was done."""
    precision: str = ""
    """Arithmetic of ours, where it is a choice."""

    @property
    def ratio(self) -> float:
        rate = self.higher or self.unit.endswith("/s")
        better, worse = (self.ours, self.peer) if rate else (self.peer, self.ours)
        if better == worse:
            return 1.0
        return min(better / worse, _WITHOUT_BOUND) if worse > 0 else _WITHOUT_BOUND


@dataclass(frozen=True)
class Bench:
    """All rows of one bench."""

    name: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    passed: bool = True
    """False: what the bench is there to show did not hold, and the command ends with status 1."""

    def tree(self) -> dict[str, Any]:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        rows = [
            {
                "case": r.case,
                "ours": round(r.ours, 6),
                "peer": round(r.peer, 6),
                "peer_name": r.peer_name,
                "ratio": round(r.ratio, 3),
                "unit": r.unit,
                **({"precision": r.precision} if r.precision else {}),
            }
            for r in self.rows
        ]
        return {"bench": self.name, "machine": machine, "rows": rows, "notes": list(self.notes)}

    def table(self) -> str:
        lines = [f"{'case':32} {'ours':>10} {'peer':>10} {'ratio':>7}  unit  peer"]
        lines += [
            f"{r.case:32} {r.ours:10.4f} {r.peer:10.4f} {r.ratio:7.2f}  {r.unit:4}  {r.peer_name}" for r in self.rows
        ]
        return "\n".join([*lines, *self.notes])
