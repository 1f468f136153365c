"""What the listener counts of its doors."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import REGISTRY

from services.dicom_listener.adapters.operations import CountedArrivals
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.domain.refusals import Cause


@dataclass
class Told:
    """Arrivals that remember."""

    said: list[tuple[object, ...]] = field(default_factory=list)

    def opened(self, association: int, sender: str) -> None:
        self.said.append(("opened", association, sender))

    def stored(self, stored: Stored) -> None:
        self.said.append(("stored", stored.announced.association))

    def refused(self, association: int, cause: Cause) -> None:
        self.said.append(("refused", association, cause))

    def ended(self, association: int, *, released: bool) -> None:
        self.said.append(("ended", association, released))


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"oncorelay_dicom_listener_{name}", labels) or 0.0


def test_everything_is_counted_and_passed_on() -> None:
    before = counted("objects_total"), counted("object_bytes_total")
    cut = counted("associations_total", outcome="cut")
    full = counted("objects_refused_total", cause="out_of_space")
    told = Told()
    arrivals = CountedArrivals(told)
    announced = Announced("1.2", "1.2.3", "1.2.840.10008.1.2.1", "PACS", 7)

    arrivals.opened(7, "PACS")
    arrivals.stored(Stored(announced, "file:///x.seg?offset=128&length=4096", "x", 5000))
    arrivals.refused(7, Cause.OUT_OF_SPACE)
    arrivals.ended(7, released=False)

    assert told.said == [("opened", 7, "PACS"), ("stored", 7), ("refused", 7, Cause.OUT_OF_SPACE), ("ended", 7, False)]
    assert (counted("objects_total") - before[0], counted("object_bytes_total") - before[1]) == (1.0, 4096.0)
    assert counted("associations_total", outcome="cut") - cut == 1.0
    assert counted("objects_refused_total", cause="out_of_space") - full == 1.0
