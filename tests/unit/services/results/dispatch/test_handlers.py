"""What dispatch decides about a case, with the ledger's side recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.results.config import Imaging
from services.results.dispatch.handlers import EvaluateCases, Reconcile, SendOrders
from services.results.ledger.collecting import DueCase
from services.results.ledger.orders import Order
from shared.domain.case import InferenceState, PinnedBundle, PinnedInput, Pins
from shared.domain.errors import UnavailableError
from shared.domain.facts import PatientFacts
from shared.domain.identity import Demographics, PatientIdentity, Sex
from shared.domain.images import AutomaticRegion, ImagingPolicy
from shared.domain.prediction import BundleReference, IntendedUse, NotAnalysed, NotAnalysedReason
from shared.domain.study import Study
from shared.predictors.contract import Overtaken
from shared.predictors.registry import REGISTRY
from shared.testing.cases import BUNDLE, START, a_study, some_facts
from shared.testing.panels import NAME, PANEL_BUNDLE, PanelDouble, a_panel, panel_facts

POLICY = ImagingPolicy(AutomaticRegion.CONFIRM)
DLR = replace(BUNDLE, bundle_id="ln_pcr-dlr")
RADIOMICS = replace(BUNDLE, bundle_id="ln_pcr-radiomics")
EVERY = {"clinical_dlr": DLR, "clinical_radiomics": RADIOMICS}


@dataclass
class Recorded:
    """The collecting side of the ledger, remembering what was asked of it."""

    case: DueCase
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def due(self, now: datetime, limit: int = 50) -> tuple[DueCase, ...]:
        return (self.case,)

    def pin(self, due: DueCase, pins: Pins, now: datetime) -> None:
        self.calls.append(("pin", pins))

    def wait(self, due: DueCase, missing: tuple[str, ...], now: datetime) -> None:
        self.calls.append(("wait", missing))

    def refuse(self, due: DueCase, refusal: NotAnalysed, now: datetime) -> None:
        self.calls.append(("refuse", refusal))

    def overtake(self, due: DueCase, refusal: NotAnalysed, inputs: tuple[PinnedInput, ...], now: datetime) -> None:
        self.calls.append(("overtake", (refusal, inputs)))

    def conflict(self, due: DueCase, reason: str, now: datetime) -> None:
        self.calls.append(("conflict", reason))

    def postpone(self, due: DueCase, until: datetime) -> None:
        self.calls.append(("postpone", until))

    def trouble(self, due: DueCase, reason: str, until: datetime, now: datetime) -> None:
        self.calls.append(("trouble", reason))


@dataclass
class Several(Recorded):
    """More than one due case."""

    case: tuple[DueCase, ...]  # type: ignore[assignment]

    def due(self, now: datetime, limit: int = 50) -> tuple[DueCase, ...]:
        return self.case


@dataclass(frozen=True)
class Known:
    facts: PatientFacts | None

    def get_facts(self, identity: PatientIdentity) -> PatientFacts:
        if self.facts is None:
            raise UnavailableError("lab_consumer")
        return self.facts


@dataclass(frozen=True)
class Installed:
    bundle: BundleReference | None
    others: Mapping[str, BundleReference] = field(default_factory=dict)

    def for_variant(self, predictor: str, variant: str) -> BundleReference | None:
        return self.others.get(variant) if variant in EVERY else self.bundle


@dataclass(frozen=True)
class Recalled:
    reason: str = ""
    only: str = ""

    def why_not(self, bundle: BundleReference) -> str:
        return self.reason if self.only in ("", bundle.bundle_id) else ""


def evaluate(
    facts: PatientFacts | None,
    *,
    bundle: BundleReference | None = BUNDLE,
    recalled: str = "",
    now: datetime = START,
    state: InferenceState = InferenceState.COLLECTING,
    others: Mapping[str, BundleReference] | None = None,
    only: str = "",
    imaging: ImagingPolicy = POLICY,
    **study: Any,
) -> tuple[str, Any]:
    case = DueCase("c" * 32, "ln_pcr", a_study(**study), state, START + timedelta(hours=6), START)
    cases = Recorded(case)
    installed = Installed(bundle, others or {})
    EvaluateCases(cases, Known(facts), installed, Recalled(recalled, only), REGISTRY, lambda: now, imaging)()
    (call,) = cases.calls
    return call


def test_sufficient_inputs_are_pinned_with_their_facts_and_images() -> None:
    name, pins = evaluate(some_facts())

    assert name == "pin"
    assert {pinned.name: pinned.value for pinned in pins.inputs} == {"er": "positive", "her2": "low", "t": "2"}
    assert len(pins.instances) == 2
    assert (pins.intended_use, pins.bundle_version) == (BUNDLE.intended_use, BUNDLE.version)
    assert {fact.name for fact in pins.facts} >= {"estrogen_receptor", "her2_interpretation", "clinical_t"}


def test_a_missing_receptor_is_waited_for_and_refused_at_the_deadline() -> None:
    assert evaluate(some_facts(her2=""))[0] == "wait"

    name, refusal = evaluate(some_facts(her2=""), now=START + timedelta(hours=6))
    assert name == "refuse"
    assert "HER2" in refusal.text


def test_a_fact_that_vanishes_after_a_prediction_takes_it_back_at_once() -> None:
    assert evaluate(some_facts(er=""), state=InferenceState.PREDICTED)[0] == "refuse"


def test_one_case_that_cannot_be_evaluated_does_not_stop_the_others() -> None:
    broken = DueCase("b" * 32, "no such predictor", a_study(), InferenceState.COLLECTING, START, START)
    whole = DueCase("c" * 32, "ln_pcr", a_study(), InferenceState.COLLECTING, START, START)
    cases = Several((broken, whole))
    EvaluateCases(cases, Known(some_facts()), Installed(BUNDLE), Recalled(), REGISTRY, lambda: START)()

    assert [name for name, _ in cases.calls] == ["trouble", "pin"]


def test_not_node_positive_is_refused_at_once() -> None:
    name, refusal = evaluate(some_facts(n="N0"))

    assert (name, refusal.reason) == ("refuse", "not_node_positive")


@pytest.mark.parametrize(
    ("other", "named"),
    [(Demographics(date(1966, 1, 1), Sex.FEMALE), "birth date"), (Demographics(None, Sex.MALE), "sex")],
)
def test_contradicting_demographics_are_a_conflict_without_the_values(other: Demographics, named: str) -> None:
    name, reason = evaluate(some_facts(demographics=other))

    assert name == "conflict"
    assert named in reason
    assert "196" not in reason


def test_absent_demographics_are_no_conflict() -> None:
    assert evaluate(some_facts(demographics=Demographics()))[0] == "pin"


def test_an_issuer_outside_the_map_is_a_conflict() -> None:
    assert evaluate(some_facts(), identity=None)[0] == "conflict"


def test_images_of_two_patients_are_a_conflict() -> None:
    name, reason = evaluate(some_facts(), conflicts=("PatientID",))

    assert name == "conflict"
    assert "PatientID" in reason


def test_without_a_bundle_the_question_is_not_analysed() -> None:
    name, refusal = evaluate(some_facts(), bundle=None)

    assert (name, refusal.reason) == ("refuse", "no_bundle")


def test_a_recalled_bundle_is_used_for_no_new_case() -> None:
    name, refusal = evaluate(some_facts(), recalled="the model was recalled: wrong coefficient")

    assert (name, refusal.reason) == ("refuse", "no_bundle")
    assert "wrong coefficient" in refusal.text


def test_the_richest_variant_with_a_bundle_leads_and_the_others_are_pinned_beside_it() -> None:
    _, pins = evaluate(some_facts(), others=EVERY)

    assert (pins.variant, pins.bundle_id) == ("clinical_dlr", "ln_pcr-dlr")
    assert pins.others == (PinnedBundle("clinical_radiomics", RADIOMICS), PinnedBundle("clinical", BUNDLE))
    assert pins.imaging == POLICY


def test_where_no_bundle_measures_images_nothing_about_them_is_pinned_and_old_keys_hold() -> None:
    _, pins = evaluate(some_facts())

    assert (pins.variant, pins.others, pins.imaging) == ("clinical", (), None)


def test_a_site_that_asks_for_the_forest_has_it_pinned_without_images_as_well() -> None:
    forest = ImagingPolicy(classifier="forest")

    assert evaluate(some_facts(), imaging=forest)[1].imaging == forest


def test_a_recalled_bundle_is_left_out_its_reason_said_and_the_next_variant_leads() -> None:
    why = "the model ln_pcr-dlr was recalled: a wrong layer"
    _, pins = evaluate(some_facts(), others=EVERY, recalled=why, only="ln_pcr-dlr")

    assert (pins.variant, [one.variant for one in pins.others]) == ("clinical_radiomics", ["clinical"])
    assert pins.notes[-1] == why


def test_a_demonstration_stands_back_behind_a_model_for_clinical_use_and_that_is_said() -> None:
    ours = replace(BUNDLE, bundle_id="our-own", intended_use=IntendedUse.CLINICAL)
    _, pins = evaluate(some_facts(), bundle=ours, others=EVERY)

    assert (pins.variant, pins.bundle_id, pins.others, pins.imaging) == ("clinical", "our-own", (), None)
    why = "is for demonstration use only and stands back behind one for clinical use"
    assert pins.notes[-2:] == (f"clinical_dlr: ln_pcr-dlr {why}", f"clinical_radiomics: ln_pcr-radiomics {why}")


def test_the_site_file_says_what_is_pinned_about_images() -> None:
    stated = Imaging.model_validate({"automatic_region": "never", "classifier": "forest", "refuse_distance": 6.5})

    assert stated.policy == ImagingPolicy(AutomaticRegion.NEVER, "forest", 6.5)


def test_facts_that_cannot_be_asked_for_postpone_and_never_refuse() -> None:
    assert evaluate(None, now=START + timedelta(days=2))[0] == "postpone"


def evaluate_panel(facts: PatientFacts, now: datetime = START, **panel: Any) -> tuple[str, Any]:
    case = DueCase("d" * 32, NAME, a_panel(**panel), InferenceState.COLLECTING, START + timedelta(hours=6), START)
    cases = Recorded(case)
    predictors = {NAME: PanelDouble()}
    EvaluateCases(cases, Known(facts), Installed(PANEL_BUNDLE), Recalled(), predictors, lambda: now)()
    (call,) = cases.calls
    return call


EVENT = NotAnalysed(NAME, NotAnalysedReason.ALREADY_METASTATIC, "lung metastasis is known since a later day")
WHOLE = {"hscrp": "12", "il6": "3", "ifn_alpha": "2", "tnf_alpha": "1"}


def test_a_whole_panel_is_pinned_with_its_values_and_without_images() -> None:
    name, pins = evaluate_panel(panel_facts(**WHOLE))

    assert name == "pin"
    assert {pinned.name: pinned.value for pinned in pins.inputs} == WHOLE
    assert (pins.instances, pins.study_instance_uid) == ((), a_panel().study_instance_uid)
    assert pins.demographics == panel_facts(**WHOLE).demographics  # images carry their own; a panel has the record's


def test_a_panel_waits_for_its_analytes_and_is_refused_at_the_deadline() -> None:
    assert evaluate_panel(panel_facts(hscrp="12")) == ("wait", ("ifn_alpha", "il6", "tnf_alpha"))
    assert evaluate_panel(panel_facts(hscrp="12"), now=START + timedelta(hours=6))[0] == "refuse"


def test_a_panel_of_a_record_that_was_erased_stops_as_a_conflict_that_speaks_of_values() -> None:
    name, reason = evaluate_panel(panel_facts(**WHOLE), conflicts=("PatientID: merged into a record",))

    assert name == "conflict"
    assert reason.startswith("the values of this draw")


@dataclass
class Box:
    """An outbox of one order."""

    order: Order = field(default_factory=lambda: Order("c" * 32, 1))
    sent_orders: list[Order] = field(default_factory=list)
    queued: int = 1
    given_back: int = 0

    def due(self, now: datetime, limit: int = 50) -> tuple[Order, ...]:
        return (self.order,)

    def sent(self, order: Order, now: datetime) -> None:
        self.sent_orders.append(order)

    def lost(self, before: datetime, now: datetime) -> int:
        self.given_back += 1
        return 1

    def waiting(self) -> int:
        return self.queued


@dataclass
class Line:
    """A queue that is there, or not."""

    length: int = 0
    up: bool = True
    sends: list[tuple[str, int]] = field(default_factory=list)

    def send(self, case_id: str, revision: int) -> None:
        if not self.up:
            raise UnavailableError("redis")
        self.sends.append((case_id, revision))

    def waiting(self) -> int:
        return self.length


@dataclass
class Nothing:
    """Neither leases nor deadlines."""

    def expire(self, now: datetime) -> int:
        return 0

    def tell(self, now: datetime) -> int:
        return 0


def test_an_order_goes_to_the_queue_and_is_recorded_as_sent() -> None:
    box, line = Box(), Line()
    SendOrders(box, line, lambda: START)()

    assert line.sends == [("c" * 32, 1)]
    assert box.sent_orders == [box.order]


def test_an_order_that_cannot_be_sent_stays_due() -> None:
    box = Box()
    with pytest.raises(UnavailableError):
        SendOrders(box, Line(up=False), lambda: START)()

    assert box.sent_orders == []


@pytest.mark.parametrize(("queued", "length", "given_back"), [(1, 0, 1), (1, 1, 0), (0, 0, 0)])
def test_orders_are_given_back_only_when_cases_wait_and_the_queue_is_empty(
    queued: int, length: int, given_back: int
) -> None:
    box = Box(queued=queued)
    Reconcile(Nothing(), Nothing(), box, Line(length), lambda: START)()

    assert box.given_back == given_back


@pytest.mark.parametrize(
    "changes", [{"identity": None}, {"demographics": Demographics(None, Sex.MALE)}, {"conflicts": ("sex",)}]
)
def test_a_conflict_about_laboratory_values_speaks_of_no_images(changes: dict[str, Any]) -> None:
    name, reason = evaluate_panel(panel_facts(**WHOLE), **changes)

    assert name == "conflict"
    assert "images" not in reason
    assert "values" in reason


@dataclass(frozen=True, slots=True)
class EventKnown(PanelDouble):
    """Finds that the event has become known since the draw."""

    def assess_panel(self, panel: Study, facts: PatientFacts) -> Overtaken:
        return Overtaken(EVENT, (PinnedInput("hscrp", "12", ()),))


def test_a_risk_that_its_event_has_overtaken_is_left_to_the_ledger_with_what_it_rests_on() -> None:
    case = DueCase("d" * 32, NAME, a_panel(), InferenceState.PREDICTED, START + timedelta(hours=6), START)
    cases = Recorded(case)
    known = Known(panel_facts(**WHOLE))
    EvaluateCases(cases, known, Installed(PANEL_BUNDLE), Recalled(), {NAME: EventKnown()}, lambda: START)()

    assert cases.calls == [("overtake", (EVENT, (PinnedInput("hscrp", "12", ()),)))]
