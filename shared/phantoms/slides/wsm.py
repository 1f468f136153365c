"""A slide as DICOM VL Whole Slide Microscopy Images (PS3.3 A.32.8): one instance per level, TILED_FULL, JPEG baseline.

The writer is the phantoms' own: encoded tiles are shared with the TIFF, and the libraries that read are the judges.
"""

from __future__ import annotations

from collections.abc import Iterable

from highdicom.content import SpecimenDescription, SpecimenPreparationStep, SpecimenStaining
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import JPEGBaseline8Bit, VLWholeSlideMicroscopyImageStorage

from shared.phantoms.modules import coded, date_and_time, decimals, derived_uid, describe_patient, file_meta
from shared.phantoms.slides.glass import Glass
from shared.phantoms.slides.optics import SRGB_PROFILE, Scanner
from shared.phantoms.slides.pyramid import TILE, Level

_BESIDE_UM = 40.0
"""Micrometres per pixel of a scanner's second camera."""
_BRIGHTFIELD = Code("111744", "DCM", "Brightfield illumination")
_MICROSCOPE_SLIDE = Code("433466003", "SCT", "Microscope slide")
_STAINS = {
    "haematoxylin": Code("12710003", "SCT", "hematoxylin stain"),
    "eosin": Code("36879007", "SCT", "water soluble eosin stain"),
}


def slide_objects(levels: Iterable[Level], scanner: Scanner, glass: Glass) -> tuple[Dataset, ...]:
    """Return one instance per level, widest first; all in one series and one frame of reference."""
    found: list[Dataset] = []
    for number, level in enumerate(levels, start=1):
        microns = scanner.microns_per_pixel * (found[0].TotalPixelMatrixColumns / level.width if found else 1.0)
        found.append(_instance(number, level, microns, scanner, glass))
    return tuple(found)


def beside_object(kind: str, picture: Level, scanner: Scanner, glass: Glass) -> Dataset:
    """Return a picture beside the pyramid in a series of its own, as scanners send them.

    Args:
        kind: ``LABEL``, ``OVERVIEW`` or ``THUMBNAIL``: value 3 of Image Type (PS3.3 C.8.12.4.1.1).
        picture: One encoded level.
        scanner: Which made it.
        glass: Whose it is.
    """
    one = _instance(1, picture, _BESIDE_UM, scanner, glass)
    one.SeriesInstanceUID = derived_uid(glass.seed, "beside", kind)
    one.SOPInstanceUID = derived_uid(glass.seed, "beside", kind, 1)
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    one.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    groups = one.SharedFunctionalGroupsSequence[0]
    groups.WholeSlideMicroscopyImageFrameTypeSequence[0].FrameType = one.ImageType
    one.SpecimenLabelInImage = one.BurnedInAnnotation = "NO" if kind == "THUMBNAIL" else "YES"
    return one


def _instance(number: int, level: Level, microns: float, scanner: Scanner, glass: Glass) -> Dataset:
    one = Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    one.SOPInstanceUID = derived_uid(glass.seed, "slide", number)
    one.InstanceNumber = number
    _whose(one, glass)
    _machine(one, scanner)
    _matrix(one, level, microns)
    _frames(one, level)
    one.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"] if number == 1 else [
        "DERIVED", "PRIMARY", "VOLUME", "RESAMPLED",
    ]  # fmt: skip
    one.SharedFunctionalGroupsSequence = Sequence([_shared_groups(one, microns)])
    one.OpticalPathSequence = Sequence([_optical_path(scanner)])
    _container(one, glass)
    one.file_meta = file_meta(one, JPEGBaseline8Bit)
    return one


def _whose(one: Dataset, glass: Glass) -> None:
    """Patient, General Study, General Series, Frame of Reference (PS3.3 C.7.1 to C.7.4)."""
    describe_patient(one, glass.patient)
    one.StudyInstanceUID, one.SeriesInstanceUID = glass.study_uid, glass.series_uid
    one.StudyDate, one.StudyTime = one.SeriesDate, one.SeriesTime = date_and_time(glass.scanned)
    one.ContentDate, one.ContentTime = date_and_time(glass.scanned)
    one.AcquisitionDateTime = glass.scanned.strftime("%Y%m%d%H%M%S")
    one.StudyID, one.SeriesNumber = "1", 1
    one.AccessionNumber, one.ReferringPhysicianName = glass.accession, ""
    one.StudyDescription = one.SeriesDescription = "SIMULATED SLIDE"
    one.Modality = "SM"
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = glass.frame_of_reference_uid, "SLIDE_CORNER"
    one.PyramidUID = derived_uid(glass.seed, "pyramid")
    one.AcquisitionContextSequence = Sequence([])


