"""Typed clients of slide ingestion: orders, slides, what a person says of one, erasure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState, SlideSummary
from shared.domain.study import Study
from shared.rpc.clients import ServiceClient, new_request_id
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import erasure_service_pb2 as erasure
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import slide_ingestion_service_pb2 as pb
from shared.rpc.gen.oncorelay.slide_ingestion.v1.erasure_service_pb2_grpc import ErasureServiceStub
from shared.rpc.gen.oncorelay.slide_ingestion.v1.slide_ingestion_service_pb2_grpc import SlideIngestionServiceStub
from shared.rpc.gen.oncorelay.types.v1 import types_pb2 as types
from shared.security.tls_files import TlsFiles


class SlideIngestionClient(ServiceClient):
    """See ``proto/oncorelay/slide_ingestion/v1``."""

    name = "slide_ingestion"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = SlideIngestionServiceStub(self.channel)

    def submit_study(self, request_id: str, study: Study) -> int:
        """Hand over a complete study with slide microscopy; return the number of slides found so far."""
        request = pb.SubmitStudyRequest(request_id=request_id, study=to_message(study, types.Study))
        return self._call(self._stub.SubmitStudy, request).slide_count

    def record_order(self, request_id: str, order: SlideOrder) -> None:
        """Record an order, a newer version of it, or its withdrawal; the same version again changes nothing.

        Raises:
            InvalidInputError: If it names no glass: neither a container, nor accession and slide.
            TemporaryError: The same call may succeed later.
        """
        request = pb.RecordOrderRequest(request_id=request_id, order=to_message(order, types.SlideOrder))
        self._call(self._stub.RecordOrder, request)

    def list_slides(self, state: SlideState | None = None, *, page_size: int = 100) -> tuple[SlideSummary, ...]:
        """Return slides, newest first."""
        request = pb.ListSlidesRequest(page_size=page_size)
        if state is not None:
            request.state = pb.SlideState.Value(f"SLIDE_STATE_{state.name}")
        return tuple(from_message(row, SlideSummary) for row in self._call(self._stub.ListSlides, request).slides)

    def set_resolution(self, slide_id: str, um: float, actor: str, reason: str) -> SlideState:
        """State how many micrometres a pixel of level 0 is wide and high; return where the slide stands now.

        Raises:
            NotFoundError: If there is no such slide, or more than one begins so.
            InvalidInputError: If the value is out of what a slide can have, or the reason is missing.
        """
        request = pb.SetResolutionRequest(
            request_id=new_request_id(), slide_id=slide_id, microns_per_pixel_x=um, microns_per_pixel_y=um,
            actor=actor, reason=reason,
        )  # fmt: skip
        state = self._call(self._stub.SetResolution, request).state
        return SlideState(pb.SlideState.Name(state).removeprefix("SLIDE_STATE_").lower())


@dataclass(frozen=True, slots=True)
class SlidesErased:
    """What was erased."""

    slide_count: int
    order_count: int
    file_count: int
    left_file_count: int
    """Files in the site's own folders that hold her slides: the site removes them."""


class SlideErasureClient(ServiceClient):
    """Erasure of slides and orders; administrators only."""

    name = "slide_ingestion"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = ErasureServiceStub(self.channel)

    def erase(self, identity: PatientIdentity) -> SlidesErased:
        """Erase what is known about one patient's slides.

        Raises:
            TemporaryError: Nothing, or not everything, was erased: ask again.
        """
        whom = to_message(identity, types.PatientIdentity)
        answer = self._call(self._stub.ErasePatient, erasure.ErasePatientRequest(identity=whom))
        return SlidesErased(answer.slide_count, answer.order_count, answer.file_count, answer.left_file_count)
