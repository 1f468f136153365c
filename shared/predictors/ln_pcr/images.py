"""Which variant answers, once the images were read: the richest that can; the others stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shared.domain.case import Pins
from shared.domain.images import Artefact, ArtefactKind, AutomaticRegion, ImagingPolicy, RegionProposed
from shared.domain.prediction import Flag, NotAnalysed, NotAnalysedReason, Prediction, VariantAnswer
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.predictors.contract import ImageAnswer, RadiomicsEngine, used_inputs
from shared.predictors.disagreement import disagreements
from shared.predictors.distance import Distance, distance_of, outside
from shared.predictors.imaging import SeenDistribution
from shared.predictors.ln_pcr.answers import classifier_of, predict
from shared.predictors.ln_pcr.basis import basis_of, basis_of_trouble, placed, used_region
from shared.predictors.ln_pcr.clinical import NAME
from shared.predictors.ln_pcr.measuring import Measuring, UnmeasuredError, VariantNumbers, features_wanted
from shared.predictors.ln_pcr.numbers import measured_numbers
from shared.predictors.ln_pcr.variants import CLINICAL, IMAGE_VARIANTS, NO_BUNDLE, TITLES, VARIANTS, pinned_variants
from shared.predictors.models import ImageModel, Model


@dataclass(frozen=True, slots=True)
class Said:
    """What one variant says, with what it was measured from."""

    prediction: Prediction
    model: Model
    numbers: VariantNumbers | None = None

    @property
    def seen(self) -> SeenDistribution | None:
        """Return what a model that measured images has seen."""
        contract = self.model.imaging if isinstance(self.model, ImageModel) else None
        return contract.seen if contract and self.numbers else None


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, the same for every variant."""

    levels: Mapping[str, str]
    pins: Pins
    models: Mapping[str, Model]
    images: BreastImages | ImageTrouble
    engine: RadiomicsEngine | None

    @property
    def policy(self) -> ImagingPolicy:
        """Return what the site decided."""
        return self.pins.imaging or ImagingPolicy()

    @property
    def measuring(self) -> bool:
        """Tell whether any bundle that is here measures images."""
        return bool(IMAGE_VARIANTS & set(self.models))


def answer_images(
    levels: Mapping[str, str], pins: Pins, models: Mapping[str, Model], images: BreastImages | ImageTrouble,
    engine: RadiomicsEngine | None,
) -> ImageAnswer:  # fmt: skip
    """Answer, propose a region, or say why the question is not analysed; ``levels`` are checked."""
    asked = Asked(levels, pins, models, images, engine)
    if isinstance(images, ImageTrouble):
        if images.problem is ImageProblem.SIDE_CONFLICT:
            return ImageAnswer(_not_analysed(asked, NotAnalysedReason.SIDE_CONFLICT, images.text))
        return _answered(asked, None)
    if asked.measuring and _must_be_confirmed(asked, images):
        return ImageAnswer(_proposed(images), images.region.mask)
    contracts = (one.imaging for one in models.values() if isinstance(one, ImageModel))
    wanted = features_wanted(tuple(one for one in contracts if one))
    return _answered(asked, Measuring(images, engine, wanted))


def _answered(asked: Asked, measuring: Measuring | None) -> ImageAnswer:
    found = {variant: _of_variant(asked, variant, measuring) for variant in VARIANTS}
    said = next((one for one in found.values() if isinstance(one, Said)), None)
    if said is None:
        why = _joined(str(one) for one in found.values())
        return ImageAnswer(_not_analysed(asked, NotAnalysedReason.UNUSABLE_INPUT, f"no variant can answer: {why}"))
    far = _distance(said, measuring)
    if far and 0 < asked.policy.refuse_distance < far.value:
        text = f"{far.text}; this site answers up to {asked.policy.refuse_distance:g}"
        return ImageAnswer(_not_analysed(asked, NotAnalysedReason.OUT_OF_DISTRIBUTION, text))
    answer = _whole(asked, said, found, measuring, far)
    region = measuring.images.region.mask if measuring else None
    return ImageAnswer(answer, region, said.numbers.heatmap if said.numbers else None)


def _of_variant(asked: Asked, variant: str, measuring: Measuring | None) -> Said | str:
    """Return what a variant says, or the clause that says why it cannot."""
    bundle, model = pinned_variants(asked.pins).get(variant), asked.models.get(variant)
    if bundle is None:
        return NO_BUNDLE[variant]
    if model is None:
        return f"the worker that answers refused its bundle {bundle.bundle_id}"
    inputs = used_inputs(asked.pins.inputs, asked.pins.facts)
    given = (asked.levels, inputs, asked.pins.notes, model)
    if variant == CLINICAL:
        return Said(predict(*given, classifier=asked.policy.classifier), model)
    try:
        numbers = _numbers(asked, model, measuring)
    except UnmeasuredError as error:
        return str(error)
    prediction = predict(*given, variant=variant, measured=numbers.columns, classifier=asked.policy.classifier)
    return Said(_with_network(prediction, numbers), model, numbers)


