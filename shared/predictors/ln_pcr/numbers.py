"""The numbers an answer states beside its probability: size, enhancement, features, rad-score, network, heat."""

from __future__ import annotations

from shared.domain.images import Measured
from shared.imaging.heat import heat_shares
from shared.imaging.quantities import ENHANCEMENT, LONGEST, RATIO, VOLUME
from shared.predictors.distance import Distance
from shared.predictors.imaging import RadiomicsSettings
from shared.predictors.ln_pcr.measuring import Measuring, VariantNumbers
from shared.predictors.ln_pcr.variants import DL_PROB, RAD_SCORE
from shared.predictors.models import ImageModel, Model

_STUDY = (
    (VOLUME, "volume", "Volume of the region", "mm3", "number of voxels times the volume of one"),
    (LONGEST, "longest_diameter", "Longest diameter of the region", "mm", "between voxel centres, in three dimensions"),
    (ENHANCEMENT, "median_enhancement", "Median percent enhancement of the region", "%", "100 (early - pre) / pre"),
    (RATIO, "median_ser", "Median signal enhancement ratio of the region", "1", "(early - pre) / (late - pre)"),
)  # fmt: skip
"""Quantity, name, text, UCUM unit, method."""


def measured_numbers(
    measuring: Measuring, model: Model, numbers: VariantNumbers | None, far: Distance | None
) -> tuple[Measured, ...]:
    """Return what was measured, the leading variant's numbers behind those of the study."""
    study = measuring.study
    rows = [Measured(name, text, study[key], unit, how) for key, name, text, unit, how in _STUDY if key in study]
    if numbers is not None and isinstance(model, ImageModel) and model.imaging is not None:
        rows += [*_radiomics(measuring, model, numbers), *_network(measuring, model, numbers)]
    if far is not None:
        method = f"Mahalanobis; {far.share:.0%} of the training patients lie nearer"
        rows.append(Measured("training_distance", "Distance from the training patients", far.value, "1", method))
    return tuple(rows)


def _radiomics(measuring: Measuring, model: ImageModel, numbers: VariantNumbers) -> list[Measured]:
    score = model.imaging.rad_score if model.imaging else None
    if score is None:
        return []
    engine = measuring.engine.version if measuring.engine else ""
    how = f"{engine}, {settings_in_words(score.settings)}"
    rows = [Measured(name, name, value, "1", how) for name, value in numbers.features.items()]
    method = f"linear predictor of {len(score.terms)} features, {_bundle(model)}"
    return [*rows, Measured(RAD_SCORE, "Rad-score", numbers.columns[RAD_SCORE], "1", method)]


def _network(measuring: Measuring, model: ImageModel, numbers: VariantNumbers) -> list[Measured]:
    network = model.imaging.network if model.imaging else None
    look, heatmap = numbers.look, numbers.heatmap
    if network is None or look is None:
        return []
    how = f"{network.architecture}, {look.runtime}, {look.precision}, {_bundle(model)}"
    rows = [Measured(DL_PROB, "Probability of the network alone", look.probability, "1", how)]
    shares = heat_shares(heatmap, measuring.images.region.mask) if heatmap else None
    if shares is None:
        return rows
    where = f"class activation of {network.heat_layer}"
    return [
        *rows,
        Measured("heat_inside", "Share of the heat inside the region", shares.inside, "1", where),
        Measured("heat_ring", f"Share of the heat up to {shares.ring_mm:g} mm around it", shares.ring, "1", where),
    ]


def settings_in_words(settings: RadiomicsSettings) -> str:
    """Return how features were measured."""
    bins = f"bin width {settings.bin_width:g}" if settings.bin_width is not None else f"{settings.bin_count} bins"
    scaled = f"z-score x {settings.normalise_scale:g}" if settings.normalise else "intensities as they are"
    size = "x".join(f"{mm:g}" for mm in settings.resampled_mm) + " mm" if settings.resampled_mm else "not resampled"
    return f"preset {settings.preset}, {bins}, {scaled}, shift {settings.voxel_array_shift:g}, {size}"


def _bundle(model: Model) -> str:
    return f"{model.reference.bundle_id} {model.reference.version}"
