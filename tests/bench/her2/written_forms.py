"""Every form of an answer about a slide, written by the folder sink: report, FHIR, page, QuPath, JSON, HL7."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.folder import FolderSink
from services.results.deliver.adapters.pages import InstalledBundles, PrintedPages
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.taking_back import SR_ONLY
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.domain.prediction import Prediction
from shared.storage.blobs import LocalBlobs
from tests.bench.her2.whole_slide import WholeSlide
from tests.slide_findings import IDENTITY, SlideFindings

OBJECTS = ("fhir-transaction", "pdf", "geojson", "json", "hl7")
FORMS = len(OBJECTS)
_STYLE = Style("2.25.1", "2.25.1.1", timedelta(days=90))


def folder_sink(slide: WholeSlide, folder: Path) -> FolderSink:
    """Return the sink, as the delivery process has it."""
    blobs = LocalBlobs(slide.root / "blobs")
    archive = ArchiveObjects(SourceHeaders(blobs), SourceImages(blobs), _STYLE, SR_ONLY)
    identities = IdentityMap((AssigningAuthority(IDENTITY.authority, "", "urn:hospital", "HOSP"),))
    pages = PrintedPages(_STYLE, InstalledBundles((), None), archive)
    return FolderSink("folder", folder, OBJECTS, archive, identities, pages)


def written(slide: WholeSlide, sink: FolderSink, answer: Prediction) -> None:
    """Write every form of an answer."""
    about = SlideFindings(LocalBlobs(slide.root / "blobs")).prediction()
    pins = replace(about.pins, bundle_digest=answer.bundle.digest) if about.pins else None
    mark = answer.artefacts[0].digest
    sink.deliver(replace(about, finding_id=mark[:32], result_key=mark, prediction=answer, pins=pins), ())
