"""What answering a case needs from the ledger and from the bundles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.domain.case import Claim, Pins
from shared.domain.images import Artefact, ArtefactKind, RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract
from shared.predictors.contract import SlideMeasured
from shared.predictors.models import Model

Answer = Prediction | NotAnalysed | RegionProposed | str
"""An answer, a coded refusal, a region that waits for a person, or one sentence about what broke."""


class Attempts(Protocol):
    """The ledger's attempts: nobody answers without a lease. Every call may raise TemporaryError."""

    def claim_attempt(self, request_id: str, case_id: str, revision: int, worker: str) -> Claim:
        """Return the right to answer.

        Raises:
            StaleAttemptError: If somebody else has it, the order is of an older revision, or it is answered.
            NotFoundError: If the ledger knows no such case.
        """
        ...

    def renew_lease(self, case_id: str, attempt: int, token: str = "") -> float:
        """Prolong the lease of the claim that ``token`` proves; return its seconds.

        Raises:
            StaleAttemptError: If it is lost.
        """
        ...

    def report_prediction(self, request_id: str, case_id: str, attempt: int, answer: Answer, token: str = "") -> str:
        """Record the answer, a coded refusal, a region that waits or a failure; the same ``request_id`` records once.

        Raises:
            StaleAttemptError: If the attempt is no longer current.
        """
        ...


class Models(Protocol):
    """Verified bundles, kept warm."""

    def open(self, bundle_id: str, digest: str) -> Model:
        """Return the loaded model.

        Raises:
            PermanentError: If it is not installed here or refused; says what to do.
        """
        ...


class Images(Protocol):
    """The pinned images of a study."""

    def read(self, pins: Pins) -> BreastImages | ImageTrouble:
        """Return the volumes and the region, or why there are none.

        Raises:
            TemporaryError: If they cannot be read now.
            PermanentError: If something pinned is gone, or the reader broke.
        """
        ...


class SlideOverview(Protocol):
    """The whole slide, small."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Return (h, w, 3), sRGB."""
        ...

    @property
    def um_per_px(self) -> float:
        """Return how large a pixel of it is; coarser than asked for where the slide is very large."""
        ...


class ReadPatches(Protocol):
    """Patches as they were read."""

    @property
    def index(self) -> NDArray[np.int32]:
        """Return (n,): places in the grid."""
        ...

    @property
    def pixels(self) -> NDArray[Any]:
        """Return (n, input_px, input_px, 3) uint8, sRGB, at the network's scale."""
        ...

    @property
    def background(self) -> NDArray[np.int32]:
        """Return (m,): places the background rule left out since the last batch."""
        ...


class ReadSlide(Protocol):
    """One open slide, read in a jail. Everything raises SlideTroubleError where it cannot be read to the end."""

    def overview(self, um: float, um_per_px: float) -> SlideOverview:
        """Return the slide at ``um`` micrometres per pixel; ``um_per_px``: of level 0."""
        ...

    def patches(
        self, grid: CropGrid, wanted: NDArray[np.int32], contract: PatchContract, *, batch: int = 8
    ) -> Iterator[ReadPatches]:
        """Yield the patches at these places that are no background, in order."""
        ...


class Slides(Protocol):
    """The pinned slides."""

    def opened(self, pins: Pins) -> AbstractContextManager[ReadSlide]:
        """Give the slide, once its files were found to be those that were pinned.

        Raises:
            TemporaryError: If they were replaced, are gone, or there is no room to read them now.
            PermanentError: If they lie where no slide may.
        """
        ...


class SlideStore(Protocol):
    """What is stored beside an answer about a slide."""

    def put(self, case_id: str, measured: Measured) -> tuple[Artefact, ...]:
        """Store tables and overview durably.

        Raises:
            TemporaryError: If there is no room.
        """
        ...

    def read(self, kept: Sequence[Artefact]) -> SlideMeasured:
        """Return what was measured for an earlier answer.

        Raises:
            PermanentError: If it is gone, or cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What an answer about a slide is made from, and the overview it was found on."""

    slide: SlideMeasured
    overview: NDArray[np.uint8]
    """(h, w, 3), sRGB, about 8 micrometres per pixel."""


class Artefacts(Protocol):
    """What is stored beside the answers of a case."""

    def put(self, case_id: str, kind: ArtefactKind, content: bytes) -> Artefact:
        """Store it durably.

        Raises:
            TemporaryError: If there is no room.
        """
        ...
