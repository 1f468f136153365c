"""What answering a case needs from the ledger and from the bundles."""

from __future__ import annotations

from typing import Protocol

from shared.domain.case import Claim, Pins
from shared.domain.images import Artefact, ArtefactKind, RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.predictors.contract import Model

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


class Artefacts(Protocol):
    """What is stored beside the answers of a case."""

    def put(self, case_id: str, kind: ArtefactKind, content: bytes) -> Artefact:
        """Store it durably.

        Raises:
            TemporaryError: If there is no room.
        """
        ...
