"""``python -m services.model_factory build-published | build-demonstration[-ln-pcr|-her2] --out DIR``, ``validate``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.model_factory.app import build_published, signing_key, validate_bundle
from services.model_factory.formats.report import render_text, to_json
from shared.domain.errors import OncoRelayError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status (1 after an error, said in one sentence)."""
    options = _parser().parse_args(arguments)
    if options.command is None:
        print("model_factory: nothing to serve; use `oncorelay validate`, or build-published (--help)")
        return 0
    try:
        _COMMANDS[options.command](options)
    except OncoRelayError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.model_factory")
    commands = parser.add_subparsers(dest="command")
    build = commands.add_parser("build-published", help="build the bundle of published coefficients")
    build.add_argument("--out", type=Path, required=True, help="folder that receives the bundle and its public key")
    build.add_argument("--key", type=Path, help="Ed25519 private key (PEM); without it a new key is made and not kept")
    made = commands.add_parser("build-demonstration", help="simulate, train and seal lung_metastasis-demonstration")
    made.add_argument("--out", type=Path, required=True, help="folder that receives cohort, run, bundle and public key")
    made.add_argument("--key", type=Path, help="as above")
    images = commands.add_parser("build-demonstration-ln-pcr", help="simulate women with images, train, seal three")
    images.add_argument("--out", type=Path, required=True, help="folder that receives cohort, run, bundles and key")
    images.add_argument("--key", type=Path, help="as above")
    images.add_argument("--fresh", type=int, default=0, metavar="N", help="then score so many fresh simulated women")
    slides = commands.add_parser("build-demonstration-her2", help="simulate H&E slides, train, seal one")
    slides.add_argument("--out", type=Path, required=True, help="folder that receives cohort, run, bundle and key")
    slides.add_argument("--key", type=Path, help="as above")
    slides.add_argument("--fresh", type=int, default=0, metavar="N", help="then score so many fresh simulated slides")
    check = commands.add_parser("validate", help="measure a bundle on a cohort sheet")
    check.add_argument("bundle")
    check.add_argument("--cohort", required=True, metavar="NAME=PATH")
    check.add_argument("--json", action="store_true")
    return parser


def _build(options: argparse.Namespace) -> None:
    print(build_published(options.out, signing_key(options.key)))


def _build_demonstration_ln_pcr(options: argparse.Namespace) -> None:
    from services.model_factory.app.imaged_demonstration import build_demonstration_ln_pcr, reached

    for folder in build_demonstration_ln_pcr(options.out, signing_key(options.key), _Lines()):
        print(folder)
    for one in reached(options.out, options.fresh, _Lines()) if options.fresh else ():
        print(one.sentence())


def _build_demonstration_her2(options: argparse.Namespace) -> None:
    from services.model_factory.app.slides_demonstration import build_demonstration_her2, reached_her2

    print(build_demonstration_her2(options.out, signing_key(options.key), _Lines()))
    if options.fresh:
        print(reached_her2(options.out, options.fresh, _Lines()).sentence())


def _validate(options: argparse.Namespace) -> None:
    name, _, path = options.cohort.partition("=")
    result = validate_bundle(options.bundle, name, Path(path))
    print(json.dumps(to_json(result)) if options.json else render_text(result))


def _build_demonstration(options: argparse.Namespace) -> None:
    from services.model_factory.app.demonstration import build_demonstration

    print(build_demonstration(options.out, signing_key(options.key), _Lines()))


class _Lines:
    """Progress as one line per stage."""

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Callable[[], None]]:
        print(f"{name}: {pieces}", flush=True)
        yield lambda: None


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "build-published": _build,
    "build-demonstration": _build_demonstration,
    "build-demonstration-ln-pcr": _build_demonstration_ln_pcr,
    "build-demonstration-her2": _build_demonstration_her2,
    "validate": _validate,
}

if __name__ == "__main__":
    sys.exit(main())
