"""``oncorelay explain``: ask a nomogram by hand and see it drawn; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from services.cli.cases import print_json, screen
from services.cli.models import site_catalog
from services.inference.adapters.bundles import WarmModels
from services.inference.formats.predictions import to_json
from services.inference.handlers.explain import refused
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import Prediction
from shared.pictures import as_json
from shared.pictures.answers import nomogram_of
from shared.pictures.caption import caption_of
from shared.pictures.chart import chart_of, marks_of
from shared.pictures.pdf import to_pdf
from shared.pictures.svg import to_svg
from shared.pictures.terminal import nomogram_text
from shared.predictors.contract import ByHand
from shared.predictors.hazards.model import Hazards
from shared.predictors.lung_metastasis import panel
from shared.predictors.models import HazardsModel
from shared.predictors.registry import PANEL_PREDICTORS

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group("explain")
def explain() -> None:
    """Ask a nomogram by hand: points, risks with intervals, and the picture."""


@explain.command("lung_metastasis")
@click.option("--hscrp", required=True, metavar="mg/L", help="hsCRP, for example 12.")
@click.option("--il6", required=True, metavar="pg/mL", help="Interleukin 6, for example 9 or <0.5.")
@click.option("--ifn-alpha", required=True, metavar="pg/mL", help="Interferon alpha.")
@click.option("--tnf-alpha", required=True, metavar="pg/mL", help="Tumour necrosis factor alpha.")
@click.option(
    "--endocrine", required=True, type=click.Choice(panel.ENDOCRINE_LEVELS), help="Endocrine therapy received."
)
@click.option("--bundle", default="", metavar="ID", help="Which bundle; else the one that would answer a case.")
@click.option("--svg", type=_FILE, help="Write the nomogram as SVG.")
@click.option("--pdf", type=_FILE, help="Write the nomogram as PDF, one page of A4.")
@click.option("--json", "as_line", is_flag=True, help="One line of JSON.")
def lung_metastasis(
    *, bundle: str, endocrine: str, svg: Path | None, pdf: Path | None, as_line: bool, **measured: str
) -> None:
    """Risk of lung metastasis within 5 and 10 years, with its nomogram.

    Values are decimals in the units shown; "<0.5" is a limit of detection, taken where the bundle was made with it.
    A value outside the range the model has seen is refused, not extrapolated. Nothing is stored, and
    whether the model applies to a patient is not checked.

    \b
    Examples:
      oncorelay explain lung_metastasis --hscrp 12 --il6 9 --ifn-alpha 2.1 --tnf-alpha 1.2 --endocrine yes
      oncorelay explain lung_metastasis --hscrp 30 --il6 "<0.5" --ifn-alpha 1 --tnf-alpha 1 --endocrine no \\
          --svg nomogram.svg --pdf nomogram.pdf
    """
    model, hazards = _nomogram(panel.NAME, bundle)
    values = {panel.ENDOCRINE: endocrine, **measured}
    answer = _answered(panel.NAME, model, values)
    _write(answer, model, hazards, {"svg": svg, "pdf": pdf})
    if as_line:
        print_json(_json(answer, model, hazards))
        return
    chart = chart_of(model.inputs, hazards, panel.LABELS)
    console = screen()
    console.print(nomogram_text(chart, caption_of(answer, panel.TITLE), marks_of(answer), console.width))
    for path in filter(None, (svg, pdf)):
        click.echo(f"written: {path}")


def _nomogram(predictor: str, bundle_id: str) -> tuple[HazardsModel, Hazards]:
    catalog = site_catalog()
    models = WarmModels(lambda: catalog)
    reference = models.choose(predictor, bundle_id)
    model = models.open(reference.bundle_id, reference.digest)
    if not isinstance(model, HazardsModel) or model.hazards is None:
        raise InvalidInputError("bundle", f"{reference.bundle_id} holds no nomogram")
    return model, model.hazards


def _answered(predictor: str, model: HazardsModel, values: Mapping[str, str]) -> Prediction:
    """Answer, or say every value that does not enter the model, one per line."""
    wrong = [f"{one.name} {one.text}" for one in refused(model, values)]
    if wrong:
        raise click.ClickException("no risk is given:\n  " + "\n  ".join(wrong))
    by_hand = PANEL_PREDICTORS[predictor]
    if not isinstance(by_hand, ByHand):
        raise InvalidInputError("predictor", f"{predictor} cannot be asked by hand")
    return by_hand.answer_levels(values, model)


def _write(answer: Prediction, model: HazardsModel, hazards: Hazards, files: Mapping[str, Path | None]) -> None:
    scene = nomogram_of(answer, model.inputs, hazards)
    for kind, path in files.items():
        if path is not None:
            path.write_bytes(to_svg(scene).encode() if kind == "svg" else to_pdf(scene))


def _json(answer: Prediction, model: HazardsModel, hazards: Hazards) -> dict[str, Any]:
    chart = chart_of(model.inputs, hazards, panel.LABELS)
    return {**to_json(answer), "nomogram": as_json.to_json(chart, marks_of(answer))}
