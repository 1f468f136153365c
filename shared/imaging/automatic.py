"""A region nobody drew: the largest plausible part of the functional tumour volume, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.identity import Side
from shared.domain.images import RegionOrigin
from shared.imaging.body import Body, body_in
from shared.imaging.components import Part, counted, parts_of
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.functional_tumour_volume import PUBLISHED, functional_tumour
from shared.imaging.region import Region
from shared.imaging.volume import Mask, Volume

OTHER_SIDE_SHARE = 1 / 3
OTHER_SIDE_MM3 = 500.0
"""A part on the other side of at least this share of the largest, and of half a millilitre, is a second tumour."""


@dataclass(frozen=True, slots=True, eq=False)
class Phases:
    """The volumes an automatic region is made from, on one grid."""

    pre: Volume
    early: Volume
    late: Volume | None = None


def automatic_region(
    phases: Phases, *, side: Side | None = None, limits: Mask | None = None, body: Body | None = None
) -> Region | ImageTrouble:
    """Return the largest plausible part of the functional tumour volume.

    ``side`` is the breast to be measured where the field shows both, ``limits`` a volume of interest drawn by somebody.
    """
    body = body or body_in(phases.early)
    enhancing = functional_tumour(phases.pre, phases.early, phases.late, limits=limits)
    parts = parts_of(enhancing, body)
    plausible = [part for part in parts if not part.doubt]
    asked = side if side in (Side.LEFT, Side.RIGHT) and body.midline_mm is not None else None
    return _trouble(parts, plausible, asked) or _region(parts, plausible, asked, phases, limits)


def _trouble(parts: tuple[Part, ...], plausible: list[Part], asked: Side | None) -> ImageTrouble | None:
    if not plausible:
        aside = counted(parts)
        text = f"nothing in the breast enhances like a tumour{': ' + aside if aside else ''}"
        return ImageTrouble(ImageProblem.NO_REGION, text)
    if asked:
        return None if any(part.side in (asked, None) for part in plausible) else _other_side_only(asked)
    second = _on_the_other_side(plausible)
    if second is None:
        return None
    sizes = f"{_ml(plausible[0])} on the {plausible[0].side} and {_ml(second)} on the {second.side}"
    return ImageTrouble(ImageProblem.BILATERAL, f"both breasts enhance like a tumour ({sizes}): say which is meant")


def _other_side_only(asked: Side) -> ImageTrouble:
    text = f"the {asked} breast is asked about and only the other one enhances like a tumour"
    return ImageTrouble(ImageProblem.SIDE_CONFLICT, text)


def _on_the_other_side(plausible: list[Part]) -> Part | None:
    first = plausible[0]
    for part in plausible[1:]:
        large = part.volume_mm3 >= max(OTHER_SIDE_MM3, OTHER_SIDE_SHARE * first.volume_mm3)
        if large and part.side and first.side and part.side is not first.side:
            return part
    return None


def _region(
    parts: tuple[Part, ...], plausible: list[Part], asked: Side | None, phases: Phases, limits: Mask | None
) -> Region:
    chosen = next(part for part in plausible if asked is None or part.side in (asked, None))
    method = (
        f"functional tumour volume: {PUBLISHED.in_words(with_late=phases.late is not None)}; largest plausible part"
    )
    if limits is not None:
        method += " within a volume of interest that came with the study"
    remarks = [] if phases.late else ["there is no late phase: the region rests on enhancement alone"]
    remarks += [text for text in (_others(plausible, chosen), counted(parts)) if text]
    return Region(chosen.mask(phases.early.grid), RegionOrigin.AUTOMATIC, method, remarks=tuple(remarks))


def _others(plausible: list[Part], chosen: Part) -> str:
    others = [part for part in plausible if part is not chosen]
    if not others:
        return ""
    total = sum(part.volume_mm3 for part in others) / 1000
    return f"{len(others)} further plausible parts of together {total:.1f} ml are not measured"


def _ml(part: Part) -> str:
    return f"{part.volume_mm3 / 1000:.1f} ml"
