"""What the frames of one stored image say of themselves (PS3.3 A.4, A.36): classic and enhanced objects alike."""

from __future__ import annotations

from collections.abc import Mapping

from shared.dicom.functional_groups import Described, Values, described
from shared.dicom.raw_values import (
    binary,
    day_seconds,
    decimal,
    decimals,
    moment,
    seconds_of_day,
    texts,
    whole,
)
from shared.domain.errors import InvalidInputError
from shared.imaging.dynamic import FrameHeader
from shared.imaging.volume import Frame

_IMAGE_TYPE, _FRAME_TYPE, _SOP_CLASS, _SOP_INSTANCE = 0x00080008, 0x00089007, 0x00080016, 0x00080018
_STUDY_DATE, _SERIES_DATE, _ACQUISITION_DATE, _CONTENT_DATE = 0x00080020, 0x00080021, 0x00080022, 0x00080023
_ACQUISITION_DATETIME, _ACQUISITION_TIME, _CONTENT_TIME = 0x0008002A, 0x00080032, 0x00080033
_MODALITY, _MANUFACTURER, _DESCRIPTION = 0x00080060, 0x00080070, 0x0008103E
_AGENT, _AGENT_SEQUENCE, _AGENT_MEANING, _ADMINISTERED = 0x00180010, 0x00180012, 0x00080104, 0x00189342
_SCANNING_SEQUENCE, _THICKNESS = 0x00180020, 0x00180050
_REPETITION, _ECHO, _EFFECTIVE_ECHO = 0x00180080, 0x00180081, 0x00189082
_FIELD, _BOLUS_START, _TRIGGER, _FLIP, _B_VALUE = 0x00180087, 0x00181042, 0x00181060, 0x00181314, 0x00189087
_FRAME_MOMENT, _FRAME_REFERENCE_MOMENT = 0x00189074, 0x00189151
_IMAGE_LATERALITY, _FRAME_LATERALITY = 0x00200062, 0x00209072
_SERIES, _SERIES_NUMBER, _ACQUISITION_NUMBER, _INSTANCE_NUMBER = 0x0020000E, 0x00200011, 0x00200012, 0x00200013
_POSITION, _ORIENTATION, _REFERENCE, _LATERALITY = 0x00200032, 0x00200037, 0x00200052, 0x00200060
_TEMPORAL, _TEMPORALS, _TEMPORAL_INDEX, _TEMPORAL_OFFSET = 0x00200100, 0x00200105, 0x00209128, 0x0020930D
_FRAME_ACQUISITION_NUMBER, _FRAME_DURATION, _DURATION = 0x00209156, 0x00189220, 0x00189073
_FRAMES, _ROWS, _COLUMNS, _SPACING = 0x00280008, 0x00280010, 0x00280011, 0x00280030
_SIEMENS_B, _GE_B, _PHILIPS_B, _PHILIPS_BEGIN = 0x0019100C, 0x00431039, 0x20011003, 0x200510A0
"""Private: diffusion b-value of three vendors, and the time at which Philips began a dynamic (FL, seconds)."""
_SEPARATE_DAY_S = 43200.0
_SIDES = (_FRAME_LATERALITY, _IMAGE_LATERALITY, _LATERALITY)
"""Of the frame, of the image, of the body part: whichever is stated, the nearest first."""
WANTED = frozenset(tag for name, tag in globals().items() if name.startswith("_") and isinstance(tag, int))


def frame_headers(view: memoryview, *, start: int, implicit: bool, blob_uri: str) -> tuple[FrameHeader, ...]:
    """Return one header per frame of the object whose data set begins at ``start``; none where it is no image.

    Raises:
        InvalidInputError: If it is not a data set, or names no instance.
    """
    found = described(view, start=start, implicit=implicit, wanted=WANTED)
    if not binary(found.plain.get(_ROWS, b""), "US"):
        return ()
    count = whole(found.plain.get(_FRAMES, b"1")) or 1
    if not 1 <= count <= max(len(found.frames), 1):
        if found.frames or count < 1:
            raise InvalidInputError("NumberOfFrames", "disagrees with the functional groups")
        count = 1  # frames that nothing places, such as a cine loop: one header says that it is of no use
    return tuple(_header(found, index, blob_uri) for index in range(count))


def _header(found: Described, index: int, blob_uri: str) -> FrameHeader:
    values = found.of(index)
    enhanced = bool(found.frames)
    if not _text(values, _SOP_INSTANCE) or not _text(values, _SERIES):
        raise InvalidInputError("SOPInstanceUID", "instance or series is not named")
    return FrameHeader(
        frame=Frame(_text(values, _SOP_INSTANCE), index + 1),
        series_instance_uid=_text(values, _SERIES),
        series_number=whole(values.get(_SERIES_NUMBER, b"")),
        sop_class_uid=_text(values, _SOP_CLASS),
        modality=_text(values, _MODALITY),
        blob_uri=blob_uri,
        rows=int(binary(values[_ROWS], "US") or 0),
        columns=int(binary(values.get(_COLUMNS, b""), "US") or 0),
        pixel_spacing=_pair(values, _SPACING),
        position=_triple(values, _POSITION),
        orientation=_six(values, _ORIENTATION),
        frame_of_reference_uid=_text(values, _REFERENCE),
        image_type=texts(values.get(_FRAME_TYPE, b"") or values.get(_IMAGE_TYPE, b"")),
        description=_text(values, _DESCRIPTION),
        scanning_sequence=texts(values.get(_SCANNING_SEQUENCE, b"")),
        contrast_agent=_agent(found, values),
        temporal_position=_temporal(values),
        temporal_positions=whole(values.get(_TEMPORALS, b"")),
        acquisition_number=whole(values.get(_FRAME_ACQUISITION_NUMBER if enhanced else _ACQUISITION_NUMBER, b"")),
        instance_number=index + 1 if enhanced else whole(values.get(_INSTANCE_NUMBER, b"")),
        **_times(found, values),
        repetition_ms=decimal(values.get(_REPETITION, b"")),
        echo_ms=_echo(values),
        flip_degrees=decimal(values.get(_FLIP, b"")),
        b_value=_b_value(values),
        field_tesla=decimal(values.get(_FIELD, b"")),
        manufacturer=values.get(_MANUFACTURER, b"").decode("latin-1").strip(" \0"),
        slice_thickness=decimal(values.get(_THICKNESS, b"")),
        laterality=next((text for one in _SIDES if (text := _text(values, one))), ""),
    )


