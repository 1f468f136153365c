"""Real cohorts end to end: GBSG2, GSE7390 (both come with libraries) and I-SPY 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lifelines.datasets import load_gbsg2
from sksurv.datasets import load_breast_cancer

from services.model_factory.app.training import train
from services.model_factory.handlers.cohort.typed import Categorical, Column, Measured, TypedCohort
from services.model_factory.handlers.folds.making import everyone
from services.model_factory.handlers.training.crossing import cross
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.targets import TIME_TO_EVENT
from tests.unit.services.model_factory.training.small import Nowhere, Quiet, few_trees

SIZES = {"seed": 1, "bootstraps": 1, "folds": 3, "repeats": 1, "resamples": 10}
HEAD = 'schema_version = 1\nname = "{name}"\ndescription = "{name}"\npatient = "{patient}"\n'


def trained(folder: Path, manifest: str, preset: str = "corrected") -> RunResults:
    (folder / "manifest.toml").write_text(manifest)
    chosen = "paper" if preset == "paper" else "corrected"
    return train("time_to_event", folder / "manifest.toml", chosen, folder / "run", Quiet(), SIZES)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let forests be small: what is tested here is the way, not the choice."""
    few_trees(monkeypatch, 60, 10)


def test_gbsg2_goes_through_and_gives_what_is_known_of_it(tmp_path: Path) -> None:
    """686 women, 299 events (Schumacher et al., J Clin Oncol 1994); nodes and progesterone receptor matter."""
    table = load_gbsg2().assign(patient=range(686))
    table.to_csv(tmp_path / "gbsg2.csv", index=False)
    measured = "".join(
        f'[[column]]\nname = "{n}"\nunit = "1"\n' for n in ("age", "tsize", "pnodes", "progrec", "estrec")
    )
    levels = (("horTh", '["no", "yes"]'), ("menostat", '["Pre", "Post"]'), ("tgrade", '["I", "II", "III"]'))
    factors = "".join(f'[[column]]\nname = "{name}"\nlevels = {texts}\n' for name, texts in levels)
    outcome = (
        '[[table]]\nfile = "gbsg2.csv"\n[outcome]\ncode = "recurrence"\ndisplay = "Recurrence"\ntime = "time"\n'
        'unit = "d"\nstatus = "cens"\nevent = ["1"]\ncensored = ["0"]\n'
    )

    results = trained(tmp_path, HEAD.format(name="gbsg2", patient="patient") + outcome + measured + factors)

    assert (results.cohort.patients, results.cohort.events) == (686, 299)
    assert {"pnodes", "progrec"} <= set(results.selection.chosen)
    ratio = {term.candidate: term.log_hazard_ratio for term in results.model.terms}
    assert ratio["pnodes"] > 0 > ratio["progrec"]
    (out,) = (one for one in results.performance if (one.name, one.kind) == ("c_index", "out_of_fold"))
    assert out.value is not None
    assert 0.62 < out.value < 0.74
    five, ten = results.model.horizons
    assert (five.refused == "", ten.at_risk) == (True, 0)


def gse7390() -> TypedCohort:
    """Return 198 node-negative women, 51 distant metastases, 78 genes and 2 clinical columns and more."""
    x, y = load_breast_cancer()
    columns: list[Column] = []
    measured, categorical = {}, {}
    for name in x.columns:
        if x[name].dtype.kind == "f":
            columns.append(Measured(name, name, "1"))
            measured[name] = x[name].to_numpy(dtype=np.float64)
        else:
            columns.append(Categorical(name, name, tuple(str(level) for level in x[name].cat.categories)))
            categorical[name] = x[name].cat.codes.to_numpy().astype(np.intp)
    names = tuple(f"patient-{place}" for place in range(len(x)))
    return TypedCohort(
        "gse7390", "GSE7390", False, "distant_metastasis", "Distant metastasis", "", names, tuple(columns), measured,
        categorical, y["t.tdm"] / 365.25, y["e.tdm"].astype(np.intp), (), (),
    )  # fmt: skip


def test_selection_before_cross_validation_pretends_what_selection_inside_takes_away() -> None:
    """GSE7390: an independent run found a C-index of .745 with the selection outside and .566 inside."""
    order = Order(TIME_TO_EVENT, "corrected", folds=5, repeats=1)
    whole = everyone(gse7390())
    outside = fit_pipeline(whole.training, order.recipe, order.random(1)).variables

    gap = cross(whole, order, outside, (5,), Nowhere(), lambda: None).gap

    assert gap is not None
    assert gap.outside > 0.68
    assert gap.inside < 0.64
    assert gap.gap > 0.1


ISPY = """
[[table]]
file = "ispy1_clinical_outcome.xlsx"
sheet = "TCIA Outcomes Subset"
[[table]]
file = "ispy1_clinical_outcome.xlsx"
sheet = "TCIA Patient Clinical Subset"
[outcome]
code = "recurrence"
display = "Recurrence"
time = "RFS"
unit = "d"
status = "rfs_ind"
event = ["1"]
censored = ["0"]
[[column]]
name = "age"
unit = "a"
[[column]]
name = "longest_diameter"
header = "MRI LD Baseline"
unit = "mm"
[[column]]
name = "longest_diameter_before_surgery"
header = "MRI LD PreSurg"
unit = "mm"
[[column]]
name = "er"
header = "ERpos"
levels = ["no", "yes", "unknown"]
unknown = "unknown"
texts = { "0" = "no", "1" = "yes" }
[[column]]
name = "pr"
header = "PgRpos"
levels = ["no", "yes", "unknown"]
unknown = "unknown"
texts = { "0" = "no", "1" = "yes", "2" = "unknown" }
[[column]]
name = "her2"
header = "Her2MostPos"
levels = ["no", "yes", "unknown"]
unknown = "unknown"
texts = { "0" = "no", "1" = "yes" }
"""


@pytest.mark.shared_data
def test_ispy_1_goes_through_with_its_63_events(tmp_path: Path, shared_data: Path) -> None:
    sheet = "ispy1_clinical_outcome.xlsx"
    (tmp_path / sheet).write_bytes((shared_data / "cohorts" / sheet).read_bytes())

    results = trained(tmp_path, HEAD.format(name="ispy1", patient="SUBJECTID") + ISPY)

    assert results.cohort.events == 63
    assert results.cohort.patients == 221
    assert len({digest for _, digest in results.provenance.inputs}) == 2
    assert results.model.horizons[0].refused == ""
    assert results.gap is not None or not results.selection.chosen
