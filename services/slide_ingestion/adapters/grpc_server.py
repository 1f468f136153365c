"""SlideIngestionService over gRPC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import grpc

from services.slide_ingestion.adapters.requests import Requests
from services.slide_ingestion.handlers.orders import RecordOrder
from services.slide_ingestion.handlers.people import ListSlides, SetResolution
from services.slide_ingestion.handlers.studies import TakeStudy
from shared.domain.errors import InvalidInputError
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.study import Study
from shared.rpc.access import actor_of
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import slide_ingestion_service_pb2 as pb
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import slide_ingestion_service_pb2_grpc as pb_grpc

_SAME = 0.05
"""Pixels are square, or the resolution is refused (anisotropy, PS3.3 10.7.1.3)."""


@dataclass
class SlideIngestionServicer(pb_grpc.SlideIngestionServiceServicer):
    """Translates messages; decides nothing."""

    take_study: TakeStudy
    record_order: RecordOrder
    list_slides: ListSlides
    set_resolution: SetResolution
    requests: Requests

    def SubmitStudy(self, request: pb.SubmitStudyRequest, context: Any) -> pb.SubmitStudyResponse:
        """Take over a study; what it already holds is recognised, so a repeated request changes nothing."""
        if not request.HasField("study"):
            raise InvalidInputError("study", "which one?")
        return pb.SubmitStudyResponse(slide_count=self.take_study(from_message(request.study, Study)))

    def RecordOrder(self, request: pb.RecordOrderRequest, context: Any) -> pb.RecordOrderResponse:
        """Record a version of an order; order and version say whether it is known."""
        if not request.HasField("order"):
            raise InvalidInputError("order", "which one?")
        self.record_order(from_message(request.order, SlideOrder))
        return pb.RecordOrderResponse()

    def ListSlides(self, request: pb.ListSlidesRequest, context: Any) -> pb.ListSlidesResponse:
        """Answer what there is."""
        name = pb.SlideState.Name(request.state).removeprefix("SLIDE_STATE_").lower()
        state = SlideState(name) if request.state else None
        slides = self.list_slides(state, max(0, request.page_size))
        return pb.ListSlidesResponse(slides=[to_message(one, pb.SlideSummary) for one in slides])

    def SetResolution(self, request: pb.SetResolutionRequest, context: Any) -> pb.SetResolutionResponse:
        """Record what a person says, under the name the connection proves."""
        across, down = request.microns_per_pixel_x, request.microns_per_pixel_y or request.microns_per_pixel_x
        if not (math.isfinite(across) and math.isfinite(down) and abs(across - down) < _SAME * max(across, down)):
            raise InvalidInputError("microns_per_pixel", "pixels of a slide are square: state one positive value")
        actor = actor_of(context, request.actor)
        state = self.requests.once(
            request.request_id,
            lambda: self.set_resolution(request.slide_id, (across + down) / 2, actor, request.reason).value,
        )
        return pb.SetResolutionResponse(state=pb.SlideState.Value(f"SLIDE_STATE_{state.upper()}"))

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        pb_grpc.add_SlideIngestionServiceServicer_to_server(self, server)
