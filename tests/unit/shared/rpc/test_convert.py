"""Domain value -> message -> domain value is the identity, for every kind that travels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from shared.domain.case import Claim, PinnedBundle, PinnedInput, PinnedInstance, Pins
from shared.domain.coding import Coding
from shared.domain.errors import InvalidInputError
from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts, Tumour
from shared.domain.identity import Demographics, PatientIdentity, Sex, Side
from shared.domain.images import (
    Artefact,
    ArtefactKind,
    AutomaticRegion,
    ImageBasis,
    ImagingPolicy,
    Measured,
    PhaseRole,
    PinnedRegion,
    RegionOrigin,
    RegionProposed,
    RejectedSeries,
    UsedPhase,
    UsedRegion,
)
from shared.domain.prediction import (
    Alternative,
    BundleReference,
    Flag,
    IntendedUse,
    Outcome,
    Prediction,
    UsedInput,
    VariantAnswer,
)
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.lab_consumer.v1 import lab_consumer_service_pb2 as lab
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.rpc.gen.oncorelay.types.v1 import types_pb2 as types

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
IDENTITY = PatientIdentity("hospital", "MRN1")
FACT = Fact(
    "Observation/1#er", FactName.ESTROGEN_RECEPTOR, "positive", "", Coding("http://loinc.org", "LA6576-8", "Positive"),
    date(2026, 1, 2), NOW, FactStatus.FINAL, "Observation/1", "3", Tumour("Condition/1", Side.LEFT),
)  # fmt: skip
OUTCOME = Outcome("axillary_pcr", "no residual nodal disease", "residual", "residual nodal disease", favourable=True)
PREDICTION = Prediction(
    "ln_pcr", "clinical", BundleReference("b", "1", "ff", IntendedUse.DEMONSTRATION), OUTCOME, 0.1 + 0.2,
    (UsedInput("er", "positive"),), (Flag("x", "y"),), (Alternative("low", 0.25),), None, "ort", "float64",
)  # fmt: skip


def _study() -> Study:
    return Study(
        "1.2.3", IDENTITY, Demographics(date(1965, 1, 1), Sex.FEMALE), date(2026, 1, 1), "BREAST", None,
        (Instance("1.2.3.4", "1.2", "1.2.3.1", "MR", "aa", "bb", "file:///x"),),
        Completeness(CompletenessEvidence.QUIET_TIME, "quiet", NOW), "PACS", ("PatientID",),
    )  # fmt: skip


def _claim() -> Claim:
    pins = Pins(
        IDENTITY, "1.2.3", None, Side.LEFT, "clinical", "b", "ff", (PinnedInput("er", "positive", ("f",)),), (FACT,),
        (PinnedInstance("1.2.3.4", "1.2", "1.2.3.1", "aa", "bb", "file:///x"),), NOW, ("note",),
    )  # fmt: skip
    return Claim("case-1", 2, 30.0, "ln_pcr", pins, "token")


REGION = Artefact(ArtefactKind.REGION, "file:///x/artefacts/c/aa", "a" * 64)
BASIS = ImageBasis(
    (UsedPhase("1.2.3", 1, PhaseRole.PRE), UsedPhase("1.2.3", 2, PhaseRole.EARLY, 118.5)), "nearest to 90 to 150 s",
    UsedRegion(RegionOrigin.PERSON, "functional tumour volume", 4100, 4305.25, "dr-test", "1.2.9"),
    (RejectedSeries("1.2.4", "diffusion"),), ("no injection time",),
)  # fmt: skip
PROPOSED = RegionProposed("ln_pcr", REGION, UsedRegion(RegionOrigin.AUTOMATIC, "m", 3, 1.5), "a region", BASIS)
IMAGED = replace(
    PREDICTION, variant="clinical_dlr", variant_reason="Clinical-DLR: all inputs are there", images=BASIS,
    variants=(
        VariantAnswer("clinical_dlr", 0.7, PREDICTION.bundle, "forest", (0.6, 0.8)),
        VariantAnswer("clinical", None, why_not="no clinical bundle is installed"),
    ),
    measured=(Measured("volume", "Volume", 4305.25, "mm3", "voxels", Coding("http://snomed.info/sct", "1", "Volume")),),
    artefacts=(REGION, Artefact(ArtefactKind.HEATMAP, "file:///y", "b" * 64)),
)  # fmt: skip


def _image_claim() -> Claim:
    other = PinnedBundle("clinical", PREDICTION.bundle)
    policy = ImagingPolicy(AutomaticRegion.CONFIRM, "forest", 6.5)
    region = PinnedRegion(REGION, "dr-test", "functional tumour volume")
    claim = _claim()
    return replace(claim, pins=replace(claim.pins, others=(other,), imaging=policy, region=region))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (_study(), types.Study),
        (PREDICTION, types.Prediction),
        (_claim(), results.Claim),
        (IMAGED, types.Prediction),
        (PROPOSED, types.RegionProposed),
        (_image_claim(), results.Claim),
        (PatientFacts(IDENTITY, NOW, Demographics(), "", (Tumour("", Side.LEFT),), (FACT,)), lab.PatientFacts),
    ],
)
def test_a_value_survives_the_trip(value: object, kind: type) -> None:
    assert from_message(to_message(value, kind), type(value)) == value


def test_a_message_without_a_required_part_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="demographics"):
        from_message(types.Study(study_instance_uid="1.2"), Study)
