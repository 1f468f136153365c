"""``slide_s``: from a complete file of 10^9 pixels, a quarter of it tissue, to every form written.

Cut as the paper does (Eq. 1), judged by a network of full width. In bfloat16 where processor and OpenVINO have it, else
in float32. Simulating the slide and opening the bundle are not counted; hashing, describing, jail, stain fit, network,
aggregation, artefacts and the folder sink with all its forms are. ``--full`` adds how the time grows with the slide.
"""

from __future__ import annotations

import time

from services.results.deliver.adapters.folder import FolderSink
from shared.bundles.errors import BundleRefusedError
from shared.bundles.runtimes.port import Engine, Precision
from shared.domain.slides import Cropping
from tests.bench.her2.whole_slide import WholeSlide, bundle, said
from tests.bench.her2.written_forms import FORMS, folder_sink, written
from tests.bench.ln_pcr.options import Measured, Options
from tests.bench.rows import Row

PIXELS = 10**9
GOAL_S = 30.0
GROWING = (10**7, 10**8, 10**9, 4 * 10**9)


def measure(options: Options) -> Measured:
    """Return one row; with ``--full`` a note for each size."""
    bundle(options.folder)
    slide = fastest(options)
    precision = opened_precision(slide)
    sink = folder_sink(slide, options.folder / "forms")
    sizes = GROWING if options.full else (PIXELS,)
    times, notes = {}, []
    for pixels in sizes:
        slide.scan(pixels)
        times[pixels], about = _through(slide, sink)
        notes.append(f"slide_s {pixels:.0e} pixels: {times[pixels]:.1f} s; {about}")
    row = Row("slide_s", times[PIXELS], GOAL_S, "goal where bfloat16 is had", "s", precision=precision)
    return Measured((row,), tuple(notes), len(list((options.folder / "forms").glob("*.*"))) >= FORMS)


def fastest(options: Options) -> WholeSlide:
    """Open the bundle on the fastest engine there is here."""
    choices: tuple[tuple[Engine, Precision], ...] = (("openvino", "bfloat16"), ("onnxruntime", "float32"))
    for engine, precision in choices:
        try:
            slide = WholeSlide.stored(options.folder, engine, precision)
            assert slide.model.patch_network is not None
        except BundleRefusedError:
            continue
        return slide
    raise RuntimeError("no engine is installed")


def opened_precision(slide: WholeSlide) -> str:
    """Return the arithmetic that is really used."""
    return slide.model.patch_network.precision if slide.model.patch_network else ""


def _through(slide: WholeSlide, sink: FolderSink) -> tuple[float, str]:
    begun = time.perf_counter()
    answer = slide.answer(Cropping.PAPER)
    written(slide, sink, answer)
    return time.perf_counter() - begun, said(answer)
