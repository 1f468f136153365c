"""Findings about one study whose objects lie in a temporary blob store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.taking_back import SR_ONLY
from shared.storage.blobs import LocalBlobs
from tests.findings import Findings

STYLE = Style("1.2.826.0.1.3680043.10.1490", "1.2.826.0.1.3680043.10.1490.0.1", timedelta(days=90))


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


@pytest.fixture
def findings(blobs: LocalBlobs) -> Findings:
    return Findings(blobs)


@pytest.fixture
def headers(blobs: LocalBlobs) -> SourceHeaders:
    return SourceHeaders(blobs)


@pytest.fixture
def archive(blobs: LocalBlobs, style: Style) -> ArchiveObjects:
    return ArchiveObjects(SourceHeaders(blobs), SourceImages(blobs), style, SR_ONLY)


@pytest.fixture
def style() -> Style:
    return STYLE
