"""What vendors' keys say is brought to micrometres; what says nothing about the scan is no statement."""

from __future__ import annotations

import pytest

from shared.domain.slides import ResolutionSource, Scanner
from shared.slides.statements import objective_power, scanner, stated_resolutions

SPACING = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
CM = {"tiff.XResolution": "40000", "tiff.YResolution": "40000", "tiff.ResolutionUnit": "centimeter"}
INCH = {"tiff.XResolution": "101600", "tiff.YResolution": "101600", "tiff.ResolutionUnit": "inch"}
OME = (
    '<?xml version="1.0"?><OME><Image><Pixels PhysicalSizeX="0.25" PhysicalSizeXUnit="µm" PhysicalSizeY="250"'
    ' PhysicalSizeYUnit="nm"/></Image><Image><Pixels PhysicalSizeX="8" PhysicalSizeY="8"/></Image></OME>'
)
KEYS: dict[str, tuple[str, dict[str, object]]] = {
    "aperio": ("aperio", {"aperio.MPP": "0.25", "openslide.mpp-x": "0.25", "openslide.mpp-y": "0.25"}),
    "ventana": ("ventana", {"ventana.ScanRes": "0.25"}),
    "philips": ("philips", {"philips.DICOM_PIXEL_SPACING": '"0.00025" "0.00025"'}),
    "mirax": (
        "mirax",
        {
            "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_X": "0.25",
            "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_Y": "0.25",
        },
    ),
    "ndpi": ("hamamatsu", {**CM}),
    "inches": ("generic-tiff", {**INCH}),
    "dicom": ("dicom", {f"{SPACING}[0]": "0.00025", f"{SPACING}[1]": "0.00025"}),
    "volume": (
        "dicom",
        {
            "dicom.ImagedVolumeWidth": "25", "dicom.TotalPixelMatrixColumns": "100000",
            "dicom.ImagedVolumeHeight": "12.5", "dicom.TotalPixelMatrixRows": "50000",
        },
    ),
    "ome": ("generic-tiff", {"tiff.ImageDescription": OME}),
    "a reader's own": ("sakura", {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.25"}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_every_way_to_say_a_quarter_of_a_micrometre(name: str) -> None:
    vendor, properties = KEYS[name]
    (found,) = stated_resolutions(properties, vendor)
    assert (found.x, found.y) == pytest.approx((0.25, 0.25))


@pytest.mark.parametrize("prefix", ["openslide", "tiffslide"])
@pytest.mark.parametrize("dots", [72, 96, 300])
def test_a_print_default_is_no_statement_though_the_reader_takes_it_for_one(dots: int, prefix: str) -> None:
    properties = {
        "tiff.XResolution": dots, "tiff.YResolution": dots, "tiff.ResolutionUnit": "inch",
        f"{prefix}.mpp-x": 25400 / dots, f"{prefix}.mpp-y": 25400 / dots,
    }  # fmt: skip
    assert stated_resolutions(properties, "generic-tiff", prefix) == ()


def test_tiff_tags_that_contradict_the_scanners_key_are_both_stated() -> None:
    found = stated_resolutions({"aperio.MPP": 0.5, **CM}, "aperio")
    assert [(one.source, one.x) for one in found] == [
        (ResolutionSource.VENDOR, 0.5), (ResolutionSource.TIFF, pytest.approx(0.25)),
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "a quarter", "", None])
def test_values_that_say_nothing_are_no_statement(value: object) -> None:
    assert stated_resolutions({"aperio.MPP": value}, "aperio") == ()
    assert objective_power({"openslide.objective-power": value}) in {None, float("inf")}


def test_the_row_spacing_of_dicom_is_down_and_comes_first() -> None:
    (found,) = stated_resolutions({f"{SPACING}[0]": "0.0003", f"{SPACING}[1]": "0.0002"}, "dicom")
    assert (found.x, found.y) == pytest.approx((0.2, 0.3))


def test_a_scanner_is_named_as_the_file_names_it() -> None:
    assert scanner({"tiff.Make": "Maker", "tiff.Model": "One"}, "generic-tiff") == Scanner("Maker", "One")
    assert scanner({"aperio.ScanScope ID": "SS1"}, "aperio") == Scanner("aperio", "SS1")
    assert scanner({}, "hamamatsu") == Scanner("hamamatsu", "")
    assert scanner({}, "generic-tiff") == Scanner()
