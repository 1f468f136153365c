"""Training put together: a cohort manifest in, a run folder out; a run folder in, a signed bundle out."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.model_factory.adapters.run_folder import open_run, write_whole
from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.formats.graph import cox_graph
from services.model_factory.formats.run_file import RESULTS_NAME, provenance_bytes, read_survival_results, to_bytes
from services.model_factory.formats.survival_card import survival_card
from services.model_factory.handlers.seal_bundle import seal
from services.model_factory.handlers.training.bundle_draft import GRAPH_FILE, Label, draft
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.run import TrainingRun
from services.model_factory.handlers.training.stated import Preset
from services.model_factory.handlers.training.targets import target_for
from services.model_factory.ports import Progress
from shared.domain.errors import InvalidInputError

PACKAGES = ("lifelines", "numpy", "oncorelay", "pandas", "scikit-learn", "scipy")


def train(
    target: str,
    manifest: Path,
    preset: Preset,
    out: Path,
    progress: Progress,
    sizes: Mapping[str, int],
    variables: tuple[str, ...] = (),
    *,
    resume: bool = False,
) -> RunResults:
    """Train ``target`` on the cohort of ``manifest`` and write the run into ``out``; return its results.

    ``sizes``: fields of :class:`Order`. One thread, so that sums come out the same on every number of cores.

    Raises:
        InvalidInputError: If the cohort, a variable or a size is not what it must be; names the place.
        ConflictError: If ``out`` holds another run, or one that was not to be resumed.
    """
    from threadpoolctl import threadpool_limits

    cohort = read_cohort(manifest)
    order = Order(target_for(target, cohort.event), preset, variables=variables, **sizes)
    provenance = order.provenance(cohort.sources, software())
    kept = open_run(out, provenance.inputs_digest, resume=resume)
    with threadpool_limits(1):
        results = TrainingRun(cohort, order, provenance, kept, progress)()
    write_whole(out / RESULTS_NAME, to_bytes(results))
    return results


def software() -> tuple[tuple[str, str], ...]:
    """Return what a run's numbers depend on, with versions.

    Raises:
        InvalidInputError: If the extra ``train`` is not installed.
    """
    try:
        import xgboost

        versions = [(name, importlib.metadata.version(name)) for name in PACKAGES]
    except ImportError as error:
        raise InvalidInputError("installation", "training needs the extra: pip install 'oncorelay[train]'") from error

    return (("python", platform.python_version()), *versions, ("xgboost", str(xgboost.__version__)))


def bundle_of_run(run: Path, out: Path, key: Ed25519PrivateKey, label: Label) -> Path:
    """Seal the model of the finished run ``run`` as a bundle below ``out``, with the public key beside it.

    Raises:
        InvalidInputError: If the run is not finished, its model cannot be served, or the folder exists.
    """
    results = read_survival_results(run)
    folder = out / label.bundle_id
    if folder.exists():
        raise InvalidInputError(str(folder), "exists already; remove it or choose another folder")
    statement = draft(results, label)
    terms = statement["survival"]["terms"]
    given = [one["baseline_cumulative_hazard"] for one in statement["survival"]["horizons"] if not one["refused"]]
    ratios, centres = [one["log_hazard_ratio"] for one in terms], [one["centre"] for one in terms]
    files = {
        GRAPH_FILE: cox_graph(label.bundle_id, ratios, centres, given),
        "card.md": survival_card(statement, results).encode(),
        "provenance.json": provenance_bytes(results),
    }
    sealed = seal(statement, files, key.sign)
    folder.mkdir(parents=True)
    for name, content in sealed.items():
        (folder / name).write_bytes(content)
    (out / f"{label.bundle_id}.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return folder
