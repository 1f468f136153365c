"""From one ``[[sinks]]`` table to the sink it describes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from pydicom.uid import generate_uid

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.dicom_cstore import CStoreSink
from services.results.deliver.adapters.dicom_node import DicomNode
from services.results.deliver.adapters.dicom_stow import StowSink
from services.results.deliver.adapters.fhir_capability import Capability
from services.results.deliver.adapters.fhir_client import FhirClient
from services.results.deliver.adapters.fhir_sink import FhirSink
from services.results.deliver.adapters.folder import FolderSink
from services.results.deliver.adapters.mllp_client import MllpClient
from services.results.deliver.adapters.mllp_sink import MllpSink
from services.results.deliver.adapters.pages import InstalledBundles, PrintedPages
from services.results.deliver.adapters.proof import credentials, tls_of
from services.results.deliver.adapters.slice_pixels import LIMITS, SlicePixels
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.adapters.storage_commitment import CommitmentReports
from services.results.deliver.adapters.web import WebServer
from services.results.deliver.formats.hl7_report import Addressed
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.taking_back import Withdrawal
from services.results.deliver.ports import Sink
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.domain.errors import InvalidInputError
from shared.jail.jail import Jail
from shared.storage.blobs import LocalBlobs


def build_sink(settings: Settings, sink: SinkSettings, opened: ExitStack) -> Sink:
    """Return the sink; what it opens is closed with ``opened``.

    Raises:
        InvalidInputError: If the table lacks what its kind needs.
    """
    look = style(settings, sink)
    if sink.kind == "hl7-mllp":
        return _laboratory(settings, sink, look, opened)
    archive = _archive(settings, sink, look, opened)
    match sink.kind:
        case "dicom-cstore":
            return _cstore(settings, sink, archive, opened)
        case "dicom-stow":
            return StowSink(sink.name, _server(sink, opened), archive)
        case "fhir":
            capability = Capability(FhirClient(sink.name, _server(sink, opened)))
            return FhirSink(sink.name, capability, look, settings.identity_map, _pages(settings, look, archive))
        case "folder":
            if sink.folder is None:
                raise InvalidInputError(f"sinks.{sink.name}.folder", "a folder sink needs a folder")
            pages = _pages(settings, look, archive)
            return FolderSink(
                sink.name, sink.folder, sink.objects, archive, settings.identity_map, pages, addressed(sink)
            )


def style(settings: Settings, sink: SinkSettings) -> Style:
    """Return the site's part in everything rendered for one sink."""
    archives = tuple((row.name, _style(settings, row)) for row in settings.sinks if row.keeps_reports)
    return replace(_style(settings, sink), archives=archives if sink.kind == "fhir" else ())


def _style(settings: Settings, sink: SinkSettings) -> Style:
    site = settings.site
    validity = timedelta(days=settings.validity_days)
    return Style(site.uid_root, site.device_uid, validity, sink.probability_convention, sink.clinical, sink.pictures)


def _pages(settings: Settings, look: Style, archive: ArchiveObjects) -> PrintedPages:
    return PrintedPages(look, InstalledBundles(settings.bundle_folders, settings.trusted_key_folder), archive)


def _archive(settings: Settings, sink: SinkSettings, look: Style, opened: ExitStack) -> ArchiveObjects:
    blobs = LocalBlobs(settings.site.blob_folder)
    jail = Jail((FRAME_PIXELS,), LIMITS)  # its child starts with the first frame
    opened.callback(jail.close)
    pixels = SlicePixels(jail, blobs)
    withdrawal = Withdrawal(sink.withdrawal, sink.rejection)
    return ArchiveObjects(SourceHeaders(blobs), SourceImages(blobs, pixels), look, withdrawal)


def _cstore(settings: Settings, sink: SinkSettings, archive: ArchiveObjects, opened: ExitStack) -> CStoreSink:
    if not sink.ae_title:
        raise InvalidInputError(f"sinks.{sink.name}.ae_title", "a C-STORE sink needs the AE title of the PACS")
    node = DicomNode(sink.host, sink.port, sink.ae_title, sink.calling_ae_title, sink.timeout_s)
    reports = None
    if sink.storage_commitment:
        reports = opened.enter_context(
            CommitmentReports(sink.calling_ae_title, sink.ae_title, sink.commitment_port, sink.timeout_s)
        )
    prefix = f"{settings.site.uid_root}."
    return CStoreSink(sink.name, node, archive, lambda: str(generate_uid(prefix=prefix)), reports)


def _laboratory(settings: Settings, sink: SinkSettings, look: Style, opened: ExitStack) -> MllpSink:
    client = MllpClient(sink.name, sink.host, sink.port, sink.timeout_s, tls_of(sink))
    opened.callback(client.close)
    return MllpSink(sink.name, client, look, addressed(sink), settings.identity_map)


def addressed(sink: SinkSettings) -> Addressed:
    """Return who speaks to whom in the messages of one sink."""
    return Addressed(
        sink.sending_application, sink.sending_facility, sink.receiving_application, sink.receiving_facility,
        sink.processing_id,
    )  # fmt: skip


def _server(sink: SinkSettings, opened: ExitStack) -> WebServer:
    if not sink.url:
        raise InvalidInputError(f"sinks.{sink.name}.url", f"a {sink.kind} sink needs a URL")
    server = WebServer(sink.url, sink.timeout_s, credentials(sink))
    opened.callback(server.close)
    return server
