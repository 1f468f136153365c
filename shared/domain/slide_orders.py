"""What was asked about one slide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.slides import Specimen


class OrderStatus(StrEnum):
    """Whether an order still stands."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class SlideOrder:
    """What was asked about one slide: HL7 OML^O21, FHIR ServiceRequest with Specimen, or a manifest beside the file."""

    order_id: str
    """Unique at this site: source and the placer's number, of a manifest its digest."""
    source: str
    """``hl7``, ``fhir`` or ``manifest``, with the sender's name."""
    version: str
    """Message control id, resource version or file digest: a later one of the same order supersedes."""
    status: OrderStatus
    identity: PatientIdentity | None
    """None where the issuer is not in the site's map."""
    demographics: Demographics
    specimen: Specimen
    container: str
    """What the label's barcode says (Container Identifier (0040,0512), SPM-27 or the slide's own id); compared exactly;
    empty where the order does not state it."""
    recorded_time: datetime
    stain: str = ""
    """``he``, ``ihc``, ``other``; empty where the order does not say."""
    tissue: str = ""
    """``breast``, ``lymph_node``, ``other``; empty where the order does not say."""
    after_therapy: bool | None = None
    """True: taken after neoadjuvant therapy began; None: the order does not say."""
    side: Side | None = None
    reason: str = ""
    """Why it was withdrawn."""
    placer: str = ""
    """The number whoever placed the order knows it by (ORC-2), for finding the result; empty where none is stated."""
    placer_authority: tuple[str, ...] = ()
    """Who gave that number: namespace, universal id and its type (EI.2 to EI.4), as stated; empty: not stated."""
