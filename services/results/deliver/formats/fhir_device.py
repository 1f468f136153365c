"""Who answered: the model as Device, and how the answer came about as Provenance."""

from __future__ import annotations

from collections.abc import Sequence

from services.results.deliver.formats.chart import Chart, source_references
from services.results.deliver.formats.fhir_assessment import imaging_study
from services.results.deliver.formats.fhir_parts import meta, method_text
from services.results.deliver.formats.style import DEVICE_NAME, Style
from services.results.ledger.findings import Finding
from shared.codes import hl7_terminology, local, terminology
from shared.domain.coding import Coding
from shared.domain.prediction import BundleReference
from shared.fhir.writing.elements import Json, concept, identifier, instant, notes, reference, without_empty


def device_key(finding: Finding, style: Style) -> str:
    """Return the identifier value (``local.BUNDLE_SYSTEM``): its digest, or this device where no bundle answered."""
    return finding.prediction.bundle.digest if finding.prediction else style.device_uid


def device(finding: Finding, style: Style) -> Json:
    """Return the Device; the same bundle is the same Device, whichever finding it is sent with."""
    bundle = finding.prediction.bundle if finding.prediction else None
    return without_empty(
        resourceType="Device",
        identifier=[identifier(local.BUNDLE_SYSTEM, device_key(finding, style))],
        status="active",
        manufacturer=DEVICE_NAME,
        deviceName=[{"name": bundle.bundle_id if bundle else DEVICE_NAME, "type": "model-name"}],
        version=_versions(bundle) if bundle else None,
        note=notes([f"Intended use: {bundle.intended_use}." if bundle else ""]),
    )


def named(finding: Finding) -> Json:
    """Return who answered as a ``Reference`` by name, for a server that takes no Device."""
    return {"display": f"{DEVICE_NAME}: {method_text(finding)}"}


def provenance(finding: Finding, chart: Chart, style: Style, digest: str, of: Sequence[str], who: Json) -> Json:
    """Return the Provenance of the resources ``of``; R4 gives it no identifier, a tag makes a repeat recognisable."""
    entities = [*source_references(finding, chart), *imaging_study(finding)]
    labels = meta(finding, style)
    return without_empty(
        resourceType="Provenance",
        meta=labels | {"tag": [*labels.get("tag", []), {"system": local.IDENTIFIER_SYSTEM, "code": digest}]},
        target=[reference(literal) for literal in of],
        recorded=instant(finding.created_time),
        reason=[_reason(hl7_terminology.AI_ASSERTED)],
        agent=[{"type": _reason(terminology.ASSEMBLER), "who": who}],
        entity=[{"role": "source", "what": what} for what in entities],
    )


def _versions(bundle: BundleReference) -> list[Json]:
    return [
        {"type": {"text": "bundle version"}, "value": bundle.version},
        {"type": {"text": "sha256 of bundle.json"}, "value": bundle.digest},
    ]


def _reason(row: Coding) -> Json:
    return concept(row.display, row)
