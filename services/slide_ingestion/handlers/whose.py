"""Whose slide is it: every claim that is made about a piece of glass, and whether they agree.

Claims come from orders, manifests beside the file, and the specimen module of a DICOM slide; never from a file's name.
Where two state the same thing they must state it alike, character for character.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slides import Specimen

MANIFEST = "manifest"
"""``SlideOrder.source`` of what stands beside a file."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source, or all together, say; empty and None: it does not say."""

    accession: str = ""
    specimen: str = ""
    block: str = ""
    slide: str = ""
    container: str = ""
    identity: PatientIdentity | None = None
    birth_date: object = None
    sex: object = None
    stain: str = ""
    tissue: str = ""
    after_therapy: bool | None = None
    side: Side | None = None

    @property
    def named(self) -> Specimen:
        """Return which piece of tissue it is."""
        return Specimen(self.accession, self.specimen, self.block, self.slide)

    @property
    def glass(self) -> str:
        """Return a key of the glass: alike for everything that is a picture of it; empty where nothing names it."""
        return (self.container and f"c:{self.container}") or glass_of(self.named)

    @property
    def demographics(self) -> Demographics:
        """Return birth date and sex."""
        return Demographics(self.birth_date, self.sex)  # type: ignore[arg-type]


NOTHING_SAID = Claim()


def glass_of(named: Specimen) -> str:
    """Return the key of a glass without a barcode; empty where accession or slide number is missing."""
    if not (named.accession and named.slide):
        return ""
    return "s:" + json.dumps([named.accession, named.specimen, named.block, named.slide])


def of_order(order: SlideOrder) -> Claim:
    """Return what an order says."""
    who, named = order.demographics, order.specimen
    return Claim(
        named.accession, named.specimen, named.block, named.slide, order.container, order.identity,
        who.birth_date, who.sex, order.stain, order.tissue, order.after_therapy, order.side,
    )  # fmt: skip


def of_file(row: SlideRow) -> Claim:
    """Return what a DICOM slide says of itself (specimen module, PS3.3 C.7.6.22); nothing for other formats."""
    said, header = row.description, row.header
    specimens = said.specimens if said else ()
    return Claim(
        accession=said.accession if said else "",
        specimen=specimens[0] if len(specimens) == 1 else "",
        container=said.container if said else "",
        identity=header.identity if header else None,
        birth_date=header.demographics.birth_date if header else None,
        sex=header.demographics.sex if header else None,
    )


def together(claims: Sequence[Claim]) -> tuple[Claim, tuple[str, ...]]:
    """Return everything that is said, and the names of what is said differently."""
    merged: dict[str, object] = {}
    torn: list[str] = []
    for one in fields(Claim):
        stated = [value for claim in claims if (value := getattr(claim, one.name)) not in ("", None)]
        if any(value != stated[0] for value in stated[1:]):
            torn.append(one.name.replace("_", " "))
        if stated:
            merged[one.name] = stated[0]
    return Claim(**merged), tuple(torn)  # type: ignore[arg-type]


def names_of(row: SlideRow) -> Iterator[str]:
    """Yield the keys under which orders for this slide are looked up."""
    for claim in (of_file(row), *map(of_order, row.stated)):
        if claim.container:
            yield f"c:{claim.container}"
        if glass_of(claim.named):
            yield glass_of(claim.named)


def standing(orders: Sequence[SlideOrder]) -> tuple[tuple[SlideOrder, ...], SlideOrder | None]:
    """Return the orders that stand, and the withdrawn one that ends them all: nothing newer asks for the slide.

    A manifest is written once, when the slide is scanned: it does not outlive the withdrawal of a real order.
    """
    real = sorted((one for one in orders if one.source != MANIFEST), key=lambda one: (one.recorded_time, one.order_id))
    deciding = real or list(orders)
    last = deciding[-1] if deciding else None
    if last and last.status is OrderStatus.WITHDRAWN:
        return (), last
    active = [one for one in orders if one.status is OrderStatus.ACTIVE]
    return tuple(sorted(active, key=lambda one: (one.source == MANIFEST, one.recorded_time, one.order_id))), None
