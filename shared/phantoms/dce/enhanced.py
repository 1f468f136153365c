"""All phases in one Enhanced MR Image (PS3.3 A.36): functional groups, a dimension for time and one for place."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import EnhancedMRImageStorage

from shared.imaging.volume import Grid
from shared.phantoms.dce.attributes import SeriesLabel, StudyLabel, breast_code, described
from shared.phantoms.dce.patient import SimulatedStudy
from shared.phantoms.dce.scanners import Scanner
from shared.phantoms.modules import coded, date_and_time, derived_uid
from shared.phantoms.modules import decimals as ds

_TIME, _PLACE = 0x00209128, 0x00209057
"""Temporal Position Index, In-Stack Position Number."""
_FRAME_CONTENT = 0x00209111


def enhanced_object(study: SimulatedStudy, label: StudyLabel, series_number: int = 3) -> Dataset:
    """Return the whole dynamic series as one object: frames ordered by time, then from feet to head."""
    scanner = study.scanner
    began = label.at(scanner.phase_seconds[0] - scanner.phase_duration / 2)
    series = SeriesLabel(series_number, "SIMULATED dynamic", began)
    one = described(label, series, scanner, EnhancedMRImageStorage, "enhanced")
    del one.Laterality  # the frames say it: Frame Laterality
    _image(one, series, scanner)
    _dimensions(one, label)
    _contrast(one, label)
    one.SharedFunctionalGroupsSequence = Sequence([_shared(study, label)])
    one.PerFrameFunctionalGroupsSequence = Sequence(_frames(study, label))
    _pixels(one, study)
    return one


def _image(one: Dataset, series: SeriesLabel, scanner: Scanner) -> None:
    """Enhanced MR Image and MR Pulse Sequence modules (PS3.3 C.8.13.1, C.8.13.4)."""
    one.ImageType = ["ORIGINAL", "PRIMARY", "DYNAMIC", "NONE"]
    one.InstanceNumber = 1
    one.ContentDate, one.ContentTime = date_and_time(series.began)
    one.AcquisitionDateTime = series.began.strftime("%Y%m%d%H%M%S.%f")
    one.AcquisitionNumber = 1
    one.AcquisitionDuration = float(scanner.phase_duration * len(scanner.phase_seconds))
    _described_image(one)
    one.ContentQualification = "RESEARCH"
    one.ResonantNucleus = "1H"
    one.KSpaceFiltering = "NONE"
    one.ApplicableSafetyStandardAgency = "IEC"
    one.BurnedInAnnotation = "NO"
    one.LossyImageCompression = "00"
    one.PresentationLUTShape = "IDENTITY"
    one.PulseSequenceName = "SIMULATED"
    one.MRAcquisitionType = "3D"
    one.EchoPulseSequence = "GRADIENT"
    one.MultiPlanarExcitation = "NO"
    one.PhaseContrast = "NO"
    one.TimeOfFlightContrast = "NO"
    one.SteadyStatePulseSequence = "NONE"
    one.EchoPlanarPulseSequence = "NO"
    one.SaturationRecovery = "NO"
    one.SpectrallySelectedSuppression = "FAT" if scanner.fat_suppressed else "NONE"
    one.OversamplingPhase = "NONE"
    one.GeometryOfKSpaceTraversal = "RECTILINEAR"
    one.RectilinearPhaseEncodeReordering = "LINEAR"
    one.SegmentedKSpaceTraversal = "SINGLE"
    one.CoverageOfKSpace = "FULL"
    one.NumberOfKSpaceTrajectories = 1
    one.AcquisitionContextSequence = Sequence([])


def _described_image(one: Dataset) -> None:
    """Common MR Image description (PS3.3 table C.8-85), for the object and for each frame."""
    one.PixelPresentation = "MONOCHROME"
    one.VolumetricProperties = "VOLUME"
    one.VolumeBasedCalculationTechnique = "NONE"
    one.ComplexImageComponent = "MAGNITUDE"
    one.AcquisitionContrast = "T1"


def _dimensions(one: Dataset, label: StudyLabel) -> None:
    """Multi-frame Dimension module (PS3.3 C.7.6.17): time, then place."""
    uid = derived_uid(label.seed, "dimensions")
    organization = Dataset()
    organization.DimensionOrganizationUID = uid
    one.DimensionOrganizationSequence = Sequence([organization])
    one.DimensionIndexSequence = Sequence([_dimension(uid, _TIME), _dimension(uid, _PLACE)])
    one.DimensionOrganizationType = "3D_TEMPORAL"


def _dimension(uid: str, pointer: int) -> Dataset:
    one = Dataset()
    one.DimensionOrganizationUID = uid
    one.DimensionIndexPointer = pointer
    one.FunctionalGroupPointer = _FRAME_CONTENT
    return one


def _contrast(one: Dataset, label: StudyLabel) -> None:
    """Enhanced Contrast/Bolus module (PS3.3 C.7.6.4b)."""
    agent = coded(codes.SCT.Gadobutrol)
    agent.ContrastBolusAgentNumber = 1
    agent.ContrastBolusIngredientCodeSequence = Sequence([coded(codes.SCT.Gadobutrol)])
    agent.ContrastBolusAdministrationRouteSequence = Sequence([coded(codes.SCT.IntravenousRoute)])
    agent.ContrastBolusVolume = "14"
    agent.ContrastBolusIngredientConcentration = 0.5
    profile = Dataset()
    profile.ContrastBolusVolume = "14"
    profile.ContrastBolusStartTime = label.injected.strftime("%H%M%S.%f")
    agent.ContrastAdministrationProfileSequence = Sequence([profile])
    one.ContrastBolusAgentSequence = Sequence([agent])


def _shared(study: SimulatedStudy, label: StudyLabel) -> Dataset:
    """Return what all frames share."""
    grid, scanner = study.mask.grid, study.scanner
    one = Dataset()
    one.PixelMeasuresSequence = Sequence([_measures(grid)])
    plane = Dataset()
    plane.ImageOrientationPatient = ds(1, 0, 0, 0, 1, 0)
    one.PlaneOrientationSequence = Sequence([plane])
    one.FrameAnatomySequence = Sequence([_anatomy(label)])
    one.PixelValueTransformationSequence = Sequence([_identity()])
    one.MRImageFrameTypeSequence = Sequence([_frame_type()])
    _acquisition(one, scanner, grid)
    return one


def _measures(grid: Grid) -> Dataset:
    one = Dataset()
    one.PixelSpacing = ds(grid.spacing.rows, grid.spacing.columns)
    (one.SliceThickness,) = (one.SpacingBetweenSlices,) = (ds(grid.spacing.slices)[0],)
    return one


def _anatomy(label: StudyLabel) -> Dataset:
    one = Dataset()
    one.AnatomicRegionSequence = breast_code()
    one.FrameLaterality = {"left": "L", "right": "R"}.get(str(label.side), "B")
    return one


def _identity() -> Dataset:
    one = Dataset()
    one.RescaleIntercept, one.RescaleSlope, one.RescaleType = "0", "1", "US"
    return one


def _frame_type() -> Dataset:
    one = Dataset()
    one.FrameType = ["ORIGINAL", "PRIMARY", "DYNAMIC", "NONE"]
    _described_image(one)
    return one


def _acquisition(one: Dataset, scanner: Scanner, grid: Grid) -> None:
    """Functional groups an ORIGINAL frame must have (PS3.3 table A.36-2)."""
    for name, content in _groups(scanner, grid).items():
        item = Dataset()
        for keyword, value in content.items():
            setattr(item, keyword, value)
        setattr(one, name, Sequence([item]))


def _groups(scanner: Scanner, grid: Grid) -> dict[str, dict[str, object]]:
    rows, columns = grid.shape[1:]
    timing: dict[str, object] = {
        "RepetitionTime": f"{scanner.echo.repetition_ms:g}", "FlipAngle": f"{scanner.echo.flip_degrees:g}",
        "EchoTrainLength": "1", "RFEchoTrainLength": 0, "GradientEchoTrainLength": 1,
    }  # fmt: skip
    absorbed, mode = Dataset(), Dataset()
    absorbed.SpecificAbsorptionRateDefinition, absorbed.SpecificAbsorptionRateValue = "IEC_WHOLE_BODY", 1.0
    mode.OperatingModeType, mode.OperatingMode = "STATIC FIELD", "IEC_NORMAL"
    timing |= {"SpecificAbsorptionRateSequence": Sequence([absorbed]), "OperatingModeSequence": Sequence([mode])}
    return {
        "MRTimingAndRelatedParametersSequence": timing,
        "MRFOVGeometrySequence": {
            "InPlanePhaseEncodingDirection": "COLUMN", "MRAcquisitionFrequencyEncodingSteps": columns,
            "MRAcquisitionPhaseEncodingStepsInPlane": rows, "MRAcquisitionPhaseEncodingStepsOutOfPlane": grid.shape[0],
            "PercentSampling": "100", "PercentPhaseFieldOfView": "100",
        },
        "MREchoSequence": {"EffectiveEchoTime": 2.0},
        "MRModifierSequence": {
            "InversionRecovery": "NO", "FlowCompensation": "NONE", "Spoiling": "RF", "T2Preparation": "NO",
            "SpectrallySelectedExcitation": "NONE", "SpatialPresaturation": "NONE", "PartialFourier": "NO",
            "ParallelAcquisition": "NO",
        },
        "MRImagingModifierSequence": {
            "MagnetizationTransfer": "NONE", "BloodSignalNulling": "NO", "Tagging": "NONE",
            "TransmitterFrequency": 42.577 * scanner.field_tesla, "PixelBandwidth": "400",
        },
        "MRReceiveCoilSequence": {
            "ReceiveCoilName": "BREAST", "ReceiveCoilManufacturerName": "", "ReceiveCoilType": "SURFACE",
            "QuadratureReceiveCoil": "YES",
        },
        "MRTransmitCoilSequence": {
            "TransmitCoilName": "BODY", "TransmitCoilManufacturerName": "", "TransmitCoilType": "BODY",
        },
        "MRAveragesSequence": {"NumberOfAverages": "1"},
    }  # fmt: skip


def _frames(study: SimulatedStudy, label: StudyLabel) -> list[Dataset]:
    slices = study.mask.grid.shape[0]
    return [_frame(study, label, phase, index) for phase in range(len(study.phases)) for index in range(slices)]


def _frame(study: SimulatedStudy, label: StudyLabel, phase: int, index: int) -> Dataset:
    scanner = study.scanner
    began = scanner.phase_seconds[phase] - scanner.phase_duration / 2
    content = Dataset()
    content.StackID, content.InStackPositionNumber = "1", index + 1
    content.TemporalPositionIndex = phase + 1
    content.DimensionIndexValues = [phase + 1, index + 1]
    content.FrameAcquisitionNumber = phase + 1
    content.FrameAcquisitionDateTime = label.at(began).strftime("%Y%m%d%H%M%S.%f")
    content.FrameReferenceDateTime = label.at(scanner.phase_seconds[phase]).strftime("%Y%m%d%H%M%S.%f")
    content.FrameAcquisitionDuration = float(scanner.phase_duration * 1000)
    place = Dataset()
    origin = study.mask.grid.place(np.array([float(index), 0.0, 0.0]))
    place.ImagePositionPatient = ds(*(float(v) for v in origin))
    time = Dataset()
    time.TemporalPositionTimeOffset = float(scanner.phase_seconds[phase] - scanner.phase_seconds[0])
    one = Dataset()
    one.FrameContentSequence = Sequence([content])
    one.PlanePositionSequence = Sequence([place])
    one.TemporalPositionSequence = Sequence([time])
    one.ContrastBolusUsageSequence = Sequence([_usage(given=began >= 0)])
    return one


def _usage(*, given: bool) -> Dataset:
    one = Dataset()
    one.ContrastBolusAgentNumber = 1
    one.ContrastBolusAgentAdministered = "YES" if given else "NO"
    one.ContrastBolusAgentDetected = "YES" if given else "NO"
    return one


def _pixels(one: Dataset, study: SimulatedStudy) -> None:
    grid = study.mask.grid
    one.SamplesPerPixel = 1
    one.PhotometricInterpretation = "MONOCHROME2"
    one.Rows, one.Columns = grid.shape[1:]
    one.NumberOfFrames = grid.shape[0] * len(study.phases)
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.add_new(0x7FE00010, "OW", b"".join(phase.voxels.astype("<u2").tobytes() for phase in study.phases))
