"""What the properties of a slide file say of its resolution, objective and scanner; nothing is believed here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from shared.domain.slides import ResolutionSource, Scanner
from shared.slides.port import StatedResolution

Properties = Mapping[str, object]

_VENDOR_KEYS = (
    ("aperio.MPP", "aperio.MPP", 1.0),
    ("ventana.ScanRes", "ventana.ScanRes", 1.0),
    (
        "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_X",
        "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_Y",
        1.0,
    ),
    ("hamamatsu.XResolution", "hamamatsu.YResolution", 1.0),
    ("philips.DICOM_PIXEL_SPACING", "philips.DICOM_PIXEL_SPACING", 1000.0),
)
"""Keys of x and y, and what makes micrometres of their values (OpenSlide's pages on the formats)."""
_UNITS = {"inch": 25400.0, "centimeter": 10000.0, "millimeter": 1000.0, "micrometer": 1.0}
"""Micrometres (TIFF 6.0, ResolutionUnit; tifffile's names for the last two)."""
_PHYSICAL_SIZE = re.compile(r'PhysicalSize([XY](?:Unit)?)="([^"]{1,32})"')
_OME_UNITS = {"": 1.0, "µm": 1.0, "um": 1.0, "&#181;m": 1.0, "&#xB5;m": 1.0, "nm": 0.001, "mm": 1000.0}
_OME_BEGINS = 2000
_PRINT_DEFAULTS = (1, 72, 75, 96, 100, 150, 200, 300, 600)
"""Dots per inch that software writes where it knows nothing; they say how large to print, not what was scanned."""
_TIFF_IS_THE_SCAN = ("", "generic-tiff", "hamamatsu", "leica", "ome", "aperio")
"""Vendors whose first TIFF directory is level 0; elsewhere its resolution may be a label's."""
_SCANNERS = (
    ("dicom.Manufacturer", "dicom.ManufacturerModelName"),
    ("philips.DICOM_MANUFACTURER", "philips.DICOM_MANUFACTURERS_MODEL_NAME"),
    ("", "aperio.ScannerType"),
    ("", "aperio.ScanScope ID"),
    ("", "hamamatsu.Product"),
    ("", "leica.device-model"),
    ("", "ventana.ScannerModel"),
    ("", "mirax.GENERAL.SLIDE_SCANNER_TYPE"),
    ("tiff.Make", "tiff.Model"),
)


def stated_resolutions(properties: Properties, vendor: str, prefix: str = "openslide") -> tuple[StatedResolution, ...]:
    """Return every statement of micrometres per pixel, the scanner's own first; ``prefix`` is the reader's own."""
    found: list[StatedResolution | None] = []
    for x_key, y_key, factor in _VENDOR_KEYS:
        x, y = _pair(properties.get(x_key), properties.get(y_key))
        found.append(_stated(x * factor, y * factor, ResolutionSource.VENDOR, x_key))
    found += [_ome(properties), _dicom_spacing(properties), _dicom_volume(properties)]
    if vendor in _TIFF_IS_THE_SCAN:
        found.append(_tiff(properties))
    known = [one for one in found if one is not None]
    return tuple(known) or _readers_own(properties, vendor, prefix)


def objective_power(properties: Properties, prefix: str = "openslide") -> float | None:
    """Return the magnification of the objective; None where the file does not state a positive one."""
    power = _number(properties.get(f"{prefix}.objective-power"))
    return power if power > 0 else None


def scanner(properties: Properties, vendor: str) -> Scanner:
    """Return the scanner; the vendor's name stands in for a manufacturer that is not named."""
    for maker_key, model_key in _SCANNERS:
        maker, model = _text(properties.get(maker_key)), _text(properties.get(model_key))
        if maker or model:
            return Scanner(maker or vendor, model)
    return Scanner("" if vendor in {"", "generic-tiff", "dicom"} else vendor)


def _readers_own(properties: Properties, vendor: str, prefix: str) -> tuple[StatedResolution, ...]:
    """Return what the reader found by means of its own: formats whose keys are not listed here."""
    key = f"{prefix}.mpp-x"
    x, y = _number(properties.get(key)), _number(properties.get(f"{prefix}.mpp-y"))
    if _is_print_default(properties):
        return ()  # which the reader took at its word
    one = _stated(x, y, ResolutionSource.DICOM if vendor == "dicom" else ResolutionSource.VENDOR, key)
    return () if one is None else (one,)


def _tiff(properties: Properties) -> StatedResolution | None:
    unit = _UNITS.get(_text(properties.get("tiff.ResolutionUnit")).lower(), math.nan)
    across, down = _number(properties.get("tiff.XResolution")), _number(properties.get("tiff.YResolution"))
    if not across > 0 or not down > 0 or _is_print_default(properties):
        return None
    return _stated(unit / across, unit / down, ResolutionSource.TIFF, "XResolution")


def _is_print_default(properties: Properties) -> bool:
    unit = _UNITS.get(_text(properties.get("tiff.ResolutionUnit")).lower(), math.nan)
    dots = _number(properties.get("tiff.XResolution")) * _UNITS["inch"] / unit
    return any(abs(dots - one) < 0.01 * one for one in _PRINT_DEFAULTS)


def _ome(properties: Properties) -> StatedResolution | None:
    """PhysicalSizeX and PhysicalSizeY of the first image of OME-XML, micrometres unless they name another unit."""
    text = str(properties.get("tiff.ImageDescription") or properties.get("openslide.comment") or "")
    if "<OME" not in text[:_OME_BEGINS]:
        return None
    found = dict(reversed(_PHYSICAL_SIZE.findall(text)))
    factors = [_OME_UNITS.get(found.get(f"{axis}Unit", ""), math.nan) for axis in "XY"]
    x, y = _number(found.get("X")) * factors[0], _number(found.get("Y")) * factors[1]
    return _stated(x, y, ResolutionSource.VENDOR, "PhysicalSizeX")


def _dicom_spacing(properties: Properties) -> StatedResolution | None:
    """Pixel Spacing (0028,0030): row spacing (y), then column spacing (x), in millimetres."""
    key = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
    y, x = _number(properties.get(f"{key}[0]")), _number(properties.get(f"{key}[1]"))
    return _stated(x * 1000, y * 1000, ResolutionSource.DICOM, "PixelSpacing")


def _dicom_volume(properties: Properties) -> StatedResolution | None:
    """Imaged Volume Width and Height (0048,0001), (0048,0002), in millimetres, over the matrix's pixels."""
    x, y = (
        _number(properties.get(f"dicom.ImagedVolume{side}"))
        * 1000
        / (_number(properties.get(f"dicom.TotalPixelMatrix{count}")) or math.nan)
        for side, count in (("Width", "Columns"), ("Height", "Rows"))
    )
    return _stated(x, y, ResolutionSource.DICOM, "ImagedVolumeWidth")


def _pair(x: object, y: object) -> tuple[float, float]:
    """Return two numbers; Philips writes both, quoted, into one value, row spacing first."""
    parts = _text(x).replace('"', " ").split()
    if len(parts) > 1:
        return _number(parts[1]), _number(parts[0])
    return _number(x), _number(y)


def _stated(x: float, y: float, source: ResolutionSource, key: str) -> StatedResolution | None:
    """Return the statement; zero, negative and infinite ones state nothing."""
    usable = math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0
    return StatedResolution(x, y, source, key) if usable else None


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()[:64]
