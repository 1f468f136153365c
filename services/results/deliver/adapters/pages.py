"""The page of a finding, its nomogram drawn from the bundle that answered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.formats.overlay import pictures
from services.results.deliver.formats.page import agrees, page
from services.results.deliver.formats.secondary_capture import peak, words
from services.results.deliver.formats.slide_picture import to_picture
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.errors import BundleRefusedError
from shared.bundles.manifest import Manifest
from shared.bundles.survival import hazards_of, inputs_of
from shared.domain.errors import NotFoundError, PermanentError
from shared.domain.prediction import BundleReference
from shared.pictures.answers import LABELS
from shared.pictures.chart import Chart, chart_of


@dataclass(slots=True)
class InstalledBundles:
    """The bundles installed here, verified when first asked for and again when one is missing."""

    folders: tuple[Path, ...]
    trusted_key_folder: Path | None
    _catalog: Catalog | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def manifest(self, bundle: BundleReference) -> Manifest:
        """Return what the bundle says about itself.

        Raises:
            PermanentError: If exactly this bundle is not installed here.
        """
        with self._lock:
            found = self._find(bundle) or self._find(bundle, again=True)
        if found is None:
            raise PermanentError(
                f"its nomogram cannot be drawn: the bundle {bundle.bundle_id} {bundle.version} (sha256 "
                f"{bundle.digest[:12]}) is not installed here: install it again and resend"
            )
        return found

    def _find(self, bundle: BundleReference, *, again: bool = False) -> Manifest | None:
        if self._catalog is None or again:
            self._catalog = installed_catalog(self.folders, self.trusted_key_folder)
        try:
            return self._catalog.find(bundle.bundle_id, bundle.digest).manifest
        except (BundleRefusedError, NotFoundError):
            return None


@dataclass(frozen=True, slots=True)
class PrintedPages:
    """Prints findings as PDF, for one sink's style."""

    style: Style
    bundles: InstalledBundles
    archive: ArchiveObjects | None = None
    """Where the picture of an answer from images comes from; None: there are no images here."""

    def page(self, finding: Finding) -> bytes:
        """Return the PDF; the same bytes for the same finding.

        Raises:
            PermanentError: If its nomogram cannot be drawn.
        """
        return page(finding, self.style, self._chart(finding), self._picture(finding))

    def _picture(self, finding: Finding) -> NDArray[np.uint8] | None:
        """Return region and heatmap on the slice of its peak, or the slide; None for an answer without images."""
        if self.archive is None or finding.prediction is None or not finding.prediction.artefacts:
            return None
        if finding.prediction.slide is not None:
            basis = self.archive.slides.read(finding)
            return to_picture(finding, finding.prediction.slide, basis, self.style) if basis else None
        images = self.archive.images.read(finding, self.archive.headers.read(finding))
        if images is None:
            return None
        fullest = peak(images)
        images = self.archive.images.decoded(finding, images, [fullest])
        return pictures(images, [fullest], words(finding, self.style))[0] if images.pixels else None

    def _chart(self, finding: Finding) -> Chart | None:
        """Return the nomogram; None for answers without points, and where there is no answer."""
        if finding.prediction is None or not finding.prediction.points:
            return None
        manifest = self.bundles.manifest(finding.prediction.bundle)
        if manifest.survival is None:
            return None
        labels = LABELS.get(finding.predictor, {})
        chart = chart_of(inputs_of(manifest.inputs), hazards_of(manifest.survival), labels)
        if not agrees(chart, finding.prediction):
            raise PermanentError("its nomogram would not say what its numbers say; nothing was sent")
        return chart
