"""What a FHIR rendering must know of the chart it is written for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.results.deliver.formats.wording import inputs
from services.results.ledger.findings import Finding
from shared.fhir.writing.elements import Json, logical_reference, reference


@dataclass(frozen=True, slots=True)
class Chart:
    """The patient's chart at one server; without a server, only who the patient is."""

    patient: Json
    """``Reference`` to the Patient."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Source as a fact names it -> the reference it has in this chart, versioned where that version can be read."""
    earlier: tuple[Json, ...] = ()
    """What earlier revisions of the case left in this chart and still counts, as read."""


def chart_without_server(system: str, identifier: str) -> Chart:
    """Return a chart for a sink that is no FHIR server: the patient by identifier, sources by name."""
    return Chart(logical_reference("Patient", system, identifier))


def sources(finding: Finding) -> dict[str, str]:
    """Return every source the answer rests on, with the version that was read (empty: not known)."""
    rows = [(fact.source, fact.version) for fact in finding.facts]
    rows += [(row.source, row.version) for row in inputs(finding)]
    return {source: version for source, version in rows if source}


def tumour(finding: Finding) -> str:
    """Return the one Condition the facts are about; empty where they name none, or several."""
    named = {fact.tumour.condition for fact in finding.facts if fact.tumour and fact.tumour.condition}
    return named.pop() if len(named) == 1 else ""


def source_references(finding: Finding, chart: Chart) -> Iterator[Json]:
    """Return a ``Reference`` per source; one that is not in this chart is named and not linked."""
    for source, version in sources(finding).items():
        said = f"{source} version {version}" if version else source
        literal = chart.known.get(source, "")
        yield reference(literal, said) if literal else {"display": f"{said} (not on this server)"}
