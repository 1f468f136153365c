"""The house stays liveable: sizes, room signs, and nothing in the repository that does not belong there."""

from __future__ import annotations

import ast
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ALLOWED_TOP = {
    "services", "shared", "proto", "deploy", "tests", "pyproject.toml", "README.md", "run", "LICENSE", "CHANGELOG.md",
    "CONTRIBUTING.md", "constraints.txt", ".ci", ".gitignore",
}  # fmt: skip
SERVICES = (
    "dicom_listener", "slide_ingestion", "lab_consumer", "inference", "results", "portal", "model_factory",
)  # fmt: skip


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def sources() -> list[Path]:
    files = [path for top in ("services", "shared") for path in (ROOT / top).rglob("*.py")]
    return [path for path in files if "gen" not in path.parts and path.stat().st_size > 0]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1


def test_the_top_level_is_exactly_what_was_decided() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= ALLOWED_TOP


def test_files_and_functions_keep_their_size() -> None:
    files = sorted(len(path.read_text().splitlines()) for path in sources())
    functions = sorted(
        body_lines(node)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )

    assert statistics.median(files) <= 120
    assert files[int(len(files) * 0.9)] <= 350
    assert statistics.median(functions) <= 5
    assert functions[int(len(functions) * 0.9)] <= 20
    assert functions[-1] <= 60


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_its_sign_at_the_door(service: str) -> None:
    sign = (ROOT / "services" / service / "__init__.py").read_text()

    assert all(word in sign for word in ("in:", "out:", "never:"))


def test_no_package_marker_shadows_a_library() -> None:
    for folder in ("proto", "deploy", "tests"):
        assert not list((ROOT / folder).glob("__init__.py"))


def test_serving_never_imports_torch() -> None:
    for path in sources():
        if "model_factory" not in path.parts:
            assert "import torch" not in path.read_text(), path
