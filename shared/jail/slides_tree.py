"""What parent and child say to each other about slides, as trees for JSON; nothing the child says is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError

from shared.domain.errors import InvalidInputError
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideTrouble
from shared.slides.opening import MOST_PIXELS
from shared.slides.port import SlideDescription

_DESCRIPTION = TypeAdapter(SlideDescription)
_TROUBLE = TypeAdapter(SlideTrouble)
_CONTRACT = TypeAdapter(PatchContract)
_LONGEST_TEXT = 600
_MOST_LEVELS = 64
_MOST_SPECIMENS = 64


def packed_description(description: SlideDescription) -> Any:
    """Return the tree."""
    return _DESCRIPTION.dump_python(description, mode="json")


def packed_trouble(trouble: SlideTrouble) -> Any:
    """Return the tree."""
    return _TROUBLE.dump_python(trouble, mode="json")


def trouble_in(answer: Any) -> SlideTrouble | None:
    """Return the trouble an answer names; None where it names none.

    Raises:
        InvalidInputError: If the answer is none.
    """
    if not isinstance(answer, dict):
        raise InvalidInputError("answer", "cannot be read from the jail")
    if "trouble" not in answer:
        return None
    try:
        trouble = _TROUBLE.validate_python(answer["trouble"])
    except ValidationError as error:
        raise InvalidInputError("trouble", "cannot be read from the jail") from error
    if len(trouble.text) + len(trouble.remedy) > _LONGEST_TEXT:
        raise InvalidInputError("trouble", "is too long")
    return trouble


def description_of(answer: dict[str, Any]) -> SlideDescription:
    """Return the description of an answer.

    Raises:
        InvalidInputError: If there is none that a slide can have.
    """
    try:
        description = _DESCRIPTION.validate_python(answer.get("description"))
    except ValidationError as error:
        raise InvalidInputError("description", "cannot be read from the jail") from error
    sizes = [(one.width, one.height) for one in description.levels] + [(description.width, description.height)]
    scales = [one.downsample for one in description.levels]
    plausible = all(wide > 0 and high > 0 and wide * high <= MOST_PIXELS for wide, high in sizes)
    if not plausible or not all(0.9 < one < 1e6 for one in scales) or not 1 <= len(scales) <= _MOST_LEVELS:
        raise InvalidInputError("description", "no slide is so large")
    if any(len(one) > _LONGEST_TEXT for one in _texts(description)) or len(description.specimens) > _MOST_SPECIMENS:
        raise InvalidInputError("description", "no slide says so much")
    return description


def _texts(found: SlideDescription) -> tuple[str, ...]:
    said = (found.format, found.accession, found.container, found.frame_of_reference_uid, found.read_by.reader)
    lists = (*found.specimens, *found.associated, *found.read_by.refused, *(one.key for one in found.stated))
    return (*said, *lists, found.scanner.manufacturer, found.scanner.model)


@dataclass(frozen=True, slots=True, eq=False)
class PatchTask:
    """Which patches to read, and how."""

    side_px: int
    corners: tuple[tuple[int, int], ...]
    contract: PatchContract
    fit: StainFit | None = None

    def tree(self) -> dict[str, Any]:
        """Return the tree."""
        return {
            "side_px": self.side_px,
            "corners": [list(one) for one in self.corners],
            "contract": _CONTRACT.dump_python(self.contract, mode="json"),
            "fit": None if self.fit is None else _packed_fit(self.fit),
        }

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Self:
        """Return what ``tree`` made a tree of; the child believes its parent."""
        corners = tuple((int(x), int(y)) for x, y in tree["corners"])
        fit = None if tree["fit"] is None else _fit(tree["fit"])
        return cls(int(tree["side_px"]), corners, _CONTRACT.validate_python(tree["contract"]), fit)


def _packed_fit(fit: StainFit) -> dict[str, Any]:
    return {
        "vectors": fit.vectors.tolist(),
        "strengths": fit.strengths.tolist(),
        "residual": fit.residual,
        "angle_degrees": fit.angle_degrees,
        "method": fit.method,
        "fallback": fit.fallback,
    }


def _fit(tree: dict[str, Any]) -> StainFit:
    arrays = {name: np.array(tree[name], dtype=np.float64) for name in ("vectors", "strengths")}
    return StainFit(**(tree | arrays))
