"""Check the source tree: ruff, mypy --strict, import floors, then every test.

Arguments go to pytest: `neuropose test test/core -k wire`. The checks are tests themselves
(test/test_checks.py), so that pytest's last line speaks for everything.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError

PASSES_ARGUMENTS_ON = True
CHECKS = 'test/test_checks.py'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of its own: every argument is pytest's."""


def run(args: argparse.Namespace) -> int:
    """Run pytest on the checks and on what the arguments choose; return its exit code."""
    root = _source_root()
    try:
        import pytest
    except ImportError as error:
        raise NeuroposeError(
            'the tests need pytest and more: pip install -r requirements-dev.txt'
        ) from error
    arguments = [_absolute(argument) for argument in args.arguments]
    os.chdir(root)
    chosen = any(Path(argument.partition('::')[0]).exists() for argument in arguments)
    sys.argv[0] = 'pytest'
    return int(pytest.main([*([CHECKS] if chosen else []), *arguments]))


def _absolute(argument: str) -> str:
    path, separator, selection = argument.partition('::')
    return f'{Path(path).resolve()}{separator}{selection}' if Path(path).exists() else argument


def _source_root() -> Path:
    # Links resolved: a symlink installation leads to the source tree.
    root = Path(__file__).resolve().parents[2]
    if not (root / CHECKS).is_file():
        raise NeuroposeError(
            'the tests are not installed: get the source code and start ./neuropose test in it'
        )
    return root
