"""A prefix of an S3 bucket: listed by polling, fetched once an object stood still."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.config import PrefixSettings
from services.slide_ingestion.handlers.check import SlideChangedError, SlideClosedError
from services.slide_ingestion.handlers.grouping import INDEXED, SLIDES
from services.slide_ingestion.ports.doors import Entry
from services.slide_ingestion.ports.slides import SlideFile
from shared.domain.errors import InvalidInputError, NotFoundError, OutOfResourcesError, UnavailableError
from shared.site.secret_files import read_line


@dataclass(frozen=True, slots=True)
class S3Door:
    """One ``[[slide_ingestion.s3]]``; ``files`` is an fsspec file system."""

    name: str
    root: str
    """Bucket and prefix, without a slash at the end."""
    files: Any
    cache: SlideCache
    most_entries: int
    troubles: tuple[type[Exception], ...] = (OSError,)
    """What ``files`` raises where a bucket does not answer as it should."""

    def look(self) -> tuple[Entry, ...]:
        """Return every object below the prefix.

        Raises:
            UnavailableError: If the bucket does not answer.
            OutOfResourcesError: If there are more objects than are looked at.
        """
        with self._asking():
            self.files.invalidate_cache()
            found: Mapping[str, Mapping[str, Any]] = self.files.find(
                self.root, detail=True, max_items=self.most_entries + 1
            )
        if len(found) > self.most_entries:
            raise OutOfResourcesError(f"{self.name} holds more than {self.most_entries} objects: none is taken in")
        return tuple(self._entry(key, one) for key, one in found.items() if one.get("type") == "file")

    def mounted(self) -> str:
        """Return nothing: a bucket that is not there does not answer with an empty list."""
        return ""

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        """Tell whether the first byte of each is given out; of what was fetched no bucket is asked."""
        if self._is_held(slide_id, files):
            return True
        with self._asking():
            try:
                for one in files:
                    self.files.cat_file(self._key(one.name), start=0, end=1)
            except PermissionError:
                return False
            except FileNotFoundError:
                return True  # the next look tells that it is gone
        return True

    def read(self, name: str, limit: int) -> bytes:
        """Return a small object.

        Raises:
            InvalidInputError: If it is larger than ``limit`` bytes.
            NotFoundError: If it is not there.
        """
        with self._asking():
            try:
                if int(self.files.info(self._key(name))["size"]) > limit:
                    raise InvalidInputError("manifest", f"is larger than {limit} bytes")
                content = bytes(self.files.cat_file(self._key(name), start=0, end=limit + 1))
            except FileNotFoundError:
                raise NotFoundError("object", "of this name") from None
        if len(content) > limit:
            raise InvalidInputError("manifest", f"is larger than {limit} bytes")
        return content

    @contextmanager
    def taken(self, slide_id: str, files: Sequence[SlideFile]) -> Iterator[tuple[Path, ...]]:
        """Fetch them into the cache, unless they lie there as they are."""
        if not self._is_held(slide_id, files):
            self._fetch(slide_id, files)
        yield tuple(self.cache.of(slide_id) / name for name in _places(files))

    def uris(self, slide_id: str, files: Sequence[SlideFile]) -> tuple[str, ...]:
        """Return their places in the cache."""
        return tuple((self.cache.of(slide_id) / name).absolute().as_uri() for name in _places(files))

    def unchanged(self, slide_id: str, files: Sequence[SlideFile]) -> bool:  # noqa: ARG002
        """Tell whether the objects still have the ETags they were fetched with."""
        with self._asking():
            self.files.invalidate_cache()
            try:
                return all(_stamp(self.files.info(self._key(one.name))) == one.stamp for one in files)
            except FileNotFoundError:
                return False

    def _fetch(self, slide_id: str, files: Sequence[SlideFile]) -> None:
        place = self.cache.make(slide_id, sum(one.size for one in files))
        try:
            with self._asking():
                for one, name in zip(files, _places(files), strict=True):
                    (place / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    self._get(one, place / name)
            if any((place / name).stat().st_size != one.size for one, name in zip(files, _places(files), strict=True)):
                raise SlideChangedError("an object is not as it was seen")
            (place / _SEAL).write_text(_sealed(files))
            self.cache.keep(slide_id)
        except FileNotFoundError:
            raise SlideChangedError("an object is not there any more") from None
        finally:
            self.cache.drop(slide_id)

    def _get(self, one: SlideFile, target: Path) -> None:
        try:
            self.files.get_file(self._key(one.name), str(target))
        except PermissionError:
            raise SlideClosedError(_CLOSED) from None

    def _is_held(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        seal = self.cache.of(slide_id) / _SEAL
        return seal.is_file() and seal.read_text() == _sealed(files)

    def _entry(self, key: str, one: Mapping[str, Any]) -> Entry:
        return Entry(key.removeprefix(f"{self.root}/"), int(one["size"]), _stamp(one))

    def _key(self, name: str) -> str:
        return f"{self.root}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Have what a bucket's client raises be ours: its texts name keys, which may name people."""
        try:
            yield
        except FileNotFoundError:
            raise
        except self.troubles as error:
            if isinstance(error, OSError) and error.errno == _NO_SPACE:
                raise OutOfResourcesError("the disk of the slide cache is full") from None
            raise UnavailableError(f"{self.name} does not answer ({type(error).__name__})") from None


