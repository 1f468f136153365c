"""Warm models: each bundle is verified and loaded once per process, after the fork."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from shared.bundles.catalog import Catalog
from shared.bundles.manifest import Manifest
from shared.domain.errors import NotFoundError, PermanentError
from shared.domain.prediction import BundleReference
from shared.predictors.models import Model

log = structlog.get_logger("oncorelay.inference")

LARGE_NETWORK = 10_000_000
"""Parameters: 40 MB of float32, and in a runtime's own layout two or three times as much."""


class WarmModels:
    """``Models`` over a catalog; the catalog is read again when a bundle is asked for that it did not have."""

    def __init__(self, load_catalog: Callable[[], Catalog]) -> None:
        self._load_catalog = load_catalog
        self._catalog = load_catalog()
        self._warm: dict[tuple[str, str], Model] = {}

    def open(self, bundle_id: str, digest: str) -> Model:
        """Return the loaded model.

        Raises:
            NotFoundError: If it is not installed here.
            BundleRefusedError: If it is refused.
        """
        key = (bundle_id, digest)
        if key not in self._warm:
            self._warm[key] = self._opened(bundle_id, digest)
        return self._warm[key]

    def choose(self, predictor: str, bundle_id: str) -> BundleReference:
        """Return the bundle of this predictor that would answer a case, or the one of this id.

        Raises:
            NotFoundError: If none is installed.
            BundleRefusedError: If the one that is named is refused.
        """
        if bundle_id:
            return self._catalog.find(bundle_id).reference
        found = self._catalog.for_predictor(predictor)
        if found is None:
            raise NotFoundError(
                "installed bundle", f"of {predictor}: name a folder with one in bundle_folders of [inference]"
            )
        return found

    def warm_up(self) -> None:
        """Load everything installed but networks, which take memory and are loaded by whoever needs one first.

        What is refused is told and hinders nothing else.
        """
        for installed in self._catalog.installed:
            if _network_parameters(installed.manifest):
                continue
            try:
                self.open(installed.reference.bundle_id, installed.reference.digest)
            except PermanentError as error:
                log.warning("bundle_refused", bundle_id=installed.reference.bundle_id, reason=str(error))

    def let_go(self) -> None:
        """Forget networks too large to be held by several children of a worker at once; the next study loads anew."""
        for key in [key for key in self._warm if self._parameters(*key) > LARGE_NETWORK]:
            del self._warm[key]

    def _parameters(self, bundle_id: str, digest: str) -> int:
        return _network_parameters(self._catalog.find(bundle_id, digest).manifest)

    def _opened(self, bundle_id: str, digest: str) -> Model:
        try:
            return self._catalog.open(bundle_id, digest)
        except NotFoundError:
            self._catalog = self._load_catalog()
            return self._catalog.open(bundle_id, digest)


def _network_parameters(manifest: Manifest) -> int:
    """Return how large the bundle's network is; 0 where it has none."""
    if manifest.slides:
        return manifest.slides.parameters
    network = manifest.imaging.network if manifest.imaging else None
    return network.parameters if network else 0
