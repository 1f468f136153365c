"""Masks written the way workstations write them: DICOM segmentation, RT structure set, NRRD, NIfTI."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian, RTStructureSetStorage
from skimage.measure import find_contours

from shared.imaging.volume import Mask
from shared.phantoms.modules import derived_uid

_MAKER = "WORKSTATION"
_COPIED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID",
)  # fmt: skip


def segmentation(
    masks: Sequence[Mask],
    images: Sequence[Dataset],
    *,
    labels: Sequence[str] = (),
    seed: str = "segmentation",
    kind: str = "BINARY",
    **options: Any,
) -> Dataset:
    """Return a segmentation of ``images``, one segment per mask; ``labels`` name them ("Tumour" where not given).

    Every mask lies on the grid of the images: slice ``n`` of a mask is drawn on image ``n``.
    """
    names = [*labels, *("Tumour",) * (len(masks) - len(labels))]
    segments = [
        SegmentDescription(
            number, name, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, "MANUAL"
        )
        for number, name in enumerate(names, start=1)
    ]  # fmt: skip
    pixels = np.stack([mask.bits for mask in masks], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Segmentation(
            list(images), pixels.astype(np.float32 if kind == "FRACTIONAL" else np.uint8), SegmentationTypeValues(kind),
            segments, derived_uid(seed, "series"), 900, derived_uid(seed, "instance"), 1, _MAKER, _MAKER, "1", "1",
            **options,
        )  # fmt: skip


def structure_set(
    masks: Sequence[Mask], images: Sequence[Dataset], *, names: Sequence[str] = (), seed: str = "structures"
) -> Dataset:
    """Return an RT structure set, one structure per mask: each slice's outlines halfway between voxel centres."""
    one = _header(images[0], seed)
    one.StructureSetROISequence, one.ROIContourSequence, one.RTROIObservationsSequence = [], [], []
    for number, mask in enumerate(masks, start=1):
        structure, contours, observed = Dataset(), Dataset(), Dataset()
        structure.ROINumber = contours.ReferencedROINumber = observed.ReferencedROINumber = number
        structure.ReferencedFrameOfReferenceUID = images[0].FrameOfReferenceUID
        structure.ROIName = names[number - 1] if number <= len(names) else "Tumour"
        structure.ROIGenerationAlgorithm = "MANUAL"
        observed.ObservationNumber, observed.RTROIInterpretedType, observed.ROIInterpreter = number, "", ""
        contours.ContourSequence = [_contour(*drawn) for drawn in _outlines(mask, images)]
        one.StructureSetROISequence.append(structure)
        one.ROIContourSequence.append(contours)
        one.RTROIObservationsSequence.append(observed)
    return one


def save(data_set: Dataset, path: Path) -> Path:
    """Write an object as a DICOM file and return where."""
    data_set.save_as(path, enforce_file_format=True)
    return path


def save_mask_file(mask: Mask, path: Path) -> Path:
    """Write a mask as NRRD or NIfTI, by the name's ending, and return where.

    The file counts slices, rows, columns in this order: its first axis is the slices.
    """
    image: Any = SimpleITK.GetImageFromArray(mask.bits.astype(np.uint8).transpose())
    axes = mask.grid.affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    image.SetSpacing([float(length) for length in lengths])
    image.SetOrigin([float(part) for part in mask.grid.affine[:3, 3]])
    image.SetDirection([float(part) for part in (axes / lengths).ravel()])
    SimpleITK.WriteImage(image, str(path), useCompression=True)
    return path


def _header(image: Dataset, seed: str) -> Dataset:
    one, meta = Dataset(), FileMetaDataset()
    for keyword in _COPIED:
        setattr(one, keyword, image.get(keyword, ""))
    one.SOPClassUID = meta.MediaStorageSOPClassUID = RTStructureSetStorage
    one.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = UID(derived_uid(seed, "instance"))
    one.SeriesInstanceUID = derived_uid(seed, "series")
    one.Modality, one.Manufacturer, one.SeriesNumber, one.InstanceNumber = "RTSTRUCT", _MAKER, 901, 1
    one.StructureSetLabel, one.StructureSetDate, one.StructureSetTime = "DRAWN", "20260116", "101500"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(derived_uid("workstation"))
    one.file_meta = meta
    return one


def _outlines(mask: Mask, images: Sequence[Dataset]) -> list[tuple[NDArray[np.float64], Dataset]]:
    """Return the corners (n, 3) in the patient's system of every outline, and the image it is drawn on."""
    drawn = []
    for index, plane in enumerate(mask.bits):
        for outline in find_contours(np.pad(plane, 1).astype(float), 0.5):  # type: ignore[no-untyped-call]
            corners = np.column_stack((np.full(len(outline), float(index)), outline - 1))[:-1]
            drawn.append((mask.grid.place(corners), images[index]))
    return drawn


def _contour(corners: NDArray[np.float64], image: Dataset) -> Dataset:
    contour, source = Dataset(), Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    contour.ContourImageSequence = [source]
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = len(corners)
    contour.ContourData = [f"{part:.7g}" for part in corners.ravel()]
    return contour
