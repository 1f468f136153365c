"""A simulated study in every vendor's form: read, measured, rendered, and read again by the reader of regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from services.results.deliver.adapters.slice_pixels import LIMITS, SlicePixels
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats import secondary_capture
from services.results.deliver.formats.colours import OUTLINE
from services.results.deliver.formats.parts import CLASSES, parts
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.dicom.breast_mri import read_breast_images
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import PatientIdentity, Side
from shared.domain.images import Artefact, ArtefactKind, AutomaticRegion, RegionOrigin
from shared.domain.study import Instance
from shared.imaging.artefacts import encode_heatmap, encode_region
from shared.imaging.crops import crop_grid
from shared.imaging.heat import heat_volume
from shared.imaging.region import BreastImages
from shared.jail.jail import Jail
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import make_patient
from shared.phantoms.dce.scanners import Storing, small_scanner
from shared.phantoms.dce.storing import full_study
from shared.phantoms.dce.tumour import Lesion
from shared.phantoms.dce.writing import write_objects
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings, answer
from tests.imaged import basis, measured

ALL = tuple(CLASSES)


@dataclass(frozen=True)
class Simulated:
    """A study on disk, what was read of it, and a finding about it."""

    objects: list[StoredObject]
    images: BreastImages
    finding: Finding

    def read(self, *more: Path, device_uid: str = "") -> BreastImages:
        found = read_breast_images(
            [*self.objects, *(StoredObject(path) for path in more)], automatic=AutomaticRegion.USE, confirmed=None,
            side=Side.LEFT, device_uid=device_uid,
        )  # fmt: skip
        assert isinstance(found, BreastImages)
        return found


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail((FRAME_PIXELS,), LIMITS)
    yield jail
    jail.close()


@pytest.fixture(params=list(Storing))
def simulated(request: pytest.FixtureRequest, tmp_path: Path, blobs: LocalBlobs) -> Simulated:
    study = make_patient(np.random.default_rng(3), small_scanner(request.param, (16, 48, 48)), Lesion(0.5, 24.0))
    paths = write_objects(full_study(study, StudyLabel("out", side=Side.LEFT)), tmp_path / "study")
    objects = [StoredObject(path) for path in paths]
    images = read_breast_images(objects, automatic=AutomaticRegion.USE, confirmed=None, side=Side.LEFT)
    assert isinstance(images, BreastImages)
    return Simulated(objects, images, _finding(paths, images, blobs))


def _finding(paths: list[Path] | tuple[Path, ...], images: BreastImages, blobs: LocalBlobs) -> Finding:
    rows, first = [], dcmread(paths[0], stop_before_pixels=True)
    for path in paths:
        one = dcmread(path, stop_before_pixels=True)
        uri, digest = blobs.put(path.read_bytes())
        rows.append(
            Instance(one.SOPInstanceUID, one.SOPClassUID, one.SeriesInstanceUID, one.Modality, digest, "0" * 64, uri)
        )
    mask = images.region.mask
    heat = np.zeros((8, 8, 8), np.float32)
    heat[5, 2, 6], heat[4, 3, 5] = 1.0, 0.6
    heatmap = heat_volume(heat, crop_grid(mask, (64, 64, 64), 0.3))
    artefacts = (
        Artefact(ArtefactKind.REGION, *blobs.put(encode_region(mask))),
        Artefact(ArtefactKind.HEATMAP, *blobs.put(encode_heatmap(heatmap))),
    )
    base = Findings(blobs).prediction()
    prediction = replace(answer(0.62), images=basis(mask), measured=measured(mask), artefacts=artefacts)
    study = replace(base.study, study_instance_uid=str(first.StudyInstanceUID), instances=tuple(rows))
    identity = PatientIdentity("hospital", str(first.PatientID))
    return replace(base, study=study, identity=identity, pins=None, prediction=prediction)


def test_the_region_comes_back_voxel_for_voxel_through_the_reader_of_regions(
    simulated: Simulated, blobs: LocalBlobs, jail: Jail, style: Style, tmp_path: Path
) -> None:
    finding = simulated.finding
    source = SourceImages(blobs, SlicePixels(jail, blobs))
    images = source.read(finding, SourceHeaders(blobs).read(finding))
    assert images is not None
    images = source.decoded(finding, images, secondary_capture.shown(images))
    made = parts(finding, images, replace(style, pictures=ALL))
    assert [one.Modality for one in made] == ["SEG", "OT", "OT"]
    path = tmp_path / "ours.dcm"
    path.write_bytes(encoded(made[0]))
    assert simulated.read(path, device_uid=style.device_uid).region.origin is RegionOrigin.AUTOMATIC

    # As if somebody else had written it: what is ours is never read.
    made[0].Manufacturer, made[0].InstanceCreatorUID = "SOMEBODY", "1.2.3.4"
    path.write_bytes(encoded(made[0]))
    again = simulated.read(path)
    assert again.region.origin is RegionOrigin.SEG
    assert again.region.mask.grid.same_place(simulated.images.region.mask.grid)
    assert np.array_equal(again.region.mask.bits, simulated.images.region.mask.bits)

    pictures = next(one for one in made if one.get("PhotometricInterpretation") == "RGB").pixel_array
    assert (pictures == np.array(OUTLINE, np.uint8)).all(axis=-1).any()
    for index in images.pixels:
        assert np.array_equal(images.pixels[index], simulated.images.early.voxels[index].astype(np.float32))
