"""The bundles installed here: verified once when the catalog is loaded, and again, byte by byte, when one is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.bundles.errors import BundleRefusedError
from shared.bundles.keys import SHIPPED_KEYS, TrustedKeys, load_keys
from shared.bundles.manifest import MANIFEST_NAME, Manifest
from shared.bundles.model import OnnxModel
from shared.bundles.runtimes.port import DEFAULT_RUNTIME, RuntimeChoice
from shared.bundles.verify import Verified, verify
from shared.domain.errors import NotFoundError
from shared.domain.prediction import BundleReference
from shared.predictors.models import Model

SHIPPED_BUNDLES = Path(__file__).parent / "demonstration"
"""Folder with the bundles that come with the software."""

_WHERE = "`oncorelay models list` names them, bundle_folders of [results] and [inference] add more"


@dataclass(frozen=True, slots=True)
class Installed:
    """One bundle that may be served."""

    reference: BundleReference
    manifest: Manifest
    folder: Path
    signer: str

    @property
    def card(self) -> str:
        """Return the text of ``card.md``; empty where the bundle has none."""
        return (self.folder / "card.md").read_text(encoding="utf-8") if "card.md" in self.manifest.files else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One bundle that is not served, and why."""

    bundle: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is installed and what was refused."""

    installed: tuple[Installed, ...]
    problems: tuple[Problem, ...]
    keys: TrustedKeys
    runtime: RuntimeChoice = DEFAULT_RUNTIME
    """What networks run on here."""

    @classmethod
    def load(
        cls, folders: Iterable[Path], trusted_keys: TrustedKeys, runtime: RuntimeChoice = DEFAULT_RUNTIME
    ) -> Catalog:
        """Verify every bundle in ``folders`` (one sub-folder each); no graph is loaded yet.

        A folder without ``bundle.json`` is not a bundle. Refused bundles become ``problems`` and hinder no other.
        """
        installed, problems = [], []
        for folder in _bundle_folders(folders):
            try:
                installed.append(_installed(verify(folder, trusted_keys)))
            except BundleRefusedError as error:
                problems.append(Problem(error.bundle, error.reason, error.remedy))
        return cls(tuple(installed), tuple(problems), trusted_keys, runtime)

    def for_variant(self, predictor: str, variant: str) -> BundleReference | None:
        """Return the bundle that answers for this variant, or None.

        Of several the one of the strongest intended use, then of the highest version.
        """
        fitting = [
            one for one in self.installed if (one.manifest.predictor, one.manifest.variant) == (predictor, variant)
        ]
        return max(fitting, key=_preference).reference if fitting else None

    def for_predictor(self, predictor: str) -> BundleReference | None:
        """Return the preferred bundle of a variant a person can ask, or None; preferred as in ``for_variant``.

        A variant that measures images, or looks at slides, cannot be asked by hand.
        """
        ours = [one for one in self.installed if one.manifest.predictor == predictor]
        fitting = [one for one in ours if not (one.manifest.imaging or one.manifest.slides)]
        return max(fitting, key=_preference).reference if fitting else None

    def find(self, bundle_id: str, digest: str | None = None) -> Installed:
        """Return the installed bundle of this id (the newest, unless ``digest`` names one).

        Raises:
            BundleRefusedError: If it is here but refused.
            NotFoundError: If there is none.
        """
        found = [
            one
            for one in self.installed
            if one.reference.bundle_id == bundle_id and digest in (None, one.reference.digest)
        ]
        if found:
            return max(found, key=_preference)
        for problem in self.problems:
            if problem.bundle == bundle_id:
                raise BundleRefusedError(problem.bundle, problem.reason, problem.remedy)
        named = bundle_id if digest is None else f"{bundle_id}@{digest[:12]}"
        raise NotFoundError("installed bundle", f"{named}: {_WHERE}")

    def open(self, bundle_id: str, digest: str | None = None) -> Model:
        """Return the loaded model; its bytes are verified again and its golden inputs run here.

        Raises:
            BundleRefusedError: If it was altered since, or gives other numbers here.
            NotFoundError: If no such bundle is installed.
        """
        installed = self.find(bundle_id, digest)
        bundle = verify(installed.folder, self.keys)
        if bundle.digest != installed.reference.digest:
            raise BundleRefusedError(bundle_id, "it was replaced while in use", "restart the service")
        return OnnxModel(bundle, self.runtime)


def installed_catalog(
    bundle_folders: Iterable[Path] = (),
    trusted_key_folder: Path | None = None,
    runtime: RuntimeChoice = DEFAULT_RUNTIME,
) -> Catalog:
    """Return the catalog of the shipped bundles and a site's own, whose networks run on ``runtime``."""
    keys = load_keys([SHIPPED_KEYS, *([trusted_key_folder] if trusted_key_folder else [])])
    return Catalog.load([SHIPPED_BUNDLES, *bundle_folders], keys, runtime)


def _bundle_folders(folders: Iterable[Path]) -> list[Path]:
    inside = [sub for folder in folders if folder.is_dir() for sub in sorted(folder.iterdir()) if sub.is_dir()]
    return [folder for folder in inside if (folder / MANIFEST_NAME).exists()]


def _installed(bundle: Verified) -> Installed:
    return Installed(bundle.reference, bundle.manifest, bundle.folder, bundle.signer)


def _preference(one: Installed) -> tuple[int, tuple[int, ...], str]:
    version = tuple(int(part) for part in one.manifest.version.split("."))
    return one.manifest.intended_use.rank, version, one.manifest.id
