"""Reading a breast MRI study in a child process: whatever its bytes do there, the caller gets images or a reason."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from shared.dicom.breast_mri import MOST_OBJECTS
from shared.dicom.stored_object import StoredObject
from shared.domain.errors import InvalidInputError, TemporaryError
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion
from shared.imaging.artefacts import encode_region
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.jail.codes import JailCode, JailedError
from shared.jail.images_tree import images_of
from shared.jail.jail import Jail
from shared.jail.limits import Limits

READ = "shared.jail.breast_mri_child:read_study"
LIMITS = Limits(
    memory_mb=1024, window_mb=640, cpu_s=300, wall_s=420.0, answer_bytes=1 << 23, tasks_per_child=1, niceness=5
)
"""The window holds three phases of 200 slices of 512 x 512 as sixteen-bit integers, with a region: the worker's tree
stays below 1,500 MB."""
_TROUBLES = {
    JailCode.DIED: (ImageProblem.UNREADABLE_PIXELS, "Reading the images of the study crashed."),
    JailCode.OUT_OF_MEMORY: (ImageProblem.TOO_LARGE, "Reading the images takes more memory than a study may."),
    JailCode.TOO_SLOW: (ImageProblem.TOO_LARGE, "Reading the images takes longer than a study may."),
    JailCode.ANSWER_TOO_LARGE: (ImageProblem.TOO_LARGE, "The study has more images than are read."),
    JailCode.FORBIDDEN: (ImageProblem.UNREADABLE_PIXELS, "Reading the images tried what no image may."),
    JailCode.FAILED: (ImageProblem.UNREADABLE_PIXELS, "Reading the images of the study failed."),
}
_MAYBE_INNOCENT = (JailCode.DIED, JailCode.OUT_OF_MEMORY)
"""The kernel may have taken a child for want of memory elsewhere: such a study is read once more."""


class JailedBreastMri:
    """Reads one study at a time, each in a child of its own; thread-safe; the owner closes it."""

    def __init__(self, limits: Limits = LIMITS, *, device_uid: str = "") -> None:
        self._jail = Jail([READ], limits)
        self._device_uid = device_uid

    def warm(self) -> bool:
        """Start a child now; return whether the kernel filters its system calls.

        Raises:
            TemporaryError: If no child can be started.
        """
        return self._jail.warm()

    def read(
        self,
        objects: Sequence[StoredObject],
        *,
        automatic: AutomaticRegion,
        confirmed: Mask | None = None,
        side: Side | None = None,
        mask_files: Sequence[Path] = (),
    ) -> BreastImages | ImageTrouble:
        """Return what ``shared.dicom.breast_mri.read_breast_images`` returns; arrays are read-only.

        Raises:
            TemporaryError: If no child can be started.
        """
        if len(objects) > MOST_OBJECTS:
            return ImageTrouble(*_TROUBLES[JailCode.ANSWER_TOO_LARGE])
        arguments: dict[str, object] = {
            "objects": [[str(one.path), one.offset, one.length, one.blob_uri] for one in objects],
            "automatic": automatic.value,
            "confirmed": b64encode(encode_region(confirmed)).decode("ascii") if confirmed else "",
            "side": side.value if side else "",
            "mask_files": [str(one) for one in mask_files],
            "device_uid": self._device_uid,
        }
        try:
            return self._read_again(arguments)
        finally:
            Thread(target=self._restock, daemon=True).start()

    def close(self) -> None:
        """End the child, also one at work."""
        self._jail.close()

    def _read_again(self, arguments: dict[str, object]) -> BreastImages | ImageTrouble:
        try:
            return self._read(arguments)
        except JailedError as error:
            if error.code not in _MAYBE_INNOCENT:
                return ImageTrouble(*_TROUBLES[error.code])
        try:
            return self._read(arguments)
        except JailedError as error:
            return ImageTrouble(*_TROUBLES[error.code])

    def _restock(self) -> None:
        """Have a child ready for the next study: starting one takes a second of the processor."""
        with suppress(TemporaryError):
            self._jail.warm()

    def _read(self, arguments: dict[str, object]) -> BreastImages | ImageTrouble:
        try:
            answer, seen = self._jail.fill(READ, arguments)
            return images_of(answer, seen)
        except InvalidInputError:
            return ImageTrouble(*_TROUBLES[JailCode.FAILED])
