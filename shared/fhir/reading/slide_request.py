"""ServiceRequest with its Specimens -> the glasses that are ordered, and what their codes say of them.

Two shapes are read. Where the Specimen is the slide (its type says so), its parent is the block and the parent of that
the specimen; where it is not, it is the block (it has a parent) or the specimen (it has none), and each of its
containers is a slide. Nothing is taken from a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.codes.hl7_terminology import IDENTIFIER_TYPES
from shared.codes.pathology import EOSINS, HAEMATOXYLIN, MEANINGS, SlideMeaning
from shared.domain.identity import Side
from shared.domain.slides import Specimen
from shared.fhir.reading.elements import codings, key, objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.fhir.reading.site import read_site

Referred = Callable[[str], JsonObject | None]
"""A reference -> the resource, contained or received; None: it is not here yet."""

SPECIMEN = "ServiceRequest.specimen"
HL7_ORDER = "urn:oncorelay:hl7v2:order"
"""System of the placer's number of an order that came as HL7 v2; its assigner is who sent it."""
ORDERED = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
"""FHIR R4 request-intent: a wish or a plan is no order."""
STANDS = frozenset({"active", "completed"})
ENDED: Mapping[str, str] = {
    "revoked": "the order was cancelled",
    "on-hold": "the order is on hold",
    "entered-in-error": "the order was entered in error",
}
_STAINS = {SlideMeaning.HE: "he", SlideMeaning.IHC: "ihc", SlideMeaning.OTHER_STAIN: "other"}
_TISSUES = {SlideMeaning.BREAST: "breast", SlideMeaning.LYMPH_NODE: "lymph_node", SlideMeaning.OTHER_TISSUE: "other"}
_THERAPIES = {SlideMeaning.AFTER_THERAPY: "after", SlideMeaning.BEFORE_THERAPY: "before"}
_MOST_SLIDES, _MOST_ANCESTORS = 200, 4
_LONGEST = 64
"""Characters of an identifier: LO of DICOM."""


@dataclass(frozen=True, slots=True)
class Glass:
    """One slide of an order."""

    specimen: Specimen
    container: str
    stain: str
    tissue: str
    after_therapy: bool | None
    side: Side | None

    @property
    def name(self) -> str:
        """Return what tells it from the other slides of its order."""
        return self.container or self.specimen.slide


def is_slide_order(resource: JsonObject) -> bool:
    """Tell whether something on a slide is ordered: by its code, or the section it is ordered from."""
    said = _said(resource.get("code")) | _said(resource.get("category"))
    return bool(said & {SlideMeaning.ORDER, *_STAINS})


def read_glasses(resource: JsonObject, referred: Referred) -> tuple[Glass, ...]:
    """Return the slides of an order that stands; none of one that has ended.

    Raises:
        RefusedElementError: If a slide cannot be told, or codes contradict each other.
    """
    status = str(resource.get("status", ""))
    if status in ENDED:
        return ()
    if status not in STANDS:
        raise RefusedElementError(
            "ServiceRequest.status", IssueCode.NOT_SUPPORTED, "a status that says whether the order stands is needed"
        )
    glasses = tuple(glass for lineage in _lineages(resource, referred) for glass in _glasses(resource, lineage))
    if not glasses:
        raise RefusedElementError(SPECIMEN, IssueCode.REQUIRED, "it names no specimen: which slide is not said")
    if len(glasses) > _MOST_SLIDES:
        raise RefusedElementError(SPECIMEN, IssueCode.TOO_LONG, f"more than {_MOST_SLIDES} slides in one order")
    if len({glass.name for glass in glasses}) < len(glasses):
        raise RefusedElementError(SPECIMEN, IssueCode.DUPLICATE, "two slides of one order have the same identifier")
    return glasses


def _lineages(resource: JsonObject, referred: Referred) -> Iterator[tuple[JsonObject, ...]]:
    """Yield each specimen of the order with its ancestors, itself first."""
    for row in objects(resource.get("specimen", [])):
        lineage = [_found(row, referred)]
        while len(lineage) < _MOST_ANCESTORS and (parents := list(objects(lineage[-1].get("parent", [])))):
            if len(parents) > 1:
                raise RefusedElementError(
                    f"{SPECIMEN}.parent", IssueCode.CONFLICT, "several parents: of which block it is cannot be told"
                )
            lineage.append(_found(parents[0], referred))
        yield tuple(lineage)


def _found(reference: JsonObject, referred: Referred) -> JsonObject:
    found = referred(str(reference.get("reference", "")))
    if found is None or found.get("resourceType") != "Specimen":
        raise RefusedElementError(SPECIMEN, IssueCode.NOT_FOUND, "its Specimen is not here yet: send it")
    return found


