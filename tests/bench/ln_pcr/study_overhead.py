"""``study_overhead``: from a claimed case to every object rendered, against its parts called bare.

Ours: the jailed reading, every variant's answer, region and heatmap stored and read again, pixels decoded in a second
jail, SEG, Parametric Map, Secondary Capture and SR rendered and encoded. Bare: the same reading, predictor and
renderers called as functions in this process, nothing jailed, nothing stored. 5 phases x 120 slices of 256 x 256
(``--full``: 512).
"""

from __future__ import annotations

from contextlib import ExitStack

from services.results.deliver.formats.measured_images import MeasuredImages, on_grid, slices_of
from services.results.deliver.formats.parts import named_in_report, parts
from services.results.deliver.formats.secondary_capture import shown
from services.results.deliver.formats.source_slices import source_slices
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.sr_source import source_header
from services.results.deliver.formats.taking_back import Withdrawal, documents
from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.images import AutomaticRegion
from shared.domain.prediction import Prediction
from shared.imaging.region import BreastImages
from shared.radiomics.engine import installed_engine
from tests.bench.ln_pcr.options import Measured, Options, in_turns
from tests.bench.ln_pcr.whole_study import PREDICTOR, STYLE, WholeStudy
from tests.bench.rows import Row


def measure(options: Options) -> Measured:
    """Return one row: ours / bare."""
    whole = WholeStudy.simulated(options.folder, matrix=512 if options.full else 256)
    with ExitStack() as opened:
        answerer, renderer = whole.answerer(), whole.renderer(opened)
        sizes: list[int] = []

        def ours() -> None:
            answer = answerer(whole.claim(), PREDICTOR)
            if not isinstance(answer, Prediction):
                raise TypeError(f"no answer: {answer}")
            made = renderer.of(whole.finding(answer), (), lambda _part: False)
            sizes[:] = [len(encoded(one)) for one in (*made.parts, *made.documents)]

        ours()  # the first one starts the jails
        taken, bare = in_turns(ours, lambda: _bare(whole), options.repeats)
    kilobytes = ", ".join(f"{size // 1000}" for size in sizes)
    return Measured(
        (Row("study_overhead", taken / bare, 1.10, f"the parts bare: {bare:.1f} s", "ratio"),),
        (f"study: ours {taken:.2f} s, bare {bare:.2f} s; objects of {kilobytes} kB",),
    )


def _bare(whole: WholeStudy) -> None:
    places = [(whole.blobs.place(one.blob_uri), one.blob_uri) for one in whole.pins.instances]
    objects = [StoredObject(place.path, place.offset, place.length, uri) for place, uri in places]
    images = read_breast_images(objects, automatic=AutomaticRegion.USE, confirmed=None, side=None)
    if not isinstance(images, BreastImages):
        raise TypeError(images.text)
    found = PREDICTOR.answer_images(whole.pins, whole.opened.models, images, installed_engine())
    if not isinstance(found.answer, Prediction) or found.region is None:
        raise TypeError("no answer")
    finding = whole.finding(found.answer)
    with ExitStack() as opened:
        look = whole.renderer(opened)
        header = look.headers.read(finding)
        heatmap = on_grid(found.heatmap, found.region.grid) if found.heatmap else None
        indices = slices_of(found.region, heatmap)
        uids = {found.region.grid.frames[n].sop_instance_uid for n in indices}
        slices = source_slices(
            found.region.grid, indices, look.images._headers(finding, uids), source_header(finding, header)
        )
        seen = MeasuredImages(found.region, slices, heatmap)
        values = {one.index: images.early.voxels[one.index].astype("float32") for one in shown(seen)}
        made = parts(finding, MeasuredImages(found.region, slices, heatmap, values), STYLE)
        said = documents(finding, header, (), STYLE, Withdrawal("sr", "quality"), parts=named_in_report(made), gone=[])
    for one in (*made, *said):
        encoded(one)
