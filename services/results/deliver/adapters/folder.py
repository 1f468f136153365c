"""A folder as sink: whole, durable files named by derived UIDs; what no longer counts is moved to ``superseded``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.results.deliver.adapters.answers import file_error
from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.mllp_sink import hl7_authority
from services.results.deliver.formats.chart import chart_without_server
from services.results.deliver.formats.fhir_bundle import has_page, to_transaction
from services.results.deliver.formats.finding_json import to_json
from services.results.deliver.formats.hl7_report import Addressed, to_oru
from services.results.deliver.formats.parts import CLASSES, named_in_report
from services.results.deliver.formats.qupath import to_geojson
from services.results.deliver.formats.sr_document import encoded, to_sr
from services.results.deliver.formats.style import Style, document_uid
from services.results.deliver.formats.wording import about_slide
from services.results.deliver.ports import Pages, Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.errors import PermanentError
from shared.domain.identity import IdentityMap
from shared.fhir.writing.elements import encode
from shared.storage.blobs import sync_folder, write_durably

SUPERSEDED = "superseded"
_SUFFIXES = {
    "dicom-sr": ".dcm", "fhir-transaction": ".fhir.json", "pdf": ".pdf",
    "dicom-seg": ".seg.dcm", "dicom-pm": ".pm.dcm", "dicom-sc": ".sc.dcm", "dicom-ann": ".ann.dcm",
    "geojson": ".geojson.gz", "json": ".json", "hl7": ".hl7",
}  # fmt: skip
_NOBODY = Addressed()
_KINDS = {class_uid: kind for kind, class_uid in CLASSES.items()}


@dataclass(frozen=True, slots=True)
class FolderSink:
    """Writes the objects the site asks for into one folder."""

    name: str
    folder: Path
    objects: tuple[str, ...]
    archive: ArchiveObjects
    identities: IdentityMap
    pages: Pages
    addressed: Addressed = _NOBODY
    """Who speaks to whom in the messages it keeps."""

    def object_id(self, finding: Finding) -> str:
        """Return the name of the files: the SOP Instance UID the SR has, or would have."""
        return document_uid(finding, self.style)

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Write the files, read them back, then move away what they replace.

        Raises:
            PermanentError: If the identity is not in the site's map, or another file lies under the name.
            UnavailableError: If the folder cannot be written.
        """
        stem = document_uid(finding, self.style)
        files = {f"{stem}{_SUFFIXES[kind]}": data for kind, data in self._rendered(finding, predecessors).items()}
        try:
            (self.folder / SUPERSEDED).mkdir(parents=True, exist_ok=True)
            for file_name, data in files.items():
                self._write(file_name, data)
            self._retire([row.object_id for row in predecessors if row.object_id])
        except OSError as error:
            raise file_error(error, f"the folder of {self.name}") from error
        return Sent(stem, str(self.folder / next(iter(files), "")))

    def _rendered(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Mapping[str, bytes]:
        made: dict[str, bytes] = {}
        page = self.pages.page(finding) if "pdf" in self.objects or has_page(finding) else b""
        if "dicom-sr" in self.objects and finding.study.in_dicom:
            made |= self._report(finding, predecessors)
        if "pdf" in self.objects:
            made["pdf"] = page
        if "fhir-transaction" in self.objects:
            chart = chart_without_server(*self._identifier(finding))
            bundle = to_transaction(finding, chart, self.style, page=page)
            made |= {"fhir-transaction": encode(bundle)} if bundle else {}
        if about_slide(finding):
            made |= self._slide(finding, predecessors)
        return made

    def _slide(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Mapping[str, bytes]:
        """Return what only a slide has: its patches for QuPath, the whole finding, the message a laboratory gets."""
        basis = self.archive.slides.read(finding) if {"geojson", "json"} & set(self.objects) else None
        made: dict[str, bytes] = {}
        if "geojson" in self.objects and basis:
            made["geojson"] = to_geojson(finding, basis, self.style)
        if "json" in self.objects:
            made["json"] = to_json(finding, basis, self.style)
        if "hl7" in self.objects:
            authority = hl7_authority(self.identities, finding)
            made["hl7"] = to_oru(finding, predecessors, self.style, self.addressed, authority)
        return made

    def _report(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Mapping[str, bytes]:
        """Return the SR and what lies beside it; what lay beside earlier ones is moved away with them."""
        header = self.archive.headers.read(finding)
        parts = self.archive.parts(finding, header)
        report = to_sr(finding, header, predecessors, self.style, named_in_report(parts))
        return {"dicom-sr": encoded(report)} | {_KINDS[str(part.SOPClassUID)]: encoded(part) for part in parts}

    @property
    def style(self) -> Style:
        """Return the site's part in what is rendered."""
        return self.archive.style

    def _identifier(self, finding: Finding) -> tuple[str, str]:
        authority = self.identities.authority(finding.identity.authority)
        if authority is None or not authority.fhir_system:
            raise PermanentError("the site's identity map has no FHIR system for the patient's assigning authority")
        return authority.fhir_system, finding.identity.identifier

    def _write(self, file_name: str, data: bytes) -> None:
        target = self.folder / file_name
        if not target.exists():
            write_durably(target, data)
        if target.read_bytes() != data:
            raise PermanentError(f"another file lies under the name {file_name}")

    def _retire(self, stems: list[str]) -> None:
        for stem in stems:
            for suffix in _SUFFIXES.values():
                earlier = self.folder / f"{stem}{suffix}"
                if earlier.exists():
                    earlier.replace(self.folder / SUPERSEDED / earlier.name)
        sync_folder(self.folder / SUPERSEDED)
        sync_folder(self.folder)