def _glasses(resource: JsonObject, lineage: tuple[JsonObject, ...]) -> Iterator[Glass]:
    first, accession = lineage[0], _accession(resource, lineage)
    names, containers = [_identifier(one) for one in lineage], list(_containers(first))
    if SlideMeaning.SLIDE in _said(first.get("type")):
        block, part = (*names[1:3], "", "")[:2]
        rows = [(names[0] or (containers[0] if len(containers) == 1 else ""), one) for one in containers or [""]]
    else:
        block, part = (names[0], names[-1]) if len(names) > 1 else ("", names[0])
        rows = [(one, one) for one in containers]
    if not accession:
        raise RefusedElementError(SPECIMEN, IssueCode.REQUIRED, "no accession number is stated (slide_orders)")
    if not rows or any(not container and not slide for slide, container in rows):
        raise RefusedElementError(
            SPECIMEN, IssueCode.REQUIRED,
            "it names no glass: the identifier of a container, or of the slide, is needed (slide_orders)",
        )  # fmt: skip
    for slide, container in rows:
        yield _glass(resource, lineage, Specimen(accession, part, block, slide), container)


def _glass(resource: JsonObject, lineage: tuple[JsonObject, ...], named: Specimen, container: str) -> Glass:
    sites = [(one.get("collection") or {}).get("bodySite") for one in lineage]
    said = _said(resource.get("bodySite")).union(*(_said(one.get("type")) for one in lineage), *map(_said, sites))
    ordered = _said(resource.get("code")) | _said(resource.get("orderDetail"))
    made = _prepared(lineage)
    therapy = _only(said | ordered, _THERAPIES, "whether it was taken after therapy")
    return Glass(
        named, container, _only(ordered | made, _STAINS, "how it is stained"),
        _only(said | ordered, _TISSUES, "which tissue it is"), therapy == "after" if therapy else None,
        _side([*sites, *objects(resource.get("bodySite", []))]),
    )  # fmt: skip


def _prepared(lineage: tuple[JsonObject, ...]) -> frozenset[SlideMeaning]:
    """Return what the steps of preparation say; haematoxylin and an eosin together are H&E."""
    steps = [row.get("procedure") for one in lineage for row in objects(one.get("processing", []))]
    keys = {key(coding) for step in steps for coding in codings(step)}
    both = {SlideMeaning.HE} if keys & HAEMATOXYLIN and keys & EOSINS else set()
    return frozenset(both).union(*map(_said, steps))


def _said(concepts: Any) -> frozenset[SlideMeaning]:
    keys = (key(coding) for concept in objects(concepts) for coding in codings(concept))
    return frozenset(MEANINGS[one] for one in keys if one in MEANINGS)


def _only(said: frozenset[SlideMeaning], table: Mapping[SlideMeaning, str], what: str) -> str:
    found = sorted({table[one] for one in said if one in table})
    if len(found) > 1:
        raise RefusedElementError("ServiceRequest", IssueCode.CONFLICT, f"its codes contradict each other in {what}")
    return found[0] if found else ""


def _side(sites: list[Any]) -> Side | None:
    read = [read_site(site, f"{SPECIMEN}.collection.bodySite") for site in sites]
    found = {site.side for site in read if site and site.side}
    if len(found) > 1:
        raise RefusedElementError(SPECIMEN, IssueCode.CONFLICT, "names both sides")
    return next(iter(found), None)


def _accession(resource: JsonObject, lineage: tuple[JsonObject, ...]) -> str:
    """Return Specimen.accessionIdentifier, else the order's identifier of type ACSN (HL7 table 0203)."""
    stated = [row for one in lineage for row in objects(one.get("accessionIdentifier", []))]
    typed = [
        row for row in objects(resource.get("identifier", []))
        if any(key(coding) == (IDENTIFIER_TYPES, "ACSN") for coding in codings(row.get("type")))
    ]  # fmt: skip
    found = dict.fromkeys(_value(row) for row in (stated or typed))
    if len(found) > 1:
        raise RefusedElementError(SPECIMEN, IssueCode.CONFLICT, "several accession numbers")
    return next(iter(found), "")


def _identifier(specimen: JsonObject) -> str:
    return next((_value(row) for row in objects(specimen.get("identifier", []))), "")


def _containers(specimen: JsonObject) -> Iterator[str]:
    for row in objects(specimen.get("container", [])):
        stated = next((_value(one) for one in objects(row.get("identifier", []))), "")
        if stated:
            yield stated


def _value(identifier: JsonObject) -> str:
    found = str(identifier.get("value", "")).strip()
    if len(found) > _LONGEST or not found.isprintable():
        raise RefusedElementError(SPECIMEN, IssueCode.TOO_LONG, f"an identifier is longer than {_LONGEST} characters")
    return found