_NO_SPACE = 28
"""ENOSPC."""
_SEAL = ".fetched"
_OF_MIRAX = re.compile(r"(?i:Slidedat\.ini|Index\.dat|Data[0-9]{1,6}\.dat)")
"""The names a MIRAX scanner writes below the folder of a slide."""
_SUFFIXES = frozenset({*SLIDES, ".dat", ".ini", ".jpg", ".jpeg", ".xml", ".opt", ".ngr"})
_CLOSED = (
    "an object of it may not be read: let this service's credentials get it (s3:GetObject); it is then looked into by "
    "itself"
)


def _sealed(files: Sequence[SlideFile]) -> str:
    return "\n".join(f"{one.size} {one.stamp}" for one in files)


def _stamp(one: Mapping[str, Any]) -> str:
    return f"{one.get('ETag', '')} {one.get('LastModified', '')}"


def _places(files: Sequence[SlideFile]) -> list[str]:
    """Return names within the cache, where nothing is left of names people gave: those may name a patient.

    Two formats find their other files by name, and so keep as much of it as they need: MIRAX the folder of the stem,
    which is renamed with it, and in it the names the scanner's software gives (``Slidedat.ini`` lists them);
    Hamamatsu's VMS and VMU every name their index lists, for the index is not ours to write.
    """
    first = PurePosixPath(files[0].name)
    kind = first.suffix.lower()
    if kind in INDEXED:
        return [f"slide{kind}", *(PurePosixPath(one.name).name for one in files[1:])]
    folder = f"{first.with_suffix('')}/"
    return [f"slide{kind}", *(_place(one.name, folder, number) for number, one in enumerate(files) if number)]


def _place(name: str, folder: str, number: int) -> str:
    inside = name.removeprefix(folder)
    if inside != name and _OF_MIRAX.fullmatch(inside):
        return f"slide/{inside}"
    below = "slide/" if inside != name else ""
    return f"{below}{number:04d}{_suffix(name)}"


def _suffix(name: str) -> str:
    """Return the suffix where it says a format; what follows a dot in a person's name does not."""
    found = PurePosixPath(name).suffix.lower()
    return found if found in _SUFFIXES else ""


def s3_door(settings: PrefixSettings, cache: SlideCache, most_entries: int) -> S3Door:
    """Return the door of a prefix; nothing is asked of the bucket yet.

    Raises:
        InvalidInputError: If the extra ``s3`` is not installed, or the credentials cannot be read.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError
        from s3fs import S3FileSystem
    except ModuleNotFoundError:
        raise InvalidInputError("[[slide_ingestion.s3]]", "needs the extra s3: pip install oncorelay[s3]") from None
    words = read_line(settings.credentials_file, "credentials_file").split() if settings.credentials_file else []
    if settings.credentials_file and len(words) != 2:
        raise InvalidInputError("credentials_file", "needs one line: ACCESS_KEY SECRET_KEY")
    key, secret = (words[0], words[1]) if words else (None, None)
    root = "/".join(part for part in (settings.bucket, settings.prefix.strip("/")) if part)
    files = S3FileSystem(
        key=key, secret=secret, endpoint_url=settings.endpoint_url or None, use_listings_cache=False,
        client_kwargs={"region_name": settings.region},
        config_kwargs={"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
    )  # fmt: skip
    return S3Door(settings.name, root, files, cache, most_entries, (OSError, ValueError, BotoCoreError, ClientError))