def _text(values: Mapping[int, bytes], tag: int) -> str:
    return "\\".join(texts(values.get(tag, b"")))


def _pair(values: Values, tag: int) -> tuple[float, float] | None:
    numbers = decimals(values.get(tag, b""))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _triple(values: Values, tag: int) -> tuple[float, float, float] | None:
    numbers = decimals(values.get(tag, b""))
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None


def _six(values: Values, tag: int) -> tuple[float, float, float, float, float, float] | None:
    n = decimals(values.get(tag, b""))
    return (n[0], n[1], n[2], n[3], n[4], n[5]) if len(n) == 6 else None


def _agent(found: Described, values: Values) -> str:
    """Return the agent's name; none for a frame before it was given (Contrast/Bolus Usage, C.7.6.16.2.12)."""
    if _text(values, _ADMINISTERED) == "NO":
        return ""
    coded = found.nested.get((_AGENT_SEQUENCE, _AGENT_MEANING), b"")
    return _text(values, _AGENT) or "\\".join(texts(coded)) or ("YES" if _text(values, _ADMINISTERED) == "YES" else "")


def _temporal(values: Values) -> int | None:
    index = binary(values.get(_TEMPORAL_INDEX, b""), "UL")
    return int(index) if index is not None else whole(values.get(_TEMPORAL, b""))


def _echo(values: Values) -> float | None:
    effective = binary(values.get(_EFFECTIVE_ECHO, b""), "FD")
    return effective if effective is not None else decimal(values.get(_ECHO, b""))


def _b_value(values: Values) -> float | None:
    standard = binary(values.get(_B_VALUE, b""), "FD")
    if standard is not None:
        return standard
    maker = _text(values, _MANUFACTURER)
    if "SIEMENS" in maker:
        return decimal(values.get(_SIEMENS_B, b""))
    if "GE " in maker:
        coded = decimal(values.get(_GE_B, b""))
        return None if coded is None else coded % 1e9  # GE adds 10^9 to newer values
    return binary(values.get(_PHILIPS_B, b""), "FL") if "PHILIPS" in maker else None


def _times(found: Described, values: Values) -> dict[str, float | None]:
    """Return the times in seconds from a common zero, and the trigger time from the beginning of the series."""
    day = _day(values, _ACQUISITION_DATE, _SERIES_DATE, _STUDY_DATE, _CONTENT_DATE)
    acquired = moment(values.get(_FRAME_MOMENT, b"")) or moment(values.get(_FRAME_REFERENCE_MOMENT, b""))
    time = seconds_of_day(values.get(_ACQUISITION_TIME, b""))
    if acquired is None and time is not None:
        acquired = day + time
    if acquired is None:
        acquired = moment(values.get(_ACQUISITION_DATETIME, b""))
    made = seconds_of_day(values.get(_CONTENT_TIME, b""))
    made_day = _day(values, _CONTENT_DATE, _ACQUISITION_DATE, _SERIES_DATE, _STUDY_DATE)
    bolus = values.get(_BOLUS_START) or found.nested.get((_AGENT_SEQUENCE, _BOLUS_START), b"")
    return {
        "acquisition_seconds": acquired,
        "duration_seconds": _duration(found, values),
        "content_seconds": None if made is None or found.frames else made_day + made,
        "trigger_seconds": _trigger(values),
        "bolus_seconds": _bolus(seconds_of_day(bolus), acquired, day),
    }


def _duration(found: Described, values: Values) -> float | None:
    milliseconds = binary(values.get(_FRAME_DURATION, b""), "FD")
    if milliseconds is not None:
        return milliseconds / 1000.0
    return None if found.frames else binary(values.get(_DURATION, b""), "FD")


def _day(values: Values, *tags: int) -> float:
    days = (day_seconds(values.get(tag, b"")) for tag in tags)
    return next((one for one in days if one is not None), 0.0)


def _trigger(values: Values) -> float | None:
    offset = binary(values.get(_TEMPORAL_OFFSET, b""), "FD")
    if offset is not None:
        return offset
    milliseconds = decimal(values.get(_TRIGGER, b""))
    if milliseconds is not None:
        return milliseconds / 1000.0
    return binary(values.get(_PHILIPS_BEGIN, b""), "FL") if "PHILIPS" in _text(values, _MANUFACTURER) else None


def _bolus(time: float | None, acquired: float | None, day: float) -> float | None:
    """Return the start of the injection on the day that lies nearest the acquisition: it states no date."""
    if time is None:
        return None
    if acquired is None:
        return day + time
    at = acquired - acquired % 86400.0 + time
    if at - acquired > _SEPARATE_DAY_S:
        return at - 86400.0
    return at + 86400.0 if acquired - at > _SEPARATE_DAY_S else at