def _machine(one: Dataset, scanner: Scanner) -> None:
    one.Manufacturer, one.ManufacturerModelName = scanner.manufacturer, scanner.model
    one.DeviceSerialNumber, one.SoftwareVersions = "0", "1"


def _matrix(one: Dataset, level: Level, microns: float) -> None:
    """Whole Slide Microscopy Image and Multi-frame Dimension modules (PS3.3 C.8.12.4, C.7.6.17)."""
    one.TotalPixelMatrixColumns, one.TotalPixelMatrixRows = level.width, level.height
    one.TotalPixelMatrixFocalPlanes = 1
    one.ImagedVolumeWidth, one.ImagedVolumeHeight = level.width * microns / 1000, level.height * microns / 1000
    one.ImagedVolumeDepth = 4.0
    origin = Dataset()
    # The tissue lies below the label: x to the long side, y to the short one (PS3.3 C.8.12.2.1).
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = "20", "40"
    one.TotalPixelMatrixOriginSequence = Sequence([origin])
    one.ImageOrientationSlide = decimals(0, -1, 0, -1, 0, 0)
    one.VolumetricProperties = "VOLUME"
    one.SpecimenLabelInImage = one.BurnedInAnnotation = one.ExtendedDepthOfField = "NO"
    one.FocusMethod = "AUTO"
    organisation = Dataset()
    organisation.DimensionOrganizationUID = derived_uid(one.SeriesInstanceUID, "dimensions")
    one.DimensionOrganizationSequence = Sequence([organisation])
    one.DimensionOrganizationType = "TILED_FULL"
    one.NumberOfOpticalPaths = 1


def _frames(one: Dataset, level: Level) -> None:
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PlanarConfiguration = 3, "YBR_FULL_422", 0
    one.Rows = one.Columns = TILE
    one.NumberOfFrames = len(level.tiles)
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
    one.LossyImageCompression, one.LossyImageCompressionMethod = "01", "ISO_10918_1"
    ratio = 3 * TILE * TILE * len(level.tiles) / sum(len(tile) for tile in level.tiles)
    one.LossyImageCompressionRatio = f"{ratio:.4g}"
    one.PixelData = encapsulate(list(level.tiles))
    one["PixelData"].is_undefined_length = True
    one["PixelData"].VR = "OB"


def _shared_groups(one: Dataset, microns: float) -> Dataset:
    measures, frame_type, path, groups = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = decimals(microns / 1000, microns / 1000)
    measures.SliceThickness = "0.004"
    frame_type.FrameType = one.ImageType
    path.OpticalPathIdentifier = "1"
    groups.PixelMeasuresSequence = Sequence([measures])
    groups.WholeSlideMicroscopyImageFrameTypeSequence = Sequence([frame_type])
    groups.OpticalPathIdentificationSequence = Sequence([path])
    return groups


def _optical_path(scanner: Scanner) -> Dataset:
    path = Dataset()
    path.OpticalPathIdentifier = "1"
    path.IlluminationTypeCodeSequence = Sequence([coded(_BRIGHTFIELD)])
    path.IlluminationColorCodeSequence = Sequence([coded(codes.SCT.FullSpectrum)])
    path.ICCProfile = scanner.profile or SRGB_PROFILE
    path.ObjectiveLensPower = str(scanner.objective_power)
    return path


def _container(one: Dataset, glass: Glass) -> None:
    """Specimen module (PS3.3 C.7.6.22)."""
    one.ContainerIdentifier = glass.container
    one.IssuerOfTheContainerIdentifierSequence = Sequence([])
    one.ContainerTypeCodeSequence = Sequence([coded(_MICROSCOPE_SLIDE)])
    stains = ["diaminobenzidine"] if glass.immunohistochemistry else [_STAINS["eosin"]]
    staining = SpecimenPreparationStep(
        glass.specimen, processing_procedure=SpecimenStaining([_STAINS["haematoxylin"], *stains])
    )
    where = codes.SCT.Breast if glass.breast else Code("59441001", "SCT", "Lymph node")
    described = SpecimenDescription(
        specimen_id=glass.specimen,
        specimen_uid=derived_uid(glass.seed, glass.specimen),
        specimen_preparation_steps=[staining],
        primary_anatomic_structures=[where],
    )
    described.SpecimenShortDescription = f"Block {glass.block}"
    one.SpecimenDescriptionSequence = Sequence([described])
