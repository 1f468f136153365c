"""Is what the peer holds what was sent? Names of what differs; values are not repeated, they may identify a person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

from services.results.deliver.formats.fhir_parts import FINAL
from shared.fhir.writing.elements import Json

# What makes it this document about this patient. An archive may add to a data set, and may coerce names.
_DICOM = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Modality",
    "InstanceCreatorUID", "ContentDate", "ContentTime", "CompletionFlag", "VerificationFlag", "PreliminaryFlag",
    "ConceptNameCodeSequence", "ContentSequence", "CurrentRequestedProcedureEvidenceSequence",
    "PredecessorDocumentsSequence",
    # Of images: what they are, where they lie, what they were derived from.
    "FrameOfReferenceUID", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "ImageType", "Laterality", "SegmentationType", "SegmentSequence", "DimensionIndexSequence",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "SourceImageSequence",
    # Of annotations: what they are drawn on, and each of them.
    "AnnotationCoordinateType", "PixelOriginInterpretation", "ReferencedImageSequence", "AnnotationGroupSequence",
    "TotalPixelMatrixColumns", "TotalPixelMatrixRows", "TotalPixelMatrixOriginSequence",
)  # fmt: skip
_PIXELS = ("PixelData", "FloatPixelData")

# What a server sets itself, or what depends on the chart at the moment of rendering.
_FREE = frozenset({"id", "text", "basis", "derivedFrom", "entity"})
_LABELS = frozenset({"security", "tag"})


def dicom_differences(sent: Dataset, stored: Dataset, *, complete: bool) -> tuple[str, ...]:
    """Return the keywords in which ``stored`` differs; of an incomplete answer only what it states is compared."""
    names = [name for name in _DICOM if name in sent]
    if not complete:
        names = [name for name in names if stored.get(name) not in (None, "", [])]
    different = [name for name in names if stored.get(name) != sent.get(name)]
    # Metadata come without pixels, or say where they lie: then they are fetched with the object, or not compared.
    pixels = [name for name in _PIXELS if name in sent and isinstance(stored.get(name), bytes)]
    return (*different, *(name for name in pixels if _digest(stored, name) != _digest(sent, name)))


def _digest(dataset: Dataset, keyword: str) -> bytes:
    """Return the sha256 of pixel data without the byte that makes its length even."""
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    bits = frames * int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated)
    return hashlib.sha256(bytes(dataset[keyword].value[: (bits + 7) // 8])).digest()


def fhir_differences(sent: Json, stored: Json) -> tuple[str, ...]:
    """Return the elements in which ``stored`` differs from what was sent; what the server added does not count."""
    return tuple(_differences(sent, stored, sent["resourceType"]))


def _differences(sent: Any, stored: Any, place: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(stored, dict):
        if _kept_elsewhere(sent, stored):
            sent = {key: value for key, value in sent.items() if key != "data"}
        for key in sent.keys() - _FREE:
            yield from _element(key, sent[key], stored.get(key), f"{place}.{key}")
    elif isinstance(sent, list) and isinstance(stored, list) and len(sent) == len(stored):
        for number, pair in enumerate(zip(sent, stored, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif not _same(sent, stored):
        yield place


def _element(key: str, sent: Any, stored: Any, place: str) -> Iterator[str]:
    if key == "meta":
        yield from (f"{place}.{name}" for name in sent if name in _LABELS and not _labelled(sent[name], stored, name))
    elif key == "reference" and str(sent).startswith("urn:uuid:"):
        yield from () if "/" in str(stored) else (place,)
    elif key in {"status", "docStatus"} and {sent, stored} <= FINAL:
        return
    else:
        yield from _differences(sent, stored, place)


def _kept_elsewhere(sent: Json, stored: Json) -> bool:
    """Tell whether an Attachment's bytes became a Binary of the server; its hash is compared and vouches for them."""
    return "data" in sent and "hash" in sent and "data" not in stored and bool(stored.get("url"))


def _labelled(labels: list[Json], stored: Any, name: str) -> bool:
    there = stored.get(name, []) if isinstance(stored, dict) else []
    codes = {(row.get("system"), row.get("code")) for row in there}
    return all((row["system"], row["code"]) in codes for row in labels)


def _same(sent: Any, stored: Any) -> bool:
    if isinstance(sent, str) and isinstance(stored, str):
        # A server may write the zone of a moment as Z.
        return sent.replace("+00:00", "Z") == stored.replace("+00:00", "Z")
    return bool(sent == stored)
