"""The worker, put together."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from functools import partial
from pathlib import Path

from services.inference.adapters.bundles import WarmModels
from services.inference.adapters.celery_worker import Handler, run, worker_app
from services.inference.adapters.one_at_a_time import OneAtATime
from services.inference.adapters.operations import operations
from services.inference.adapters.slide_artefacts import SlideArtefacts
from services.inference.adapters.slides import PinnedSlides
from services.inference.adapters.studies import JailedReader, StoredArtefacts, StoredStudies
from services.inference.app.verified import announced, verified
from services.inference.config import Settings
from services.inference.handlers.answer_images import AnswerImages
from services.inference.handlers.answer_slides import AnswerSlides
from services.inference.handlers.run_case import Pace, RunCase
from shared.observability import tracing
from shared.observability.operations import ops_server
from shared.observability.ops_server import OpsServer
from shared.predictors import REGISTRY
from shared.radiomics.engine import installed_engine
from shared.rpc.clients import ResultsClient, new_request_id
from shared.storage.blobs import LocalBlobs


def serve(settings: Settings) -> int:
    """Verify the bundles, then take orders until SIGTERM; return the exit status."""
    catalog = announced(verified(settings))
    server = ops_server(operations(settings, lambda: catalog))
    with tempfile.TemporaryDirectory(prefix="oncorelay-inference-") as folder:
        turn = Path(folder) / "study"
        app = worker_app(settings.broker_url, settings.queues, partial(build_handler, settings, turn, server))
        if server:
            server.start()
        return run(app, f"inference-{os.getpid()}@{socket.gethostname()}", settings.concurrency)


def build_handler(settings: Settings, turn: Path, server: OpsServer | None = None) -> Handler:
    """Return the use case with its channel and warm models; called in a child, after the fork.

    ``turn`` is the file by which the worker's children measure one study at a time.
    """
    if server:
        server.abandon()
    tracing.configure("inference", settings.site.otlp_endpoint)
    models = WarmModels(partial(verified, settings))
    models.warm_up()
    return RunCase(
        attempts=ResultsClient(
            settings.results_address, tls=settings.site.tls("inference"), deadline_s=settings.deadline_s
        ),
        models=models,
        predictors=REGISTRY,
        worker=f"inference-{os.getpid()}@{socket.gethostname()}",
        pace=_pace(settings),
        clock=time.monotonic,
        pause=time.sleep,
        new_request_id=new_request_id,
        answer_images=_answer_images(settings, models, turn),
        answer_slide=_answer_slides(settings, models, turn),
    )


def _answer_images(settings: Settings, models: WarmModels, turn: Path) -> AnswerImages:
    blobs = LocalBlobs(settings.site.blob_folder)
    studies = StoredStudies(blobs, JailedReader(settings.site.device_uid))
    let_go = models.let_go if settings.concurrency > 1 else lambda: None
    return AnswerImages(models, studies, StoredArtefacts(blobs.root), installed_engine, OneAtATime(turn), let_go)


def _answer_slides(settings: Settings, models: WarmModels, turn: Path) -> AnswerSlides:
    site, blobs = settings.site, LocalBlobs(settings.site.blob_folder)
    slides = PinnedSlides((*site.slide_folders, site.slide_cache), blobs, site.data_folder / "reading")
    let_go = models.let_go if settings.concurrency > 1 else lambda: None
    return AnswerSlides(models, slides, SlideArtefacts(blobs), OneAtATime(turn), let_go)


def _pace(settings: Settings) -> Pace:
    return Pace(
        first_retry_s=settings.first_retry_s,
        longest_retry_s=settings.longest_retry_s,
        claim_patience_s=settings.claim_patience_s,
        lease_margin_s=settings.lease_margin_s,
    )
