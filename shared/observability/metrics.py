"""The catalogue: every metric of every service, once (``README.md`` beside this file explains each).

Names are ``oncorelay_<service>_<what>_<unit>``. A service shows its own and those of ``oncorelay_rpc``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from shared.domain.case import DeliveryState, InferenceState
from shared.domain.refusals import Cause
from shared.domain.slide_registry import SlideState
from shared.domain.study import CompletenessEvidence
from shared.fhir.reading.refusal import IssueCode
from shared.observability.families import CounterFamily, Family, GaugeFamily, HistogramFamily, Label

_OPEN_STATES = (InferenceState.COLLECTING, InferenceState.QUEUED, InferenceState.RUNNING)
_GRPC_CODES = (
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "PERMISSION_DENIED",
    "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL",
)  # fmt: skip
_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW_S = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


def _of(name: str, *values: str) -> Label:
    return Label(name, frozenset(values))


CAUSE = _of("cause", *Cause)
SINK = Label("sink", configured=True)
"""Names of the ``[[sinks]]`` tables."""
METHOD = Label("method", configured=True)
"""gRPC methods this process serves."""

# dicom_listener
ASSOCIATIONS = CounterFamily(
    "oncorelay_dicom_listener_associations_total", "Associations (or STOW-RS requests), by how they went.",
    (_of("outcome", "opened", "released", "cut"),),
)  # fmt: skip
ASSOCIATIONS_REFUSED = CounterFamily(
    "oncorelay_dicom_listener_associations_refused_total", "Associations refused, by cause.", (CAUSE,)
)
OBJECTS = CounterFamily("oncorelay_dicom_listener_objects_total", "Objects on disk and answered with Success.")
OBJECT_BYTES = CounterFamily("oncorelay_dicom_listener_object_bytes_total", "Bytes of those objects.")
OBJECTS_REFUSED = CounterFamily(
    "oncorelay_dicom_listener_objects_refused_total", "Objects refused, by cause.", (CAUSE,)
)
STUDIES_COMPLETE = CounterFamily(
    "oncorelay_dicom_listener_studies_complete_total", "Studies taken to be complete, by evidence.",
    (_of("evidence", *CompletenessEvidence),),
)  # fmt: skip
LISTENER_WATCHED = GaugeFamily("oncorelay_dicom_listener_open_studies", "Studies on their way, not yet complete.")
LISTENER_UNJUDGED = GaugeFamily("oncorelay_dicom_listener_unjudged_messages", "Objects on disk that nobody judged yet.")
LISTENER_LAG = GaugeFamily(
    "oncorelay_dicom_listener_judging_lag_seconds", "For how long the oldest of them has waited to be judged."
)
LISTENER_OUTBOX = GaugeFamily(
    "oncorelay_dicom_listener_outbox_messages", "Studies and notices that results does not have yet.",
    (_of("kind", "study", "notice"),),
)  # fmt: skip
LISTENER_FREE = GaugeFamily("oncorelay_dicom_listener_free_bytes", "Free space where objects are stored.")

# lab_consumer
FHIR_RESOURCES = CounterFamily(
    "oncorelay_lab_consumer_resources_total", "FHIR resources answered with success.", (_of("outcome", "accepted"),)
)
FHIR_REFUSED = CounterFamily(
    "oncorelay_lab_consumer_resources_refused_total", "FHIR resources and requests refused, by OperationOutcome code.",
    (_of("code", *IssueCode),),
)  # fmt: skip
MESSAGES = CounterFamily(
    "oncorelay_lab_consumer_messages_total", "HL7 v2 messages answered, by MSA-1.",
    (_of("acknowledgment", "AA", "AE", "AR"),),
)  # fmt: skip
MESSAGES_REFUSED = CounterFamily(
    "oncorelay_lab_consumer_messages_refused_total", "HL7 v2 messages, or parts of one, refused, by cause.", (CAUSE,)
)
MESSAGES_CUT = CounterFamily(
    "oncorelay_lab_consumer_messages_cut_total", "HL7 v2 messages that began and did not end; nobody was answered."
)
MLLP_CONNECTIONS = GaugeFamily("oncorelay_lab_consumer_mllp_connections", "Open connections of the MLLP door.")
FHIR_PULLS = CounterFamily(
    "oncorelay_lab_consumer_pulls_total", "Requests to the configured FHIR server, by how they ended.",
    (_of("outcome", "fulfilled", "polled", "failed"),),
)  # fmt: skip
LAB_WISHES = GaugeFamily("oncorelay_lab_consumer_wishes", "What is still to be asked of the FHIR server.")
LAB_OUTBOX = GaugeFamily("oncorelay_lab_consumer_outbox_messages", "Announcements that results does not have yet.")

# slide_ingestion
SLIDES = GaugeFamily(
    "oncorelay_slide_ingestion_slides", "Slides, by where they stand.", (_of("state", *SlideState),)
)  # fmt: skip
SLIDES_OUTBOX = GaugeFamily(
    "oncorelay_slide_ingestion_outbox_messages", "Slides and notices that results does not have yet."
)

# results.dispatch: the ledger's numbers, looked up by one process
CASES = GaugeFamily(
    "oncorelay_dispatch_cases", "Cases in the ledger, by state.", (_of("state", *InferenceState),)
)  # fmt: skip
CASE_AGE = GaugeFamily(
    "oncorelay_dispatch_oldest_case_seconds", "Age of the case that is longest in a state that must end.",
    (_of("state", *_OPEN_STATES, "review"),),
)  # fmt: skip
ATTEMPTS = GaugeFamily(
    "oncorelay_dispatch_attempts", "Attempts in the ledger, by what became of them.",
    (_of("state", "running", "answered", "failed", "lost"),),
)  # fmt: skip
LEASES_LOST = CounterFamily("oncorelay_dispatch_leases_lost_total", "Cases taken from a worker whose lease passed.")
OVERDUE = CounterFamily("oncorelay_dispatch_overdue_total", "States that outlived their deadline; a person was told.")
ORDERS_WAITING = GaugeFamily("oncorelay_dispatch_outbox_messages", "Orders that Celery does not have yet.")
ORDERS_SENT = CounterFamily("oncorelay_dispatch_orders_sent_total", "Orders handed to Celery.")
QUEUE_DEPTH = GaugeFamily("oncorelay_dispatch_queue_messages", "Orders in Redis, those held by workers included.")
NOTICES = GaugeFamily("oncorelay_dispatch_notices", "Notices for people in the ledger.")
AUDIT_HEAD = GaugeFamily("oncorelay_dispatch_audit_rows", "Number of the last row of the audit chain.")
SAMPLED = GaugeFamily(
    "oncorelay_dispatch_sampled_timestamp_seconds", "When the numbers of the ledger were looked up (Unix time)."
)

# results.deliver
DELIVERIES = GaugeFamily(
    "oncorelay_deliver_deliveries", "Deliveries in the ledger, by sink and state.",
    (SINK, _of("state", *DeliveryState)),
)  # fmt: skip
DELIVERY_AGE = GaugeFamily(
    "oncorelay_deliver_oldest_delivery_seconds", "Age of the oldest delivery that is still owed, by sink.", (SINK,)
)
SINK_OPEN = GaugeFamily(
    "oncorelay_deliver_sink_open_seconds", "For how long a sink's circuit breaker has been open; 0: closed.", (SINK,)
)
DELIVERY_TRIES = CounterFamily(
    "oncorelay_deliver_tries_total", "Tries, by sink and outcome.",
    (SINK, _of("outcome", "delivered", "postponed", "unavailable", "given_up", "lost")),
)  # fmt: skip
DELIVERY_SECONDS = HistogramFamily(
    "oncorelay_deliver_try_seconds", "Duration of one try, reading back included.", _SLOW_S, (SINK,)
)

# inference (counted in the worker's parent, which hears of every child's end)
INFERENCE_SECONDS = HistogramFamily(
    "oncorelay_inference_order_seconds", "Duration of one order, from claim to report.", _SLOW_S
)
INFERENCE_ORDERS = CounterFamily(
    "oncorelay_inference_orders_total", "Orders, by how they ended.",
    (_of("outcome", "answered", "dropped", "given_up", "refused", "broken", "worker_died"),),
)  # fmt: skip

# Every process that serves gRPC
RPC_SECONDS = HistogramFamily(
    "oncorelay_rpc_call_seconds", "Duration of a served gRPC call.", _FAST_S, (METHOD, _of("code", *_GRPC_CODES))
)  # fmt: skip

CATALOGUE: tuple[Family[Any], ...] = tuple(one for one in list(globals().values()) if isinstance(one, Family))
"""Every metric of ours."""

PREFIXES = {
    "dicom_listener": ("oncorelay_dicom_listener_",),
    "lab_consumer": ("oncorelay_lab_consumer_", "oncorelay_rpc_"),
    "slide_ingestion": ("oncorelay_slide_ingestion_", "oncorelay_rpc_"),
    "results.serve": ("oncorelay_rpc_",),
    "results.dispatch": ("oncorelay_dispatch_",),
    "results.deliver": ("oncorelay_deliver_",),
    "inference": ("oncorelay_inference_",),
}
"""What each process shows."""
_STANDARD = ("process_", "python_")


def start(service: str) -> None:
    """Show 0 for what has not happened yet."""
    for family in CATALOGUE:
        if family.name.startswith(PREFIXES.get(service, ())):
            family.start()


class _Shown:
    """The part of the registry that concerns one service."""

    def __init__(self, service: str) -> None:
        self._prefixes = (*PREFIXES.get(service, ()), *_STANDARD)

    def collect(self) -> Iterator[Any]:
        """Yield what is shown."""
        return (metric for metric in REGISTRY.collect() if metric.name.startswith(self._prefixes))


def exposition(service: str, accept: str) -> tuple[bytes, str]:
    """Return the metrics of a service as text, and its media type (Prometheus text 0.0.4, or OpenMetrics)."""
    encode, kind = choose_encoder(accept)
    return encode(_Shown(service)), kind
