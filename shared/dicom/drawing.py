"""What somebody or something drew: one segment, one structure, one mask, before it is chosen or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.identity import Side
from shared.domain.images import RegionOrigin
from shared.imaging.placing import Placed
from shared.imaging.volume import Grid

_FINDING = re.compile(
    r"TUMOU?R|LESION|CANCER|CARCINOMA|NEOPLAS|MALIGN|\bGTV|\bMASS\b|\bINDEX\b|\bFTV\b|\bIDC\b|\bDCIS\b"
)
_NO_TUMOUR = re.compile(r"LYMPH|\bNODES?\b|\bLN\b|\bLNS\b|NECROSIS|EDEMA|OEDEMA|\bCTV|\bPTV|\bBIOPSY|\bCLIP\b|\bCYST\b")
_ORGAN = re.compile(
    r"BREASTS?\b|TISSUE|GLANDULAR|\bFGT\b|PARENCHYMA|\bVOI|SKIN|NIPPLE|HEART|VESSEL|AORTA|CHEST|PECTORAL|MUSCLE"
    r"|\bFAT\b|BACKGROUND|BODY|EXTERNAL|IMPLANT|SILICONE|LUNG|LIVER|RIB|STERNUM|GLAND|PAROTID|CORD"
)
_LIMITS = re.compile(r"BREASTS?\b|GLANDULAR|\bFGT\b|PARENCHYMA|\bVOI")
_FIRST = re.compile(r"PRIMARY|INDEX|MAIN|\b1\b|\bGTV")


class Meaning(StrEnum):
    """What a drawing is of."""

    FINDING = "finding"
    UNKNOWN = "unknown"
    """Nothing says it is a tumour, nothing says it is not."""
    ORGAN = "organ"
    """A breast, a gland, a vessel, a node: not the primary tumour. It can limit where one is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One drawn thing. Its name is for choosing only and never printed: people write names into labels."""

    origin: RegionOrigin
    meaning: Meaning
    place: Callable[[Grid], Placed] = field(repr=False)
    """Brings it onto a grid; raises InvalidInputError where that cannot be."""
    name: str = field(default="", repr=False)
    how: str = ""
    """How it was drawn, in words of ours."""
    author: str = ""
    source_instance_uid: str = ""
    number: int | None = None
    """Segment Number, ROI Number, or label value."""
    group: str = field(default="", repr=False)
    """Names the file it comes from, where that is no DICOM object."""
    side: Side | None = None
    """The side its object names."""
    moment: str = ""
    """When it was drawn, as text that sorts; empty where nothing says."""
    frame_of_reference_uid: str = ""
    references: frozenset[str] = field(default=frozenset(), repr=False)
    """SOP Instance UIDs of the images it was drawn on."""
    remarks: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        """Tell whether its name says that it is the one of several that counts."""
        return bool(_FIRST.search(self.name))

    @property
    def limits(self) -> bool:
        """Tell whether it outlines a breast or a volume of interest: where a tumour may be looked for."""
        return self.meaning is Meaning.ORGAN and bool(_LIMITS.search(self.name))


def meaning_of(words: str, *, abnormal: bool = False, organ: bool = False) -> Meaning:
    """Return what a drawing is of, by its words and by what its codes say.

    A node or a cyst is never the primary tumour; otherwise a word for a tumour outweighs a code for an organ, because
    "breast tumour" is commonly filed under breast.
    """
    text = re.sub(r"[_\-./]+", " ", words.upper())
    if _NO_TUMOUR.search(text):
        return Meaning.ORGAN
    if abnormal or _FINDING.search(text):
        return Meaning.FINDING
    return Meaning.ORGAN if organ or _ORGAN.search(text) else Meaning.UNKNOWN
