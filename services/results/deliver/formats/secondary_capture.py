"""Region and heatmap as a picture that any archive shows: Multi-frame True Color Secondary Capture (PS3.3 A.8.5).

Size: 1.3 MB per slice, at most ``MOST_SLICES`` of them. One object, so that it arrives, and is taken back, as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameTrueColorSecondaryCaptureImageStorage
from pydicom.valuerep import format_number_as_ds

from services.results.deliver.formats import wording
from services.results.deliver.formats.measured_images import MeasuredImages
from services.results.deliver.formats.overlay import HEIGHT_PX, WIDTH, Words, pictures
from services.results.deliver.formats.segmentation import region_of
from services.results.deliver.formats.source_slices import SourceSlice
from services.results.deliver.formats.sr_document import finish
from services.results.deliver.formats.sr_source import DICOM_SIDES, zone
from services.results.deliver.formats.style import DEVICE_NAME, Style, document_uid, part_uid, series_uid
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError
from shared.domain.images import ArtefactKind

KIND = "dicom-sc"
SERIES_NUMBER = 9130
MOST_SLICES = 24
FRAME_BYTES = WIDTH * HEIGHT_PX * 3
OVERHEAD_BYTES = 16_000
_LONG_STRING = 64  # LO, PS3.5 6.2
_SLICE_LOCATION_VECTOR = Tag(0x0018, 0x2005)


def to_capture(finding: Finding, images: MeasuredImages, style: Style) -> Dataset:
    """Return the picture series as one object.

    Raises:
        PermanentError: If there are no pixels to draw on.
    """
    slices = shown(images)
    if not all(one.index in images.pixels for one in slices):
        raise PermanentError("there are no pixels to draw the region on")
    document = _described(slices[0].header)
    uid = part_uid(style, document_uid(finding, style), KIND)
    document.SOPClassUID, document.SOPInstanceUID = MultiFrameTrueColorSecondaryCaptureImageStorage, uid
    document.SeriesInstanceUID, document.SeriesNumber, document.InstanceNumber = (
        series_uid(style, uid),
        SERIES_NUMBER,
        1,
    )
    document.Modality, document.Manufacturer, document.ConversionType = "OT", DEVICE_NAME, "WSD"
    document.SeriesDescription = f"{DEVICE_NAME} {finding.predictor} region and heatmap"[:_LONG_STRING]
    if finding.side in DICOM_SIDES:
        document.Laterality = DICOM_SIDES[finding.side]
    _drawn(document, images, slices, words(finding, style))
    _derived(document, slices)
    document.file_meta = _meta(document)
    finish(document, finding, style, zone(slices[0].header))
    return document


def shown(images: MeasuredImages) -> tuple[SourceSlice, ...]:
    """Return the slices that are drawn: all, or as many as fit at even distances, the heatmap's peak among them."""
    rows = images.slices
    if len(rows) <= MOST_SLICES:
        return rows
    kept = {int(n) for n in np.linspace(0, len(rows) - 1, MOST_SLICES - 1).round()} | {_fullest(images, rows)}
    return tuple(rows[n] for n in sorted(kept))


def _fullest(images: MeasuredImages, rows: Sequence[SourceSlice]) -> int:
    """Return which of the slices holds the heatmap's peak, or most of the region where there is none."""
    weights = []
    for one in rows:
        heat = images.heat(one.index)
        weights.append((float(heat.max()) if heat is not None else 0.0, int(images.region.bits[one.index].sum())))
    return weights.index(max(weights))


def peak(images: MeasuredImages) -> SourceSlice:
    """Return the slice of the heatmap's peak, or that of most of the region."""
    return images.slices[_fullest(images, images.slices)]


def words(finding: Finding, style: Style) -> Words:
    """Return what stands in the picture, because viewers do not show it beside one."""
    answer = finding.prediction
    variant = f"{finding.predictor} {answer.variant}" if answer else finding.predictor
    banner = wording.BANNERS.get(style.intended_use(finding), "")
    origin = wording.ORIGINS[region_of(finding).origin]
    kinds = {row.kind for row in answer.artefacts} if answer else set()
    heat = " and where the network's answer comes from (colour)" if ArtefactKind.HEATMAP in kinds else ""
    return Words(
        banner.partition(". ")[0].rstrip("."),
        f"{DEVICE_NAME} {variant}: measured region (outline){heat}",
        f"Region {origin}. {wording.SUPPORT}",
    )


def _described(header: Dataset) -> Dataset:
    document = Dataset()
    document.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (
        "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID",
        "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription",
        "TimezoneOffsetFromUTC", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
    ):  # fmt: skip
        if keyword in header:
            document[keyword] = header[keyword]
    document.setdefault("LossyImageCompression", "00")
    return document


def _drawn(document: Dataset, images: MeasuredImages, slices: Sequence[SourceSlice], said: Words) -> None:
    frames = pictures(images, slices, said)
    document.NumberOfFrames, document.Rows, document.Columns = frames.shape[:3]
    document.SamplesPerPixel, document.PhotometricInterpretation, document.PlanarConfiguration = 3, "RGB", 0
    document.BitsAllocated, document.BitsStored, document.HighBit, document.PixelRepresentation = 8, 8, 7, 0
    # What identifies a patient is not in the picture (PS3.3 C.7.6.1.1.4); an outline on a breast is nobody's face.
    document.BurnedInAnnotation, document.RecognizableVisualFeatures = "NO", "NO"
    document.FrameIncrementPointer = _SLICE_LOCATION_VECTOR
    document.SliceLocationVector = [format_number_as_ds(_location(one)) for one in slices]
    content = frames.tobytes()
    document.add_new(0x7FE00010, "OB", content + b"\0" * (len(content) % 2))


def _derived(document: Dataset, slices: Sequence[SourceSlice]) -> None:
    document.ImageType = ["DERIVED", "SECONDARY"]
    document.PatientOrientation = ""
    document.DerivationDescription = "Measured phase with the outline of the region and the heatmap over it"
    sources: dict[str, Dataset] = {}
    numbers: dict[str, list[int]] = {}
    for one in slices:
        uid = one.frame.sop_instance_uid
        item = sources.setdefault(uid, Dataset())
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.sop_class_uid, uid
        if one.multi_frame:
            numbers.setdefault(uid, []).append(one.frame.number)
            item.ReferencedFrameNumber = numbers[uid]
    document.SourceImageSequence = Items(list(sources.values()))


def _location(one: SourceSlice) -> float:
    cosines = np.array([float(v) for v in one.header.ImageOrientationPatient])
    return float(np.dot(np.cross(cosines[:3], cosines[3:]), [float(v) for v in one.header.ImagePositionPatient]))


def _meta(document: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = document.SOPClassUID, document.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta
