"""A region nobody drew: the largest plausible part of the functional tumour volume, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.identity import Side
from shared.domain.images import RegionOrigin
from shared.imaging.body import Body, body_in, fat_is_bright
from shared.imaging.components import BRIDGE_MM, Part, counted, parts_of
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.functional_tumour_volume import PUBLISHED, WITHOUT_FAT_SUPPRESSION, Thresholds, functional_tumour
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
    by = WITHOUT_FAT_SUPPRESSION if fat_is_bright(phases.pre, body) else PUBLISHED
    parts = parts_of(functional_tumour(phases.pre, phases.early, phases.late, limits=limits, by=by), body)
    plausible = [part for part in parts if not part.doubt]
    asked = side if side in (Side.LEFT, Side.RIGHT) and body.midline_mm is not None else None
    trouble = _trouble(parts, plausible, asked)
    if trouble:
        return trouble
    chosen = next(part for part in plausible if asked is None or part.side in (asked, None))
    method = _method(by, with_late=phases.late is not None, limited=limits is not None)
    remarks = _remarks(by, chosen, parts, with_late=phases.late is not None)
    return Region(chosen.mask(phases.early.grid), RegionOrigin.AUTOMATIC, method, remarks=remarks)


def _trouble(parts: tuple[Part, ...], plausible: list[Part], asked: Side | None) -> ImageTrouble | None:
    if not plausible:
        aside = counted(parts)
        text = f"Nothing in the breast enhances like a tumour{': ' + aside if aside else ''}."
        return ImageTrouble(ImageProblem.NO_REGION, text)
    if asked:
        return _asked_side_trouble(plausible, asked)
    second = _on_the_other_side(plausible)
    if second is None:
        return None
    sizes = f"{_ml(plausible[0])} on the {plausible[0].side} and {_ml(second)} on the {second.side}"
    return ImageTrouble(ImageProblem.BILATERAL, f"Both breasts enhance like a tumour ({sizes}): say which is meant.")


def _asked_side_trouble(plausible: list[Part], asked: Side) -> ImageTrouble | None:
    """Return the trouble where the breast that is asked about holds nothing, or little beside the other one."""
    there = max((part.volume_mm3 for part in plausible if part.side in (asked, None)), default=0.0)
    other = max((part.volume_mm3 for part in plausible if part.side not in (asked, None)), default=0.0)
    if there and (other < OTHER_SIDE_MM3 or there >= OTHER_SIDE_SHARE * other):
        return None
    little = f"only {there / 1000:.1f} ml of it enhance" if there else "nothing of it enhances"
    text = f"The {asked} breast is asked about: {little} like a tumour, and {other / 1000:.1f} ml of the other one."
    return ImageTrouble(ImageProblem.SIDE_CONFLICT, text)


def _on_the_other_side(plausible: list[Part]) -> Part | None:
    first = plausible[0]
    for part in plausible[1:]:
        large = part.volume_mm3 >= max(OTHER_SIDE_MM3, OTHER_SIDE_SHARE * first.volume_mm3)
        if large and part.side and first.side and part.side is not first.side:
            return part
    return None


def _method(by: Thresholds, *, with_late: bool, limited: bool) -> str:
    where = " within a volume of interest that came with the study" if limited else ""
    return f"functional tumour volume: {by.in_words(with_late=with_late)}; largest plausible part{where}"


def _remarks(by: Thresholds, chosen: Part, parts: tuple[Part, ...], *, with_late: bool) -> tuple[str, ...]:
    remarks = ["" if with_late else "there is no late phase: the region rests on enhancement alone"]
    if by is WITHOUT_FAT_SUPPRESSION:
        remarks.append("fat is bright before contrast: the background threshold is lower than the published one")
    if chosen.parted:
        remarks.append(f"the region was parted from other enhancement where that is thinner than {BRIDGE_MM:g} mm")
    remarks += [_others([part for part in parts if not part.doubt], chosen), counted(parts)]
    return tuple(remark for remark in remarks if remark)


def _others(plausible: list[Part], chosen: Part) -> str:
    others = [part for part in plausible if part is not chosen]
    if not others:
        return ""
    total = sum(part.volume_mm3 for part in others) / 1000
    return f"{len(others)} further plausible parts of together {total:.1f} ml are not measured"


def _ml(part: Part) -> str:
    return f"{part.volume_mm3 / 1000:.1f} ml"
