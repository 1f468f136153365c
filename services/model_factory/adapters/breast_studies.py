"""One breast MRI study from disk to numbers: read as in serving, measured, cropped; kept, so that it is done once."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.model_factory.adapters.run_folder import write_whole
from services.model_factory.adapters.study_reading import files_below, read_study
from services.model_factory.handlers.cohort.imaged import StudyFiles
from services.model_factory.handlers.imaged.measured import HowMeasured, MeasuredStudy
from shared.domain.errors import InvalidInputError
from shared.imaging.crops import take_crop
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.quantities import quantities
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.radiomics.engine import required_engine


@dataclass(frozen=True, slots=True)
class StudyMeasuring:
    """How studies become numbers."""

    how: HowMeasured
    input_shape: tuple[int, int, int, int]
    """Of the crop."""
    margin: float
    folder: Path
    """Where they are kept: one file per content and settings."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return everything the numbers depend on, as plain JSON values."""
        told = self.how
        return {
            "engine": told.engine, "settings": asdict(told.settings), "settings_sha256": told.settings_sha256,
            "features": hashlib.sha256("\n".join(told.names).encode()).hexdigest(),
            "input_shape": list(self.input_shape), "margin": self.margin,
        }  # fmt: skip

    def __call__(self, files: StudyFiles) -> MeasuredStudy | str:
        """Return what was kept of these very files, or measure; a text says why it cannot be.

        Raises:
            InvalidInputError: If a file cannot be read.
        """
        kept = self.folder / f"{self._key(files)}.npz"
        if not kept.exists():
            write_whole(kept, _packed(self._measured(files)))
        return _unpacked(kept.read_bytes(), self.how)

    def _key(self, files: StudyFiles) -> str:
        digest = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode())
        for part in (files.study, files.mask, files.second_mask):
            digest.update(b"|")
            for file in files_below(part) if part else ():
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def _measured(self, files: StudyFiles) -> MeasuredStudy | str:
        images = read_study(files)
        if isinstance(images, ImageTrouble):
            return images.problem.value
        try:
            return self._numbers(images)
        except InvalidInputError:
            return "region_not_measurable"

    def _numbers(self, images: BreastImages) -> MeasuredStudy:
        crop = take_crop([images.early], images.region.mask, self.input_shape, self.margin)
        second = images.second_reader
        taken = images.acquisition
        return MeasuredStudy(
            self._features(images, images.region.mask),
            self._features(images, second) if second else None,
            crop.voxels,
            quantities(images),
            taken.manufacturer if taken else "",
        )

    def _features(self, images: BreastImages, mask: Mask) -> np.ndarray[Any, np.dtype[np.float64]]:
        found = required_engine().measure(images.early, mask, self.how.settings, self.how.names)
        return np.array([found[name] for name in self.how.names])


def _packed(one: MeasuredStudy | str) -> bytes:
    out = io.BytesIO()
    if isinstance(one, str):
        np.savez(out, trouble=np.array(one))
        return out.getvalue()
    names = list(one.quantities)
    arrays: dict[str, Any] = {
        "features": one.features, "crop": one.crop, "names": np.array(names),
        "quantities": np.array([one.quantities[name] for name in names]), "manufacturer": np.array(one.manufacturer),
    }  # fmt: skip
    np.savez(out, allow_pickle=False, **arrays, **({} if one.second is None else {"second": one.second}))
    return out.getvalue()


def _unpacked(content: bytes, how: HowMeasured) -> MeasuredStudy | str:
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        if "trouble" in kept:
            return str(kept["trouble"])
        if len(kept["features"]) != len(how.names):
            raise InvalidInputError("measurements", "are damaged; remove the folder and resume")
        return MeasuredStudy(
            kept["features"], kept.get("second", None), kept["crop"],
            dict(zip((str(name) for name in kept["names"]), (float(v) for v in kept["quantities"]), strict=True)),
            str(kept["manufacturer"]),
        )  # fmt: skip
