"""The part of ``bundle.json`` that is about images, typed, and as the contract the predictors know."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.predictors.imaging import (
    ImagingContract,
    NetworkContract,
    RadiomicsSettings,
    RadiomicsTerm,
    RadScore,
    SeenDistribution,
    SeenRange,
)

FileName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SettingsPart(_Part):
    """How features are measured (``RadiomicsSettings``)."""

    preset: Literal["A", "B", "C"]
    bin_width: float | None = Field(default=None, gt=0)
    bin_count: int | None = Field(default=None, ge=2, le=4096)
    normalise: bool
    normalise_scale: float = Field(gt=0)
    voxel_array_shift: float
    resampled_mm: tuple[float, float, float] | None = None

    @model_validator(mode="after")
    def _one_discretisation(self) -> Self:
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("either a bin width or a bin count")
        return self


class TermPart(_Part):
    """One feature of the rad-score."""

    feature: FileName
    mean: float
    deviation: float = Field(gt=0)
    coefficient: float


class RadScorePart(_Part):
    """The linear predictor on radiomic features."""

    settings: SettingsPart
    settings_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the engine's parameter file as it was used."""
    engine: Text
    intercept: float
    terms: tuple[TermPart, ...] = Field(max_length=1781)


class PrecisionPart(_Part):
    """The same network in another arithmetic, admitted by a measured gate."""

    precision: Literal["bfloat16", "int8"]
    graph: FileName
    """May be the float32 graph where the runtime converts by itself."""
    largest_difference: Share
    """max |difference of probability| to float32 on ``n`` crops."""
    n: int = Field(gt=0)


class NetworkGolden(_Part):
    """A crop with what the network must say of it."""

    crop: FileName
    """NumPy file, float32, shape of the input: normalised as it is given to the network."""
    probability: Share
    heat_peak: tuple[int, int, int]
    """Index of the largest heat."""
    tolerance: float = Field(gt=0, le=1e-3)
    """Of the probability, in float32."""


class NetworkPart(_Part):
    """The network (``NetworkContract``)."""

    graph: FileName
    """ONNX; input ``crop`` [n, channels, slices, rows, columns] float32, outputs ``probability`` [n] of the positive
    class and ``heat`` [n, slices, rows, columns]."""
    input_shape: tuple[int, int, int, int]
    margin: float = Field(ge=0, le=4)
    normalisation: Literal["z-score"]
    heat_layer: Text
    heat_shape: tuple[int, int, int]
    architecture: Text
    parameters: int = Field(gt=0)
    pretrained: str = ""
    """Where its first weights came from, with sha256; empty: random."""
    precisions: tuple[PrecisionPart, ...] = ()
    golden: tuple[NetworkGolden, ...] = Field(min_length=1)


class RangePart(_Part):
    """What of one quantity the training patients had."""

    name: FileName
    low: float
    high: float


class SeenPart(_Part):
    """What the model has seen (``SeenDistribution``)."""

    ranges: tuple[RangePart, ...]
    manufacturers: tuple[str, ...] = ()
    features: tuple[FileName, ...]
    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    quantiles: tuple[tuple[float, float], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _square(self) -> Self:
        n = len(self.features)
        if len(self.mean) != n or len(self.precision) != n or any(len(row) != n for row in self.precision):
            raise ValueError("mean and precision have one entry per feature")
        return self


class Imaging(_Part):
    """What the variant needs of the images."""

    rad_score: RadScorePart | None = None
    network: NetworkPart | None = None
    seen: SeenPart

    @property
    def files(self) -> tuple[str, ...]:
        """Return every file it names."""
        if self.network is None:
            return ()
        network = self.network
        return (network.graph, *(one.graph for one in network.precisions), *(one.crop for one in network.golden))


class Forest(_Part):
    """The random forest beside the logistic regression: the same features, another graph."""

    graph: FileName
    """Input ``features`` [rows, columns], output ``probability`` [rows, 1]."""
    precision: Literal["float64", "float32"]
    trees: int = Field(gt=0)
    features_per_split: int = Field(gt=0)
    golden: tuple[Share, ...] = Field(min_length=1)
    """Its probability of the positive class at each of the manifest's golden inputs."""
    tolerance: float = Field(gt=0, le=1e-5)


def contract_of(part: Imaging) -> ImagingContract:
    """Return the part as predictors know it."""
    return ImagingContract(_rad_score(part.rad_score), _network(part.network), _seen(part.seen))


def _rad_score(part: RadScorePart | None) -> RadScore | None:
    if part is None:
        return None
    settings = RadiomicsSettings(**part.settings.model_dump())
    terms = tuple(RadiomicsTerm(one.feature, one.mean, one.deviation, one.coefficient) for one in part.terms)
    return RadScore(settings, part.engine, part.intercept, terms)


def _network(part: NetworkPart | None) -> NetworkContract | None:
    if part is None:
        return None
    return NetworkContract(
        part.input_shape, part.margin, part.normalisation, part.heat_layer, part.heat_shape, part.architecture
    )


def _seen(part: SeenPart) -> SeenDistribution:
    ranges = tuple(SeenRange(one.name, one.low, one.high) for one in part.ranges)
    return SeenDistribution(ranges, part.manufacturers, part.features, part.mean, part.precision, part.quantiles)
