"""What a segment of a Segmentation can be: DICOM PS3.16 CID 7150 (Segmentation Property Categories).

Older objects carry the SNOMED RT identifiers (scheme SRT) of the same concepts (PS3.16 Annex O).
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.codes import snomed
from shared.domain.identity import Side

ABNORMAL: frozenset[tuple[str, str]] = frozenset({("SCT", "49755003"), ("SRT", "M-01000")})
"""Morphologically Abnormal Structure (CID 7150): what a finding is filed under."""
NO_FINDING: frozenset[tuple[str, str]] = frozenset(
    {
        ("SCT", "85756007"),  # Tissue
        ("SRT", "T-D0050"),
        ("SCT", "123037004"),  # Anatomical Structure
        ("SRT", "T-D000A"),
        ("SCT", "260787004"),  # Physical object
        ("SRT", "A-00004"),
        ("SCT", "91720002"),  # Body Substance
        ("SCT", "309825002"),  # Spatial and Relational Concept
        ("SRT", "R-42018"),
    }
)
"""Categories (CID 7150) of organs, tissues and objects."""
SIDES: Mapping[tuple[str, str], Side] = {
    ("SCT", snomed.LEFT.code): Side.LEFT,
    ("SRT", "G-A101"): Side.LEFT,
    ("SCT", snomed.RIGHT.code): Side.RIGHT,
    ("SRT", "G-A100"): Side.RIGHT,
}
"""Anatomic Region Modifier (CID 244)."""
