"""Reports put together: a run folder in, HTML and PDF out."""

from __future__ import annotations

from pathlib import Path

from services.model_factory.adapters.run_folder import write_whole
from services.model_factory.formats.run_file import read_results
from services.model_factory.formats.run_report.html import to_html
from services.model_factory.formats.run_report.pdf import to_pdf
from services.model_factory.formats.run_report.sections import report_of


def write_report(run: Path, html: Path, pdf: Path | None = None) -> tuple[Path, ...]:
    """Write the report of the finished run in ``run``; return the files. The same run gives the same bytes.

    Raises:
        InvalidInputError: If the folder holds no finished run.
    """
    report = report_of(read_results(run))
    write_whole(html, to_html(report))
    if pdf:
        write_whole(pdf, to_pdf(report))
    return (html, pdf) if pdf else (html,)
