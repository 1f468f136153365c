"""What ``oncorelay case`` shows of images: phases and region and why, numbers, every variant, a region that waits."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from shared.domain.case import CaseDetail, InferenceState
from shared.domain.images import ImageBasis, Measured, PhaseRole, RegionProposed, UsedPhase, UsedRegion
from shared.domain.prediction import Prediction, VariantAnswer

ORIGINS = {
    "seg": "a DICOM segmentation", "rtstruct": "an RT structure set", "mask_file": "a mask beside the study",
    "person": "found automatically, confirmed by a person", "automatic": "found automatically, confirmed by nobody",
}  # fmt: skip
REMEDY = (
    "to have the images measured: send what they lack into the same study, a SEG or RTSTRUCT of the tumour too; "
    "the case is asked again by itself"
)


def show_images(answer: Prediction, console: Console) -> None:
    """Print what stands behind an answer from images; nothing for an answer without."""
    for line in image_lines(answer):
        console.print(f"  {line}", soft_wrap=True)


def image_lines(answer: Prediction) -> Iterator[str]:
    """Yield the lines."""
    if answer.variant_reason:
        yield answer.variant_reason
    for one in answer.variants:
        yield f"  {_variant(one, answer)}"
    if any(flag.code == "images_not_measured" for flag in answer.flags):
        yield REMEDY
    if answer.images:
        yield from _basis(answer.images)
    before = ""
    for number in answer.measured:
        yield f"  {_measured(number, number.method if number.method != before else '')}"
        before = number.method
    for stored in answer.artefacts:
        yield f"  {stored.kind}: sha256 {stored.digest[:16]}"


def show_proposed(detail: CaseDetail, console: Console) -> None:
    """Print the region that a person may confirm, and how."""
    proposed = detail.proposed
    if proposed is None:
        return
    waits = detail.case.state is InferenceState.COLLECTING
    console.print(
        "a region waits for a person" if waits else "a region was not confirmed in time, and still may be", style="bold"
    )
    for line in _proposal(proposed):
        console.print(f"  {line}", soft_wrap=True)
    case = f"oncorelay case {detail.case.case_id[:12]}"
    command = f"{case} confirm-region"
    console.print(f"  look at it: `{case} save-region --out region.nrrd`, over the series", soft_wrap=True)
    console.print(f'  is it the tumour? `{command}`, else `{command} --reject --reason "..."`', soft_wrap=True)


def _proposal(proposed: RegionProposed) -> Iterator[str]:
    yield proposed.text
    if proposed.images:
        yield from _basis(proposed.images)
    yield f"stored at {proposed.artefact.blob_uri}"


def _basis(basis: ImageBasis) -> Iterator[str]:
    yield f"images: {basis.why}"
    for phase in basis.phases:
        yield f"  {_phase(phase)}"
    if basis.region:
        yield f"  {_region(basis.region)}"
    for series in basis.rejected:
        yield f"  not used: series {series.series_instance_uid}: {series.reason}"
    for remark in basis.remarks:
        yield f"  remark: {remark}"


def _phase(phase: UsedPhase) -> str:
    when = "time unknown" if phase.seconds is None else f"{phase.seconds:.0f} s"
    role = {PhaseRole.EARLY: "early, measured"}.get(phase.role, phase.role.value)
    return f"phase {phase.number} ({role}), {when}, series {phase.series_instance_uid}"


def _region(region: UsedRegion) -> str:
    author = f", {region.author}" if region.author else ""
    source = f", {region.source_instance_uid}" if region.source_instance_uid else ""
    size = f"{region.volume_mm3 / 1000:.2f} cm3 ({region.voxels} voxels)"
    return f"region: {size}, {ORIGINS[region.origin]}{author}: {region.method}{source}"


def _variant(one: VariantAnswer, answer: Prediction) -> str:
    if one.probability is None:
        return f"{one.variant}: none, {one.why_not}"
    between = f" ({one.interval[0]:.4f} to {one.interval[1]:.4f})" if one.interval else ""
    mark = "  <- the result" if one.variant == answer.variant else ""
    bundle = f", {one.bundle.bundle_id} {one.bundle.version}" if one.bundle else ""
    return f"{one.variant}: {one.probability!r}{between}, {one.classifier}{bundle}{mark}"


def _measured(number: Measured, method: str) -> str:
    unit = "" if number.unit == "1" else f" {number.unit}"
    return f"{number.display} = {number.value:.6g}{unit}" + (f"  ({method})" if method else "")
