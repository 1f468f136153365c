"""The process that answers "what if", put together."""

from __future__ import annotations

from functools import partial

from services.inference.adapters.bundles import WarmModels
from services.inference.adapters.explain_operations import explain_operations
from services.inference.adapters.explain_server import ExplainServicer
from services.inference.app.verified import announced, verified
from services.inference.config import Settings
from services.inference.handlers.explain import Explain
from shared.observability.operations import watched
from shared.observability.process import run_until_stopped
from shared.rpc import server as rpc_server

_STOP_S = 5.0


def serve(settings: Settings) -> int:
    """Answer over gRPC until SIGTERM; bundles are verified and loaded once, now. Return the exit status."""
    if not settings.explain_address:
        print('inference: explain_address of [inference] is empty, so nobody is asked "what if"')  # noqa: T201 - the supervisor quotes it
        return 0
    catalog = announced(verified(settings))
    models = WarmModels(partial(verified, settings))
    models.warm_up()
    servicer = ExplainServicer(Explain(models.choose, models))
    with watched(explain_operations(settings, lambda: catalog)):
        door = rpc_server.start(settings.explain_address, servicer.register, tls=settings.site.tls("inference"))
        run_until_stopped("inference.explain", settings.explain_address, lambda: door.stop(_STOP_S).wait())
    return 0
