"""XML of ASAP (Computation Pathology Group, Radboud): outlines in pixels of level 0, each in a group."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from services.model_factory.formats.annotations.outlines import is_tumour, points_of, refuse_nothing
from services.model_factory.handlers.patches.annotation import Annotation, Points, Region
from shared.domain.errors import InvalidInputError

LEFT_OUT = frozenset({"exclusion", "exclude"})
AREAS = frozenset({"polygon", "spline", "rectangle"})


def read_asap(content: bytes) -> Annotation:
    """Return the outlines of groups that mean tumour, without those of the group ``Exclusion``.

    Raises:
        InvalidInputError: If it is no such XML, a tumour annotation is no area, or none is tumour.
    """
    # Entities and external documents have no place in an annotation, and expanding them is an attack.
    if b"<!" in content.replace(b"<!--", b""):
        raise InvalidInputError("annotation", "declares a document type, which ASAP does not write")
    try:
        root = ET.fromstring(content)  # noqa: S314 (no declarations are left to expand)
    except ET.ParseError as error:
        raise InvalidInputError("annotation", "is no XML") from error
    if root.tag != "ASAP_Annotations":
        raise InvalidInputError("annotation", "is no XML of ASAP")
    drawn = [one for one in root.iter("Annotation") if not _left_out(one)]
    tumour = [Region(_outline(one)) for one in drawn if is_tumour(one.get("PartOfGroup"))]
    refuse_nothing(tumour)
    return Annotation(tuple(tumour), tuple(Region(_outline(one)) for one in root.iter("Annotation") if _left_out(one)))


def _left_out(one: Element) -> bool:
    return one.get("PartOfGroup", "").strip().lower() in LEFT_OUT


def _outline(one: Element) -> Points:
    if one.get("Type", "").lower() not in AREAS:
        raise InvalidInputError("annotation", f"has tumour drawn as {one.get('Type', 'nothing')}; an area is needed")
    corners = sorted(one.iter("Coordinate"), key=_order)
    return points_of([[corner.get("X"), corner.get("Y")] for corner in corners])


def _order(corner: Element) -> float:
    try:
        return float(corner.get("Order", ""))
    except ValueError as error:
        raise InvalidInputError("annotation", "has a coordinate without its order") from error