def _numbers(asked: Asked, model: Model, measuring: Measuring | None) -> VariantNumbers:
    if isinstance(asked.images, ImageTrouble):
        raise UnmeasuredError(asked.images.text.rstrip("."))
    if measuring is None or not isinstance(model, ImageModel):
        raise UnmeasuredError("its bundle does not say what it measures")
    return measuring.of(model)


def _with_network(prediction: Prediction, numbers: VariantNumbers) -> Prediction:
    """Name the network's engine beside the graph's: both made the number."""
    look = numbers.look
    if look is None:
        return prediction
    runtime = f"{prediction.runtime}, network {look.runtime}"
    return replace(prediction, runtime=runtime, precision=f"{prediction.precision}, network {look.precision}")


def _whole(
    asked: Asked, said: Said, found: Mapping[str, Said | str], measuring: Measuring | None, far: Distance | None
) -> Prediction:
    images, leading = asked.images, said.prediction.variant
    variants = tuple(_row(asked, name, one) for name, one in found.items())
    flags = _trouble_flags(asked) + _seen_flags(asked, said, measuring, far) + _disagreement(variants, leading)
    return replace(
        said.prediction,
        flags=said.prediction.flags + flags,
        variant_reason=_reason(asked, leading, found),
        variants=variants,
        images=basis_of_trouble(images) if isinstance(images, ImageTrouble) else basis_of(images, asked.pins.region),
        measured=measured_numbers(measuring, said.model, said.numbers, far) if measuring else (),
    )


def _reason(asked: Asked, leading: str, found: Mapping[str, Said | str]) -> str:
    if leading == VARIANTS[0]:
        return f"{TITLES[leading]}: all inputs are there"
    if not asked.measuring and not IMAGE_VARIANTS & set(pinned_variants(asked.pins)):
        return f"{TITLES[leading]}: no bundle that measures images is installed"
    richer = (found[name] for name in VARIANTS[: VARIANTS.index(leading)])
    return f"{TITLES[leading]}: {_joined(str(one) for one in richer)}"


def _joined(clauses: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(clauses))


def _row(asked: Asked, variant: str, one: Said | str) -> VariantAnswer:
    if isinstance(one, str):
        return VariantAnswer(variant, None, pinned_variants(asked.pins).get(variant), why_not=one)
    by = classifier_of(one.model, asked.policy.classifier)
    return VariantAnswer(variant, one.prediction.probability, one.model.reference, by, one.prediction.interval)


def _trouble_flags(asked: Asked) -> tuple[Flag, ...]:
    if not isinstance(asked.images, ImageTrouble) or not asked.measuring:
        return ()
    return (Flag("images_not_measured", f"The images were not measured: {asked.images.text}"),)


def _disagreement(variants: tuple[VariantAnswer, ...], leading: str) -> tuple[Flag, ...]:
    return tuple(Flag("variants_disagree", text) for text in disagreements(variants, leading))


def _distance(said: Said, measuring: Measuring | None) -> Distance | None:
    return distance_of(said.seen, _values(said, measuring)) if said.seen and measuring else None


def _values(said: Said, measuring: Measuring) -> dict[str, float]:
    numbers = said.numbers
    return {**measuring.study, **(numbers.features if numbers else {}), **(numbers.columns if numbers else {})}


def _seen_flags(asked: Asked, said: Said, measuring: Measuring | None, far: Distance | None) -> tuple[Flag, ...]:
    if said.seen is None or measuring is None:
        return ()
    taken = measuring.images.acquisition
    texts = outside(said.seen, _values(said, measuring), taken.manufacturer if taken else "")
    unusual = (far.text,) if far and far.unusual else ()
    flags = tuple(Flag("outside_training", f"Outside what the model has seen: {one}.") for one in (*texts, *unusual))
    return flags + _other_engine(asked, said)


def _other_engine(asked: Asked, said: Said) -> tuple[Flag, ...]:
    contract = said.model.imaging if isinstance(said.model, ImageModel) else None
    score, engine = contract.rad_score if contract else None, asked.engine.version if asked.engine else ""
    if score is None or not score.terms or score.engine == engine:
        return ()
    return (Flag("other_engine", f"Features are measured with {engine}; the model was trained with {score.engine}."),)


def _must_be_confirmed(asked: Asked, images: BreastImages) -> bool:
    asks = asked.policy.automatic_region is AutomaticRegion.CONFIRM
    return asks and asked.pins.region is None and images.region.by_algorithm


def _proposed(images: BreastImages) -> RegionProposed:
    """Return the proposal; who stores the mask says where."""
    nowhere = Artefact(ArtefactKind.REGION, "", "")
    return RegionProposed(NAME, nowhere, used_region(images.region), placed(images), basis_of(images, None))


def _not_analysed(asked: Asked, reason: NotAnalysedReason, text: str) -> NotAnalysed:
    return NotAnalysed(NAME, reason, text, used_inputs(asked.pins.inputs, asked.pins.facts))
